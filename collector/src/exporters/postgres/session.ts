import { Client, type QueryResult, type QueryResultRow } from 'pg';
import { CALL_COLUMNS } from './call-rows.ts';
import { ROLLUP_COLUMNS, ROLLUP_SUMS } from './rollup.ts';
import { Script, type ScriptResult, type Statement } from './script.ts';

const CONNECT_TIMEOUT_MS = 10_000;
/** A statement that takes longer counts as a lost connection: the host may be gone without a word. */
const STATEMENT_TIMEOUT_MS = 120_000;

/** Temporary tables of a session: rows go through them where they may be there already, sums always do. */
export const STAGED_CALLS = 'pg_temp.spanmeter_staged_calls';
export const STAGED_ROLLUPS = 'pg_temp.spanmeter_staged_rollups';
export const STAGED_LETTERS = 'pg_temp.spanmeter_staged_letters';

const SUM_UPDATES: string = ROLLUP_SUMS.map((name) => `${name} = r.${name} + excluded.${name}`).join(', ');
/** Adds the staged sums to the rollups. */
export const MERGE_ROLLUPS: string = `INSERT INTO spanmeter.spend_rollup AS r (${ROLLUP_COLUMNS.join(', ')})
  SELECT ${ROLLUP_COLUMNS.join(', ')} FROM ${STAGED_ROLLUPS}
  ON CONFLICT (tenant_id, bucket_start, dimensions_hash, journal_id) DO UPDATE SET ${SUM_UPDATES}`;

/** Makes the temporary table that sums go through. */
export const STAGE_ROLLUPS: string = staging(STAGED_ROLLUPS, ROLLUP_COLUMNS.join(', '), 'spend_rollup');

function staging(name: string, columns: string, table: string): string {
  const target = name.slice('pg_temp.'.length);
  return `CREATE TEMP TABLE ${target} ON COMMIT DELETE ROWS AS
    SELECT ${columns} FROM spanmeter.${table} WITH NO DATA`;
}

const SETUP: string = [
  // An operator's default may differ; an acknowledged span leaves the journal on the strength of this commit.
  'SET synchronous_commit = on',
  `SET timezone = 'UTC'`,
  // A collector whose host vanished must not hold its cursor row for long.
  `SET idle_in_transaction_session_timeout = '60s'`,
  `SET lock_timeout = '60s'`,
  staging(STAGED_CALLS, CALL_COLUMNS.join(', '), 'calls'),
  STAGE_ROLLUPS,
  staging(STAGED_LETTERS, '*', 'dead_letters'),
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
    values: readonly unknown[] = [],
  ): Promise<QueryResult<Row>> {
    return this.#client.query<Row>(text, [...values]);
  }

  /** Runs statements in one round trip; rejects with the first one's error, the rest is skipped. */
  async run(statements: readonly (Statement | string)[]): Promise<ScriptResult> {
    const script = new Script(statements.map((each) => (typeof each === 'string' ? { sql: each } : each)));
    this.#client.query(script);
    return script.done;
  }

  /** Ends the connection at once; what was not committed is rolled back by the server. */
  close(): void {
    this.#lost = true;
    this.#client.end().catch(() => {});
  }
}

/** A statement that copies rows in binary format. */
export function copyInto(table: string, columns: readonly string[], payload: readonly Buffer[]): Statement {
  return { sql: `COPY ${table} (${columns.join(', ')}) FROM STDIN (FORMAT binary)`, payload };
}
