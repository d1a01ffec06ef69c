import type { Connection, Submittable } from 'pg';

/*
 * Several statements, COPY among them, as one Query message ("Simple Query" and "COPY Operations" in
 * PostgreSQL's protocol chapter). The data follows at once instead of after CopyInResponse, so a whole
 * transaction costs one round trip and the server works while the next batch is encoded. That is sound: the
 * server reads COPY data where a COPY statement wants it, in order; after an error it skips the other
 * statements and ignores what still comes.
 *
 *   'Q' int32 length, text, 0
 *   'd' int32 length, bytes        CopyData, any split
 *   'c' int32 4                    CopyDone, once per COPY
 */

const COPY_DATA = 0x64;
const COPY_DONE: Buffer = Buffer.from([0x63, 0, 0, 0, 4]);
/** The server reads a message whole before it parses rows: small enough to begin soon. */
const CHUNK_BYTES = 128 * 1024;

/** One statement, with the data that its COPY reads. */
export interface Statement {
  readonly sql: string;
  readonly payload?: readonly Buffer[];
}

export interface ScriptResult {
  /** Rows that statement `i` changed, copied or returned. */
  readonly counts: readonly number[];
  /** Rows of every statement that returned some, as text. */
  readonly rows: readonly (readonly (string | null)[])[];
}

interface Stream {
  write(bytes: Buffer): unknown;
  cork(): void;
  uncork(): void;
}

/** A query that node-postgres runs in its turn. Settles once. */
export class Script implements Submittable {
  readonly #statements: readonly Statement[];
  readonly #counts: number[] = [];
  readonly #rows: (readonly (string | null)[])[] = [];
  /** Replaced by the driver, which measures its time limit there. */
  callback: (error?: Error | null) => void;
  readonly done: Promise<ScriptResult>;

  constructor(statements: readonly Statement[]) {
    this.#statements = statements;
    let settle: (error?: Error | null) => void = () => {};
    this.done = new Promise((resolve, reject) => {
      settle = (error) => {
        if (error) reject(error);
        else resolve({ counts: this.#counts, rows: this.#rows });
      };
    });
    this.callback = settle;
  }

  submit(connection: Connection): void {
    const stream = connection.stream as unknown as Stream;
    stream.cork();
    connection.query(this.#statements.map((statement) => statement.sql).join(';\n'));
    for (const { payload } of this.#statements) {
      if (payload === undefined) continue;
      for (const part of payload) writeData(stream, part);
      stream.write(COPY_DONE);
    }
    stream.uncork();
  }

  handleRowDescription(): void {}
  handleCopyInResponse(): void {}
  handleEmptyQuery(): void {}
  handlePortalSuspended(): void {}

  handleDataRow(message: { readonly fields: readonly (string | null)[] }): void {
    this.#rows.push(message.fields);
  }

  /** Tags read `INSERT 0 5`, `COPY 5`, `SELECT 1`, `BEGIN`. */
  handleCommandComplete(message: { readonly text: string }): void {
    this.#counts.push(Number(message.text.slice(message.text.lastIndexOf(' ') + 1)) || 0);
  }

  handleReadyForQuery(): void {
    this.callback(null);
  }

  handleError(error: Error): void {
    this.callback(error);
  }
}

function writeData(stream: Stream, part: Buffer): void {
  for (let at = 0; at < part.length; at += CHUNK_BYTES) {
    const chunk = part.subarray(at, at + CHUNK_BYTES);
    const header = Buffer.allocUnsafe(5);
    header[0] = COPY_DATA;
    header.writeUInt32BE(chunk.length + 4, 1);
    stream.write(header);
    stream.write(chunk);
  }
}
