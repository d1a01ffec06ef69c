import { Client, types } from 'pg';
import type { Field, FieldType, Frame } from '@spanmeter/dashboards/dist/preview/frame.js';

const { builtins } = types;
const NUMBERS: ReadonlySet<number> = new Set<number>([
  builtins.INT2,
  builtins.INT4,
  builtins.INT8,
  builtins.FLOAT4,
  builtins.FLOAT8,
  builtins.NUMERIC,
]);
const TIMES: ReadonlySet<number> = new Set<number>([builtins.TIMESTAMP, builtins.TIMESTAMPTZ, builtins.DATE]);
const BOOLEANS: ReadonlySet<number> = new Set<number>([builtins.BOOL]);
/** The type `name` of catalogues. */
const NAME = 19;
const TEXTS: ReadonlySet<number> = new Set<number>([
  builtins.TEXT,
  builtins.VARCHAR,
  builtins.BPCHAR,
  builtins.UUID,
  NAME,
]);

function typeOf(oid: number): FieldType {
  if (NUMBERS.has(oid)) return 'number';
  if (TIMES.has(oid)) return 'time';
  if (BOOLEANS.has(oid)) return 'boolean';
  return TEXTS.has(oid) ? 'string' : 'other';
}

function read(type: FieldType, text: unknown): unknown {
  if (typeof text !== 'string') return null;
  if (type === 'number') return Number(text);
  if (type === 'boolean') return text === 't';
  return type === 'time' ? readTime(text) : text;
}

/** `2026-11-21`, `2026-11-21 10:00:00`, `2026-11-21 10:00:00.123456+00`; without a zone it is UTC to Grafana. */
function readTime(text: string): number {
  if (!text.includes(':')) return Date.parse(text);
  const zoned = /[+-]\d\d(:\d\d)?$/.test(text) ? text.replace(/([+-]\d\d)$/, '$1:00') : `${text}Z`;
  return Date.parse(zoned.replace(' ', 'T').replace(/(\.\d{3})\d+/, '$1'));
}

/** Grafana's PostgreSQL data source: one connection that may do what the role of the boards may. */
export class SqlSource {
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
  }

  /** Connects as a superuser and becomes the role for good, so that row-level security and grants hold. */
  static async open(adminUrl: string, role: string): Promise<SqlSource> {
    const client = new Client({ connectionString: adminUrl, application_name: 'grafana' });
    // A server that stops first ends the connection; the query that waits for it says so.
    client.on('error', () => undefined);
    await client.connect();
    await client.query(`SET SESSION AUTHORIZATION ${role}`);
    await client.query(`SET statement_timeout = '20s'`);
    // What Grafana sees is the session's default; boards must not lean on the test's search path.
    await client.query(`SET search_path = public`);
    return new SqlSource(client);
  }

  /** Runs one query; column types decide what a panel takes for times, numbers and labels. */
  async run(refId: string, text: string): Promise<Frame> {
    const raw = { getTypeParser: () => (value: string) => value };
    const { rows, fields } = await this.#client.query<unknown[]>({ text, rowMode: 'array', types: raw });
    const named = fields.map(({ name, dataTypeID }, column): Field => {
      const type = typeOf(dataTypeID);
      const values = rows.map((row) => read(type, row[column]));
      // A number in a column of that name is seconds since the epoch.
      if (name !== 'time' || type !== 'number') return { name, type, values };
      return { name, type: 'time', values: values.map((value) => Number(value) * 1_000) };
    });
    return { refId, fields: named };
  }

  async close(): Promise<void> {
    await this.#client.end();
  }
}
