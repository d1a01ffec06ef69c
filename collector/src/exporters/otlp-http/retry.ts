/** When to try again, as in the Go collector's `retry_on_failure`; times in milliseconds. */
export interface RetryOptions {
  readonly enabled: boolean;
  readonly initial_interval: number;
  readonly max_interval: number;
  readonly multiplier: number;
  /** 0: until the exporter is moved past its lag. */
  readonly max_elapsed_time: number;
}

/** OTLP 1.11: these and no others may be sent again. */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** A destination may ask for patience, but not for a day of it. */
const MAX_RETRY_AFTER_MS = 300_000;

export function isRetryableStatus(status: number): boolean {
  return RETRYABLE.has(status);
}

/** Reads Retry-After, seconds or an HTTP date, into milliseconds from now, at most 5 minutes; null where absent or unreadable. */
export function parseRetryAfterMs(header: string | undefined, nowUnixMs: number): number | null {
  if (header === undefined) return null;
  const text = header.trim();
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowUnixMs;
  return Number.isNaN(waitMs) ? null : Math.min(Math.max(waitMs, 0), MAX_RETRY_AFTER_MS);
}

/**
 * Milliseconds before the next attempt: grows by the multiplier to the maximum, spread by half to either side
 * so that many senders do not come back at once, and never less than the destination asked for.
 */
export function retryDelayMs(
  failures: number,
  options: RetryOptions,
  retryAfterMs: number | null,
  random: () => number,
): number {
  const grown = options.initial_interval * options.multiplier ** Math.min(failures - 1, 100);
  const spread = Math.min(grown, options.max_interval) * (0.5 + random());
  return Math.max(spread, retryAfterMs ?? 0);
}
