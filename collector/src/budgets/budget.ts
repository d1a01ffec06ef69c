/** What a budget holds the spend of. `each`: every tenant by itself; `all`: all tenants together. */
export const BUDGET_SCOPES = [
  'all',
  'each',
  'tenant',
  'team',
  'feature',
  'service_name',
  'environment',
  'provider',
  'model',
  'key',
  'user',
  'session',
  'agent',
] as const;
export type BudgetScope = (typeof BUDGET_SCOPES)[number];

/** Scopes that rollups do not have: their spend is kept in `budget_spend`. */
export const ROW_SCOPES: ReadonlySet<BudgetScope> = new Set<BudgetScope>(['user', 'session', 'agent']);

export const BUDGET_PERIODS = ['day', 'week', 'month', 'custom'] as const;
/** `week` is the ISO week; all are those of the budget's time zone. */
export type BudgetPeriod = (typeof BUDGET_PERIODS)[number];

/** A soft step: warned of once spent > `limitPicoUsd`. */
export interface BudgetStep {
  /** Percent of the limit without trailing zeros, such as `80` or `62.5`: the label of the metric. */
  readonly percent: string;
  /** In 1e-12 USD. */
  readonly picoUsd: bigint;
}

/** A limit on spend, as `spanmeter.budgets` holds it. */
export interface Budget {
  /** '' for the operator's, which look at all tenants. */
  readonly tenantId: string;
  readonly id: string;
  readonly name: string;
  readonly scope: BudgetScope;
  /** Null for `all`, `each` and `tenant`. */
  readonly scopeValue: string | null;
  readonly period: BudgetPeriod;
  /** First and last day of a custom window, both inclusive (YYYY-MM-DD); null otherwise. */
  readonly startsOn: string | null;
  readonly endsOn: string | null;
  /** IANA name: the budget's own zone, else its tenant's, else UTC. For `each` it is that of each tenant. */
  readonly timezone: string | null;
  readonly limitPicoUsd: bigint;
  /** Ascending. */
  readonly steps: readonly BudgetStep[];
  /** Guards refuse once spent >= limit; otherwise they only warn. */
  readonly hard: boolean;
  readonly enabled: boolean;
  readonly createdAtMs: number;
}

/** A period of a budget: [start, end) in milliseconds since 1970, always on whole seconds. */
export interface PeriodBounds {
  readonly startMs: number;
  readonly endMs: number;
}

/** A budget of one tenant (or of the operator) in its current period. An `each` budget has one per tenant. */
export interface BudgetState {
  readonly budget: Budget;
  /** The tenant whose spend it is; '' for the operator's that look at all tenants. */
  readonly tenantId: string;
  /** `tenant` for an `each` budget, else the budget's own. */
  readonly scope: Exclude<BudgetScope, 'each'>;
  readonly timezone: string;
  readonly bounds: PeriodBounds;
  readonly spentPicoUsd: bigint;
  /** Calls in the period that have no cost: while there are any, the spend is incomplete. */
  readonly unpricedCalls: number;
}

/** What a budget's state comes to. `warning`: beyond a soft step; `exceeded`: spent > limit. */
export type BudgetLevel = 'ok' | 'warning' | 'exceeded';

/** The highest step that spent is beyond, or null. */
export function stepBeyond({ budget, spentPicoUsd }: BudgetState): BudgetStep | null {
  return budget.steps.findLast((step) => spentPicoUsd > step.picoUsd) ?? null;
}

/** [contract] Warned of when spent > limit; refused by guards when spent >= limit. */
export function levelOf(state: BudgetState): BudgetLevel {
  if (state.spentPicoUsd > state.budget.limitPicoUsd) return 'exceeded';
  return stepBeyond(state) === null ? 'ok' : 'warning';
}
