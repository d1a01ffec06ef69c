import { Client, type QueryResult, type QueryResultRow } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { CALL_COLUMNS } from './call-rows.ts';
import { ROLLUP_COLUMNS } from './rollup.ts';

const CONNECT_TIMEOUT_MS = 10_000;
/** A statement that takes longer counts as a lost connection: the host may be gone without a word. */
const STATEMENT_TIMEOUT_MS = 120_000;

/** Temporary tables of a session: rows go through them where they may be there already, sums always do. */
export const STAGED_CALLS = 'pg_temp.spanmeter_staged_calls';
export const STAGED_ROLLUPS = 'pg_temp.spanmeter_staged_rollups';

const SETUP: string = [
  // An operator's default may differ; an acknowledged span leaves the journal on the strength of this commit.
  'SET synchronous_commit = on',
  `SET timezone = 'UTC'`,
  // A collector whose host vanished must not hold its cursor row for long.
  `SET idle_in_transaction_session_timeout = '60s'`,
  `SET lock_timeout = '60s'`,
  `CREATE TEMP TABLE spanmeter_staged_calls ON COMMIT DELETE ROWS AS
     SELECT ${CALL_COLUMNS.join(', ')} FROM spanmeter.calls WITH NO DATA`,
  `CREATE TEMP TABLE spanmeter_staged_rollups ON COMMIT DELETE ROWS AS
     SELECT ${ROLLUP_COLUMNS.join(', ')} FROM spanmeter.spend_rollup WITH NO DATA`,
].join(';\n');

/** The one writing connection of a ledger. After `lost` it is of no use. */
export class Session {
  readonly #client: Client;
  #lost = false;

  private constructor(client: Client) {
    this.#client = client;
    client.on('error', () => (this.#lost = true));
    client.on('end', () => (this.#lost = true));
  }

  /** Connects and prepares; rejects with the driver's error. */
  static async open(connectionString: string): Promise<Session> {
    const client = new Client({
      connectionString,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: STATEMENT_TIMEOUT_MS,
      keepAlive: true,
      application_name: 'spanmeter ledger',
    });
    const session = new Session(client);
    try {
      await client.connect();
      await client.query(SETUP);
      return session;
    } catch (error) {
      session.close();
      throw error;
    }
  }

  get lost(): boolean {
    return this.#lost;
  }

  async query<Row extends QueryResultRow>(
    text: string,
    values?: readonly unknown[],
  ): Promise<QueryResult<Row>> {
    return values === undefined ? this.#client.query<Row>(text) : this.#client.query<Row>(text, [...values]);
  }

  /** Several statements in one round trip; resolves with every result. */
  async script(text: string): Promise<readonly QueryResult<QueryResultRow>[]> {
    // Typed as one result, but several statements answer with several.
    const results: unknown = await this.#client.query(text);
    return (Array.isArray(results) ? results : [results]) as QueryResult<QueryResultRow>[];
  }

  /** COPY in binary format; resolves with the number of rows. */
  async copy(table: string, columns: readonly string[], payload: readonly Buffer[]): Promise<number> {
    const stream = this.#client.query(
      copyFrom(`COPY ${table} (${columns.join(', ')}) FROM STDIN (FORMAT binary)`),
    );
    await new Promise<void>((resolve, reject) => {
      stream.once('finish', resolve);
      stream.once('error', reject);
      stream.once('close', () => reject(new Error('the connection ended during COPY')));
      for (const part of payload) stream.write(part);
      stream.end();
    });
    return stream.rowCount;
  }

  /** Ends the connection at once; what was not committed is rolled back by the server. */
  close(): void {
    this.#lost = true;
    this.#client.end().catch(() => {});
  }
}
