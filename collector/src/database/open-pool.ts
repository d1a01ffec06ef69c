import { Pool, type PoolConfig } from 'pg';
import type { Logger } from '../pipeline/component.ts';

/**
 * A pool whose connections may end at any time: one that is in use fails its query, one that is idle is replaced.
 * Unheard, the error of either would end the thread.
 */
export function openPool(config: PoolConfig, log: Logger): Pool {
  const pool = new Pool(config);
  // The pool itself listens to a connection only while that is idle; one in use tells its query.
  pool.on('connect', (client) => client.on('error', () => {}));
  pool.on('error', (error) => log.debug({ err: error }, 'an idle database connection ended'));
  return pool;
}
