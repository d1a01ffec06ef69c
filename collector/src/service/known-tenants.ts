import type { Pool } from 'pg';
import type { Logger } from '../pipeline/component.ts';

/** More than `max_tenants` can be. */
const MAX_KNOWN = 1_000_000;
const EVERY_MS = 15_000;

/** How registered tenants become known to the processors. */
export interface KnownTenants {
  start(): void;
  stop(): void;
}

export interface KnownTenantsParts {
  readonly pool: Pick<Pool, 'query'>;
  readonly log: Logger;
  /** Called with the ids that were not told yet, and now and then with one that was. */
  readonly learn: (ids: readonly string[]) => void;
  readonly everyMs?: number;
}

/**
 * Tells the tenants of earlier runs, which count against the limit on new ones, and those that an operator makes
 * while the collector runs, which must not wait for a restart once the limit is reached. A database that is away
 * is asked again.
 */
export function createKnownTenants(parts: KnownTenantsParts): KnownTenants {
  const { pool, log, learn, everyMs = EVERY_MS } = parts;
  let since = '-infinity';
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  async function ask(): Promise<void> {
    // Transactions that were open at the last look commit later than their `created_at`.
    const { rows } = await pool.query<{ id: string; created: string }>(
      `SELECT id, created_at::text AS created FROM spanmeter.tenants
       WHERE created_at > $1::timestamptz - interval '1 minute' ORDER BY created_at LIMIT ${MAX_KNOWN}`,
      [since],
    );
    since = rows.at(-1)?.created ?? since;
    learn(rows.map(({ id }) => id));
  }

  async function run(): Promise<void> {
    try {
      await ask();
    } catch (error) {
      log.debug({ err: error }, 'the known tenants could not be read yet');
    }
    if (!stopped) timer = setTimeout(() => void run(), everyMs);
  }

  return {
    start: () => void run(),
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
