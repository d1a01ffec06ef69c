import type { PoolClient } from 'pg';
import { usableZone } from '../budgets/usable-zone.ts';
import { errorCode, isUnavailable } from '../database/failure.ts';
import { Refusal } from '../pipeline/refusal.ts';

/** What the reader needs of a pg pool. */
export interface ReaderPool {
  connect(): Promise<PoolClient>;
  readonly waitingCount: number;
}

export interface ReaderOptions {
  /** The database gives a query up after this. */
  readonly statementTimeoutMs: number;
  /** How long a request waits for a connection. */
  readonly acquireTimeoutMs: number;
  /** Requests that may wait for a connection at once; more are refused. */
  readonly maxWaiting: number;
}

export const READER_DEFAULTS: ReaderOptions = {
  statementTimeoutMs: 10_000,
  acquireTimeoutMs: 5_000,
  maxWaiting: 64,
};

/** One transaction that sees the rows of one tenant, or of all where `tenant` is null. */
export interface Reading {
  readonly tenant: string | null;
  /** The tenant's IANA time zone; UTC for all tenants and for one that is not registered. */
  readonly timezone: string;
  query<R extends object>(text: string, values?: readonly unknown[]): Promise<R[]>;
}

/** Runs read-only work under row-level security. */
export interface Reader {
  /**
   * Runs `work` in one read-only snapshot. Rejects with Refusal `unavailable` where the database can't be reached,
   * is too busy or takes too long.
   */
  read<T>(tenant: string | null, work: (reading: Reading) => Promise<T>): Promise<T>;
}

const RETRY_AFTER_MS = 5_000;
function refusalOf(error: unknown, statementTimeoutMs: number): unknown {
  if (!(error instanceof Error) || error instanceof Refusal) return error;
  const options = { retryAfterMs: RETRY_AFTER_MS, cause: error };
  if (errorCode(error) === '57014') {
    const seconds = statementTimeoutMs / 1000;
    return new Refusal(
      'unavailable',
      `The query took longer than ${seconds} s; ask for a shorter range.`,
      options,
    );
  }
  if (isUnavailable(error)) {
    return new Refusal('unavailable', 'The database cannot answer right now.', options);
  }
  return error;
}

async function acquire(pool: ReaderPool, options: ReaderOptions): Promise<PoolClient> {
  if (pool.waitingCount >= options.maxWaiting) {
    throw new Refusal('unavailable', 'Too many queries are waiting.', { retryAfterMs: RETRY_AFTER_MS });
  }
  let late = false;
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      late = true;
      const message = 'No database connection became free in time.';
      reject(new Refusal('unavailable', message, { retryAfterMs: RETRY_AFTER_MS }));
    }, options.acquireTimeoutMs);
  });
  const connected = pool.connect().then((client) => {
    if (late) client.release();
    return client;
  });
  try {
    return await Promise.race([connected, timeout]);
  } finally {
    clearTimeout(timer);
    connected.catch(() => undefined);
  }
}

/**
 * The role is one that owns nothing, so policies hold for it even where a query forgets the tenant. `SET LOCAL`
 * ends with the transaction, which keeps this safe behind transaction pooling.
 */
async function begin(client: PoolClient, tenant: string | null, timeoutMs: number): Promise<string> {
  const role = tenant === null ? 'spanmeter_grafana' : 'spanmeter_reader';
  await client.query(
    `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
     SET LOCAL ROLE ${role};
     SET LOCAL statement_timeout = ${Math.trunc(timeoutMs)};
     SET LOCAL search_path = pg_catalog, pg_temp`,
  );
  await client.query(`SELECT set_config('app.current_tenant', $1, true)`, [tenant ?? '']);
  if (tenant === null) return 'UTC';
  const found = await client.query<{ timezone: string }>(
    'SELECT timezone FROM spanmeter.tenants WHERE id = $1',
    [tenant],
  );
  // Dates are computed here as well: in a zone that only PostgreSQL knows, they are those of UTC.
  return usableZone(found.rows[0]?.timezone ?? 'UTC');
}

/** Reads through `pool`, whose connections may become `spanmeter_reader` and `spanmeter_grafana`. */
export function createReader(pool: ReaderPool, options: ReaderOptions = READER_DEFAULTS): Reader {
  return {
    async read(tenant, work) {
      let client: PoolClient | undefined;
      let broken = true;
      try {
        const on = await acquire(pool, options);
        client = on;
        const timezone = await begin(on, tenant, options.statementTimeoutMs);
        const query = async <R extends object>(text: string, values: readonly unknown[] = []): Promise<R[]> =>
          (await on.query<R>(text, [...values])).rows;
        const result = await work({ tenant, timezone, query });
        await on.query('COMMIT');
        broken = false;
        return result;
      } catch (error) {
        if (client !== undefined) broken = await rollback(client);
        throw refusalOf(error, options.statementTimeoutMs);
      } finally {
        client?.release(broken);
      }
    },
  };
}

/** True where the connection is of no further use. */
async function rollback(client: PoolClient): Promise<boolean> {
  try {
    await client.query('ROLLBACK');
    return false;
  } catch {
    return true;
  }
}
