import type { ClientBase } from 'pg';
import { isUnavailable } from '../database/failure.ts';
import { inRepeatableTransaction } from '../keys/transaction.ts';
import type { Identity } from '../pipeline/identity.ts';
import { Refusal } from '../pipeline/refusal.ts';
import type { ReaderPool } from './reader.ts';
import type { Writer } from './route.ts';

const RETRY_AFTER_MS = 5_000;

/** Changes in the name of whoever sent the request; only routes that checked the identity get one. */
export function createWriter(pool: ReaderPool, identity: Identity): Writer {
  return {
    actor: identity.keyId === null ? 'api' : `key:${identity.keyId}`,
    async write<T>(work: (client: ClientBase) => Promise<T>): Promise<T> {
      try {
        const client = await pool.connect();
        try {
          return await inRepeatableTransaction(client, () => work(client));
        } finally {
          client.release();
        }
      } catch (error) {
        if (error instanceof Refusal || !isUnavailable(error)) throw error;
        const message = 'The database cannot be reached.';
        throw new Refusal('unavailable', message, { retryAfterMs: RETRY_AFTER_MS, cause: error });
      }
    },
  };
}
