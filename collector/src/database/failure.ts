const NETWORK_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
  'EMFILE',
  'ENFILE',
]);

/** Lock not available, read-only transaction (a failover under way), serialization failure, deadlock. */
const RETRYABLE_STATES: ReadonlySet<string> = new Set(['55P03', '55006', '25006', '40001', '40P01']);

/** The SQLSTATE or system code of an error, or the empty string. */
export function errorCode(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

/** The message of anything thrown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error && error.message !== '' ? error.message : errorCode(error) || String(error);
}

/**
 * True where the same statement may succeed later: connection (08), resources (53), operator intervention
 * (57), system (58), authentication (28, a password being rotated), locks, serialization, and anything that
 * node-postgres reports without a SQLSTATE because the connection is gone.
 */
export function isUnavailable(error: unknown): boolean {
  const code = errorCode(error);
  if (code === '')
    return error instanceof Error && /connection|timeout|terminated|stream/i.test(error.message);
  if (NETWORK_CODES.has(code) || RETRYABLE_STATES.has(code)) return true;
  return /^(08|28|53|57|58)[0-9A-Z]{3}$/.test(code);
}

/** True where the rows themselves are at fault: data exceptions (22), constraints (23), limits (54). */
export function isBadData(error: unknown): boolean {
  return /^(22|23|54)[0-9A-Z]{3}$/.test(errorCode(error));
}
