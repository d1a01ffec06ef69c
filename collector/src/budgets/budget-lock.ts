import type { ClientBase } from 'pg';
import { errorCode } from '../database/failure.ts';
import { Refusal } from '../pipeline/refusal.ts';

/** The number in `spanmeter.lock_budgets()`: who adds to `budget_spend` holds it shared. */
const LOCK = 7_305_811_011;
/** Collectors wait up to 60 s for the lock; calls that are being counted anew must not keep them that long. */
const STATEMENT_TIMEOUT_MS = 30_000;
const LOCK_TIMEOUT_MS = 10_000;
const RETRY_AFTER_MS = 5_000;

/**
 * Runs `work` in the caller's transaction while nobody else changes budgets and no call is committed. Rejects with
 * Refusal: `unavailable` where that takes too long, `invalid` for a time zone that the database does not know.
 */
export async function holdingBudgets<T>(client: ClientBase, work: () => Promise<T>): Promise<T> {
  try {
    await client.query(
      `SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}; SET LOCAL statement_timeout = ${STATEMENT_TIMEOUT_MS};
       SELECT pg_advisory_xact_lock(${LOCK})`,
    );
    return await work();
  } catch (error) {
    const code = errorCode(error);
    const options = { retryAfterMs: RETRY_AFTER_MS, cause: error };
    if (code === '55P03') {
      throw new Refusal('unavailable', 'Calls or budgets are being written; try again.', options);
    }
    if (code === '57014') {
      const message = `Summing the period's calls took over ${STATEMENT_TIMEOUT_MS / 1000} s; nothing is changed.`;
      throw new Refusal('unavailable', message, options);
    }
    if (code === '22023') {
      throw new Refusal('invalid', 'The database does not know this time zone.', { cause: error });
    }
    throw error;
  }
}
