import { formatPico, type WhatIfPrice } from '@spanmeter/processors';
import type { WhatIfGroup } from './question.ts';

/** Figures of some calls, as they are answered. Amounts are exact decimal USD. */
export interface WhatIfSums {
  /** Calls that have a price today and would have one then: what is compared. */
  readonly calls: number;
  readonly cost_usd: string;
  readonly cost_then_usd: string;
  /** What is paid today less what would be paid; negative where it would cost more. */
  readonly savings_usd: string;
  /** Of `cost_usd`, with two decimals; null where that is 0. */
  readonly savings_percent: string | null;
  /** Calls of those whose token counts are estimates. */
  readonly estimated_calls: number;
  /** Calls that have a price today and would have none, and what they cost today. In no other figure. */
  readonly unpriced_then_calls: number;
  readonly unpriced_then_cost_usd: string;
  /** Calls that have no price today. In no other figure. */
  readonly unpriced_today_calls: number;
}

/** The figures of one group of calls. */
export interface WhatIfRow extends WhatIfSums {
  readonly group: Readonly<Partial<Record<WhatIfGroup, string | null>>>;
}

/** Why calls would have no price. */
export interface WhatIfReason {
  readonly status: string;
  readonly reason: string;
  readonly calls: number;
}

class Sums {
  calls = 0;
  now = 0n;
  after = 0n;
  estimated = 0;
  lostCalls = 0;
  lostCost = 0n;
  unpricedToday = 0;

  answer(): WhatIfSums {
    const saved = this.now - this.after;
    return {
      calls: this.calls,
      cost_usd: formatPico(this.now),
      cost_then_usd: formatPico(this.after),
      savings_usd: formatPico(saved),
      savings_percent: percent(saved, this.now),
      estimated_calls: this.estimated,
      unpriced_then_calls: this.lostCalls,
      unpriced_then_cost_usd: formatPico(this.lostCost),
      unpriced_today_calls: this.unpricedToday,
    };
  }
}

/** A share in percent with two decimals, half away from zero; null of nothing. */
export function percent(part: bigint, whole: bigint): string | null {
  if (whole === 0n) return null;
  const negative = part < 0n !== whole < 0n && part !== 0n;
  const [above, below] = [part < 0n ? -part : part, whole < 0n ? -whole : whole];
  const hundredths = (above * 20_000n + below) / (2n * below);
  const digits = hundredths.toString().padStart(3, '0');
  return `${negative && hundredths !== 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

/** Bounds: more groups and reasons than these are in the total alone. */
const MAX_GROUPS = 10_000;
const MAX_REASONS = 50;

/** What is known of one call when it is counted. */
export interface CountedCall {
  readonly group: readonly (string | null)[];
  readonly costPicoUsd: bigint | null;
  readonly estimated: boolean;
}

/** Adds calls up, in total and by group, exactly. Its size does not grow with the calls. */
export class WhatIfTotals {
  readonly #groupBy: readonly WhatIfGroup[];
  readonly #total = new Sums();
  readonly #groups = new Map<string, { readonly values: readonly (string | null)[]; readonly sums: Sums }>();
  readonly #reasons = new Map<string, { status: string; reason: string; calls: number }>();
  #truncated = false;
  cacheAsInputCalls = 0;

  constructor(groupBy: readonly WhatIfGroup[]) {
    this.#groupBy = groupBy;
  }

  /** Counts a call with what it would cost; null where it has no price today. */
  add(call: CountedCall, then: WhatIfPrice | null): void {
    const group = this.#groupOf(call.group);
    const both = group === null ? [this.#total] : [this.#total, group];
    if (then === null || call.costPicoUsd === null) {
      for (const sums of both) sums.unpricedToday++;
      return;
    }
    if (then.picoUsd === null) this.#because(then);
    else if (then.cacheAsInput) this.cacheAsInputCalls++;
    for (const sums of both) {
      if (then.picoUsd === null) {
        sums.lostCalls++;
        sums.lostCost += call.costPicoUsd;
        continue;
      }
      sums.calls++;
      sums.now += call.costPicoUsd;
      sums.after += then.picoUsd;
      if (call.estimated) sums.estimated++;
    }
  }

  #groupOf(values: readonly (string | null)[]): Sums | null {
    const key = JSON.stringify(values);
    const known = this.#groups.get(key);
    if (known !== undefined) return known.sums;
    if (this.#groups.size >= MAX_GROUPS) {
      this.#truncated = true;
      return null;
    }
    const sums = new Sums();
    this.#groups.set(key, { values, sums });
    return sums;
  }

  #because({ status, reason }: WhatIfPrice): void {
    const text = reason ?? status;
    const key = `${status}\n${text}`;
    const known = this.#reasons.get(key);
    if (known !== undefined) known.calls++;
    else if (this.#reasons.size < MAX_REASONS) this.#reasons.set(key, { status, reason: text, calls: 1 });
  }

  total(): WhatIfSums {
    return this.#total.answer();
  }

  /** By cost today, the highest first. */
  rows(): readonly WhatIfRow[] {
    return [...this.#groups.values()]
      .toSorted((a, b) => {
        const [left, right] = [a.sums.now + a.sums.lostCost, b.sums.now + b.sums.lostCost];
        if (left !== right) return left > right ? -1 : 1;
        return JSON.stringify(a.values) < JSON.stringify(b.values) ? -1 : 1;
      })
      .map(({ values, sums }) => ({
        group: Object.fromEntries(this.#groupBy.map((name, i) => [name, values[i] ?? null])),
        ...sums.answer(),
      }));
  }

  reasons(): readonly WhatIfReason[] {
    return [...this.#reasons.values()].toSorted((a, b) => b.calls - a.calls);
  }

  get truncated(): boolean {
    return this.#truncated;
  }
}
