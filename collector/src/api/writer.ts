import type { ClientBase } from 'pg';
import { isUnavailable } from '../database/failure.ts';
import { inRepeatableTransaction } from '../keys/transaction.ts';
import type { Identity } from '../pipeline/identity.ts';
import { Refusal } from '../pipeline/refusal.ts';
import type { ReaderPool } from './reader.ts';
import type { Writer } from './route.ts';

const RETRY_AFTER_MS = 5_000;
/** Changes that hold a connection at once: those that wait for a lock must leave connections for who reads. */
const AT_ONCE = 2;
const MAX_WAITING = 32;

/** Makes the writer of each request, in the name of whoever sent it. */
export type Writers = (identity: Identity) => Writer;

/** Changes, a few at a time whatever is asked for; only routes that checked the identity get one. */
export function createWriters(pool: ReaderPool): Writers {
  const waiting: (() => void)[] = [];
  let free = AT_ONCE;

  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (free > 0) free -= 1;
    else if (waiting.length < MAX_WAITING) await new Promise<void>((resolve) => waiting.push(resolve));
    else throw new Refusal('unavailable', 'Too many changes wait already.', { retryAfterMs: RETRY_AFTER_MS });
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  }

  async function write<T>(work: (client: ClientBase) => Promise<T>): Promise<T> {
    try {
      const client = await pool.connect();
      let broken = true;
      try {
        const result = await inRepeatableTransaction(client, () => work(client));
        broken = false;
        return result;
      } catch (error) {
        broken = !(error instanceof Refusal);
        throw error;
      } finally {
        client.release(broken);
      }
    } catch (error) {
      if (error instanceof Refusal || !isUnavailable(error)) throw error;
      const message = 'The database cannot be reached, or is busy with another change.';
      throw new Refusal('unavailable', message, { retryAfterMs: RETRY_AFTER_MS, cause: error });
    }
  }

  return (identity) => ({
    actor: identity.keyId === null ? 'api' : `key:${identity.keyId}`,
    write: (work) => inTurn(() => write(work)),
  });
}
