/** What each tenant may send; 0 means no limit. */
export interface RateLimits {
  readonly spansPerSecond: number;
  readonly bytesPerSecond: number;
}

/** Decides per tenant. All times are milliseconds of one monotonic clock. */
export interface RateLimiter {
  /** Milliseconds until this tenant may send again; 0 when it may now. */
  waitMs(tenant: string, nowMs: number): number;
  /** Takes what was sent from the tenant's allowance; it may go into debt, so a large request passes once. */
  charge(tenant: string, spans: number, bytes: number, nowMs: number): void;
}

/** Names come from senders, so the table of them is bounded; the rest share one allowance. */
const MAX_TENANTS = 10_000;
const OTHERS = '\u0000others';
/** Looked at when the table is full: the tenants that were quiet longest. */
const EVICTION_TRIES = 8;

interface Allowance {
  spans: number;
  bytes: number;
  atMs: number;
}

/** One second's worth may be saved up. */
function refilled(level: number, perSecond: number, elapsedMs: number): number {
  return Math.min(perSecond, level + (perSecond * elapsedMs) / 1000);
}

function timeToPositive(level: number, perSecond: number): number {
  return perSecond === 0 || level > 0 ? 0 : Math.floor((-level * 1000) / perSecond) + 1;
}

class TokenBuckets implements RateLimiter {
  readonly #limits: RateLimits;
  readonly #maxTenants: number;
  /** In order of last use. */
  readonly #tenants = new Map<string, Allowance>();

  constructor(limits: RateLimits, maxTenants: number) {
    this.#limits = limits;
    this.#maxTenants = maxTenants;
  }

  waitMs(tenant: string, nowMs: number): number {
    if (!this.#limited) return 0;
    const allowance = this.#allowance(tenant, nowMs);
    return Math.max(
      timeToPositive(allowance.spans, this.#limits.spansPerSecond),
      timeToPositive(allowance.bytes, this.#limits.bytesPerSecond),
    );
  }

  charge(tenant: string, spans: number, bytes: number, nowMs: number): void {
    if (!this.#limited) return;
    const allowance = this.#allowance(tenant, nowMs);
    allowance.spans -= spans;
    allowance.bytes -= bytes;
  }

  get #limited(): boolean {
    return this.#limits.spansPerSecond > 0 || this.#limits.bytesPerSecond > 0;
  }

  #allowance(tenant: string, nowMs: number): Allowance {
    const known = this.#tenants.get(tenant);
    const name = known !== undefined || this.#hasRoom(nowMs) ? tenant : OTHERS;
    const { spansPerSecond, bytesPerSecond } = this.#limits;
    const allowance = this.#tenants.get(name) ?? {
      spans: spansPerSecond,
      bytes: bytesPerSecond,
      atMs: nowMs,
    };
    const elapsedMs = Math.max(0, nowMs - allowance.atMs);
    allowance.spans = refilled(allowance.spans, spansPerSecond, elapsedMs);
    allowance.bytes = refilled(allowance.bytes, bytesPerSecond, elapsedMs);
    allowance.atMs = nowMs;
    this.#tenants.delete(name);
    this.#tenants.set(name, allowance);
    return allowance;
  }

  /** Forgets a quiet tenant whose allowance is whole again; forgetting any other would lift its limit. */
  #hasRoom(nowMs: number): boolean {
    if (this.#tenants.size < this.#maxTenants) return true;
    let tries = EVICTION_TRIES;
    for (const [name, { spans, bytes, atMs }] of this.#tenants) {
      const { spansPerSecond, bytesPerSecond } = this.#limits;
      const elapsedMs = nowMs - atMs;
      const whole =
        refilled(spans, spansPerSecond, elapsedMs) >= spansPerSecond &&
        refilled(bytes, bytesPerSecond, elapsedMs) >= bytesPerSecond;
      if (whole) return this.#tenants.delete(name);
      tries -= 1;
      if (tries === 0) break;
    }
    return false;
  }
}

/** Token buckets per tenant, with one second of burst. */
export function createRateLimiter(limits: RateLimits, maxTenants: number = MAX_TENANTS): RateLimiter {
  return new TokenBuckets(limits, maxTenants);
}
