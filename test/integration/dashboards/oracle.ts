import type { SentCall } from './sent-calls.ts';

export type CallFilter = (call: SentCall) => boolean;

const NEVER_COUNTED: ReadonlySet<string> = new Set(['duplicate', 'not_billable']);
const PICO = 12;

/** True for calls that count as usage: everything but duplicates and what nobody is billed for. */
export const isBillable: CallFilter = ({ status }) => !NEVER_COUNTED.has(status);

/** True for billable calls without a cost. */
export const isUnpriced: CallFilter = (call) => isBillable(call) && call.cost === null;

const clocks = new Map<string, Intl.DateTimeFormat>();

function clockOf(zone: string): Intl.DateTimeFormat {
  let clock = clocks.get(zone);
  if (clock === undefined) {
    const parts = { year: 'numeric', month: '2-digit', day: '2-digit' } as const;
    clock = new Intl.DateTimeFormat('en-CA', { timeZone: zone, ...parts });
    clocks.set(zone, clock);
  }
  return clock;
}

/** The civil day, as 2026-11-21, of a moment in a time zone. */
export function dayIn(zone: string, ms: number): string {
  return clockOf(zone).format(ms);
}

/** The hour of the day, 0 to 23, of a moment in a time zone. */
export function hourIn(zone: string, ms: number): number {
  const clock = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', hourCycle: 'h23' });
  return Number(clock.format(ms));
}

/** 1e-12 USD as a number of USD, for comparison with what a float panel shows. */
export const usd = (pico: bigint): number => Number(pico) / 10 ** PICO;

/** Sums over what was sent, by nobody's code but this. Money is exact, in 1e-12 USD. */
export class Oracle {
  readonly calls: readonly SentCall[];

  constructor(calls: readonly SentCall[]) {
    this.calls = calls;
  }

  /** The same over some of the calls. */
  where(filter: CallFilter): Oracle {
    return new Oracle(this.calls.filter(filter));
  }

  between(fromMs: number, toMs: number): Oracle {
    return this.where(({ startedMs }) => startedMs >= fromMs && startedMs < toMs);
  }

  get cost(): bigint {
    return this.calls.reduce((sum, { cost }) => sum + (cost ?? 0n), 0n);
  }

  get usd(): number {
    return usd(this.cost);
  }

  /** Billable calls. */
  get count(): number {
    return this.calls.filter(isBillable).length;
  }

  get unpriced(): number {
    return this.calls.filter(isUnpriced).length;
  }

  get failed(): number {
    return this.calls.filter(({ error, status }) => error !== null && status !== 'duplicate').length;
  }

  /** Input and output tokens of billable calls. */
  get tokens(): number {
    return this.sum(({ tokens }) => tokens.input + tokens.output);
  }

  /** A sum over billable calls. */
  sum(of: (call: SentCall) => number): number {
    return this.calls.filter(isBillable).reduce((sum, call) => sum + of(call), 0);
  }

  /** Calls apart by a key; where it is null, under ''. */
  by(key: (call: SentCall) => string | null): ReadonlyMap<string, Oracle> {
    const parts = new Map<string, SentCall[]>();
    for (const call of this.calls) {
      const name = key(call) ?? '';
      const part = parts.get(name);
      if (part === undefined) parts.set(name, [call]);
      else part.push(call);
    }
    return new Map([...parts].map(([name, part]) => [name, new Oracle(part)]));
  }

  /** How many different values there are. */
  distinct(key: (call: SentCall) => string | null): number {
    return new Set(this.calls.map(key).filter((value) => value !== null)).size;
  }
}
