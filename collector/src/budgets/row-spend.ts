import { formatPico, type Call, type CostStatus } from '@spanmeter/processors';
import { escapeLiteral } from 'pg';
import { ROW_SCOPES, type Budget, type PeriodBounds } from './budget.ts';
import { DIMENSION_OF, dimensionScope, isBillable, isUnpriced, startMsOf } from './call-spend.ts';
import type { DimensionScope } from './call-spend.ts';
import { periodBoundsAt } from './period.ts';
import type { StoredBudgets } from './stored-budgets.ts';

/** SQLSTATE of `require_budgets` where budgets are not those that the caller knows. */
export const BUDGETS_CHANGED = 'SM002';
/** Held shared by whoever adds to `budget_spend`, and exclusively by whoever changes budgets. */
export const BUDGETS_LOCK = 7_305_811_011;

interface ScopeIndex {
  readonly of: (call: Call) => string | null;
  readonly byValue: Map<string, Budget[]>;
}

type OwnerIndex = Map<DimensionScope, ScopeIndex>;

/** Budgets whose spend is kept in `budget_spend`, by what a call tells. */
export class RowBudgets {
  readonly version: string;
  readonly #owners = new Map<string, OwnerIndex>();

  /** Only enabled ones: one that is enabled again is counted anew from the calls. */
  constructor({ version, budgets }: StoredBudgets) {
    this.version = version;
    for (const budget of budgets) {
      if (budget.enabled && ROW_SCOPES.has(budget.scope)) this.#add(budget);
    }
  }

  get isEmpty(): boolean {
    return this.#owners.size === 0;
  }

  /** Fails the transaction that it is part of where budgets have changed; holds them as they are until its end. */
  get requirement(): string {
    return `SELECT spanmeter.require_budgets(${BigInt(this.version)})`;
  }

  /** The budgets that a call spends from. */
  *of(call: Call): Generator<Budget> {
    yield* this.#held('', call);
    if (call.tenantId !== '') yield* this.#held(call.tenantId, call);
  }

  *#held(owner: string, call: Call): Generator<Budget> {
    const scopes = this.#owners.get(owner);
    if (scopes === undefined) return;
    for (const { of, byValue } of scopes.values()) {
      const value = of(call);
      if (value !== null) yield* byValue.get(value) ?? [];
    }
  }

  #add(budget: Budget): void {
    const scope = dimensionScope(budget.scope);
    if (scope === null || budget.scopeValue === null) return;
    const owner: OwnerIndex = this.#owners.get(budget.tenantId) ?? new Map();
    this.#owners.set(budget.tenantId, owner);
    const index = owner.get(scope) ?? { of: DIMENSION_OF[scope], byValue: new Map<string, Budget[]>() };
    owner.set(scope, index);
    index.byValue.set(budget.scopeValue, [...(index.byValue.get(budget.scopeValue) ?? []), budget]);
  }
}

interface Delta {
  readonly budget: Budget;
  readonly bounds: PeriodBounds;
  pico: bigint;
  calls: number;
  unpriced: number;
}

/** What the calls or corrections of one transaction add to `budget_spend`; never more rows than periods touched. */
export class RowSpend {
  readonly #budgets: RowBudgets;
  readonly #deltas = new Map<string, Delta>();

  constructor(budgets: RowBudgets) {
    this.#budgets = budgets;
  }

  /** `sign` is -1 for what a correction takes back. */
  add(call: Call, status: CostStatus, cost: bigint | null, sign: 1 | -1): void {
    if (this.#budgets.isEmpty || !isBillable(status)) return;
    for (const budget of this.#budgets.of(call)) {
      const delta = this.#deltaOf(budget, startMsOf(call));
      if (delta === null) continue;
      delta.calls += sign;
      if (isUnpriced(status)) delta.unpriced += sign;
      if (cost !== null) delta.pico += sign === 1 ? cost : -cost;
    }
  }

  /** The statement that writes it, in an order that all writers share; null where nothing moves. */
  statement(): string | null {
    const moved = [...this.#deltas.entries()].filter(
      ([, { pico, calls, unpriced }]) => pico !== 0n || calls !== 0 || unpriced !== 0,
    );
    if (moved.length === 0) return null;
    const values = moved.toSorted((a, b) => (a[0] < b[0] ? -1 : 1)).map(([, delta]) => rowOf(delta));
    return `INSERT INTO spanmeter.budget_spend AS s
        (tenant_id, budget_id, period_start, period_end, spent_usd, calls, unpriced_calls)
      VALUES ${values.join(', ')}
      ON CONFLICT (tenant_id, budget_id, period_start) DO UPDATE SET period_end = excluded.period_end,
        spent_usd = s.spent_usd + excluded.spent_usd, calls = s.calls + excluded.calls,
        unpriced_calls = s.unpriced_calls + excluded.unpriced_calls, updated_at = now()`;
  }

  #deltaOf(budget: Budget, startMs: number): Delta | null {
    const bounds = boundsOf(budget, startMs);
    // What was over when the budget was made is nobody's to count.
    if (bounds === null || bounds.endMs <= budget.createdAtMs) return null;
    const key = `${budget.tenantId}\u0000${budget.id}\u0000${bounds.startMs}`;
    const known = this.#deltas.get(key);
    if (known !== undefined) return known;
    const made = { budget, bounds, pico: 0n, calls: 0, unpriced: 0 };
    this.#deltas.set(key, made);
    return made;
  }
}

/** The period of a budget that holds an instant; null outside a custom window. */
export function boundsOf(budget: Budget, atMs: number): PeriodBounds | null {
  const { period, timezone, startsOn, endsOn } = budget;
  return periodBoundsAt(period, timezone ?? 'UTC', startsOn, endsOn, atMs);
}

function rowOf({ budget, bounds, pico, calls, unpriced }: Delta): string {
  const at = (ms: number): string => `to_timestamp(${Math.trunc(ms / 1000)})`;
  const key = `${escapeLiteral(budget.tenantId)}, ${escapeLiteral(budget.id)}`;
  return `(${key}, ${at(bounds.startMs)}, ${at(bounds.endMs)}, ${formatPico(pico)}, ${calls}, ${unpriced})`;
}
