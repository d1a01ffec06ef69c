import { createTenantBooks } from '@spanmeter/processors';
import { Pool } from 'pg';
import { createApi, type Api, type ApiDependencies } from '@spanmeter/collector/dist/api/api.js';
import type { Authenticator, Identity } from '@spanmeter/collector/dist/pipeline/identity.js';
import { Refusal } from '@spanmeter/collector/dist/pipeline/refusal.js';
import { SILENT_LOG, SILENT_METRICS } from '@spanmeter/collector/dist/pipeline/silent.js';

/** Takes `x-api-key: sm_<name>` for the identity of that name. */
export function authenticatorOf(identities: Readonly<Record<string, Identity>>): Authenticator {
  return {
    authenticate(header) {
      const identity = identities[header('x-api-key') ?? ''];
      if (identity === undefined) return Promise.reject(new Refusal('unauthenticated', 'no such key'));
      return Promise.resolve(identity);
    },
  };
}

/** Whatever an answer holds: the assertions of each test check it. */
export type Json = ReturnType<typeof JSON.parse>;

export interface JsonAnswer {
  status: number;
  headers: Headers;
  body: Json;
}

export interface RunningApi {
  readonly api: Api;
  readonly pool: Pool;
  readonly base: string;
  get(path: string, key?: string): Promise<JsonAnswer>;
  close(): Promise<void>;
}

/** The books that ship. */
const BOOKS = createTenantBooks();

/** The API on a free port, over a pool of its own. */
export async function runApi(url: string, options: Partial<ApiDependencies> = {}): Promise<RunningApi> {
  const pool = new Pool({ connectionString: url, max: 4 });
  pool.on('error', () => undefined);
  const api = createApi({
    pool,
    authenticator: null,
    log: SILENT_LOG,
    metrics: SILENT_METRICS,
    status: () => ({ version: 'test' }),
    books: () => BOOKS,
    ...options,
  });
  const { port } = await api.listen('127.0.0.1:0');
  const base = `http://127.0.0.1:${port}`;
  return {
    api,
    pool,
    base,
    async get(path, key) {
      const headers = key === undefined ? {} : { 'x-api-key': key };
      const response = await fetch(`${base}${path}`, { headers });
      const text = await response.text();
      const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
      return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
    },
    async close() {
      await api.close();
      await pool.end();
    },
  };
}
