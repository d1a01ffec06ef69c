import { formatPico } from '@spanmeter/processors';
import type { Repriced } from './recompute.ts';

/** What a run changes, or would change, of the calls of one tenant and model. Amounts are exact decimal USD. */
export interface SummaryRow {
  readonly tenant: string;
  readonly model: string;
  readonly calls: number;
  readonly changed: number;
  readonly newly_priced: number;
  readonly no_longer_priced: number;
  readonly old_cost_usd: string;
  readonly new_cost_usd: string;
  readonly difference_usd: string;
}

export type SummaryTotal = Omit<SummaryRow, 'tenant' | 'model'>;

export interface RepriceSummary {
  /** By tenant and model, those that change most first. */
  readonly rows: readonly SummaryRow[];
  readonly total: SummaryTotal;
  /** Calls whose new amount is beyond what can be stored; they stay as they are. */
  readonly unstorable: number;
}

interface Sums {
  readonly tenant: string;
  readonly model: string;
  calls: number;
  changed: number;
  newlyPriced: number;
  noLongerPriced: number;
  oldCost: bigint;
  newCost: bigint;
}

const MAX_ROWS = 10_000;
/** Stands for every pair beyond the bound. */
const OTHERS = 'other';

function noSums(tenant: string, model: string): Sums {
  return { tenant, model, calls: 0, changed: 0, newlyPriced: 0, noLongerPriced: 0, oldCost: 0n, newCost: 0n };
}

function add(sums: Sums, { stored, change, newCost }: Repriced): void {
  sums.calls++;
  sums.oldCost += stored.cost ?? 0n;
  sums.newCost += newCost ?? 0n;
  if (change === null) return;
  sums.changed++;
  if (change.oldCost === null && change.newCost !== null) sums.newlyPriced++;
  if (change.oldCost !== null && change.newCost === null) sums.noLongerPriced++;
}

function totalOf(sums: Sums): SummaryTotal {
  return {
    calls: sums.calls,
    changed: sums.changed,
    newly_priced: sums.newlyPriced,
    no_longer_priced: sums.noLongerPriced,
    old_cost_usd: formatPico(sums.oldCost),
    new_cost_usd: formatPico(sums.newCost),
    difference_usd: formatPico(sums.newCost - sums.oldCost),
  };
}

function difference({ oldCost, newCost }: Sums): bigint {
  return newCost > oldCost ? newCost - oldCost : oldCost - newCost;
}

function compare(a: Sums, b: Sums): number {
  const byMoney = difference(b) - difference(a);
  if (byMoney !== 0n) return byMoney > 0n ? 1 : -1;
  if (a.changed !== b.changed) return b.changed - a.changed;
  if (a.tenant !== b.tenant) return a.tenant < b.tenant ? -1 : 1;
  return a.model < b.model ? -1 : 1;
}

/** Adds up what a run does; its memory does not grow with the calls. */
export class SummarySums {
  readonly #byPair = new Map<string, Sums>();
  readonly #total = noSums('', '');
  #unstorable = 0;

  add(results: readonly Repriced[]): void {
    for (const result of results) {
      add(this.#sumsOf(result.stored.call.tenantId, result.stored.model), result);
      add(this.#total, result);
      if (result.unstorable) this.#unstorable++;
    }
  }

  summary(): RepriceSummary {
    const rows = [...this.#byPair.values()].toSorted(compare);
    return {
      rows: rows.map((sums) => ({ tenant: sums.tenant, model: sums.model, ...totalOf(sums) })),
      total: totalOf(this.#total),
      unstorable: this.#unstorable,
    };
  }

  #sumsOf(tenant: string, model: string): Sums {
    const key = `${tenant}\u0000${model}`;
    const known = this.#byPair.get(key);
    if (known !== undefined) return known;
    if (this.#byPair.size >= MAX_ROWS && (tenant !== OTHERS || model !== OTHERS)) {
      return this.#sumsOf(OTHERS, OTHERS);
    }
    const made = noSums(tenant, model);
    this.#byPair.set(key, made);
    return made;
  }
}
