import type { Call, CostStatus } from '@spanmeter/processors';
import type { BudgetScope } from './budget.ts';

/** Statuses of calls that should have a cost and have none: they make a budget's spend incomplete. */
export const UNPRICED_STATUSES: readonly CostStatus[] = [
  'unpriced_model',
  'unpriced_dimension',
  'invalid_usage',
  'missing_usage',
];

const UNPRICED: ReadonlySet<CostStatus> = new Set(UNPRICED_STATUSES);

/** Whether a call of this status has no cost though it should have one. */
export function isUnpriced(status: CostStatus): boolean {
  return UNPRICED.has(status);
}

/** Whether a call of this status is one that is paid for. */
export function isBillable(status: CostStatus): boolean {
  return status !== 'duplicate' && status !== 'not_billable';
}

/** Scopes that are told by one value of a call. */
export type DimensionScope = Exclude<BudgetScope, 'all' | 'each' | 'tenant'>;

/** What of a call a budget of this scope goes by. */
export const DIMENSION_OF: Readonly<Record<DimensionScope, (call: Call) => string | null>> = {
  team: (call) => call.team,
  feature: (call) => call.feature,
  service_name: (call) => call.serviceName,
  environment: (call) => call.environment,
  provider: (call) => call.provider,
  model: (call) => call.model,
  key: (call) => call.keyId,
  user: (call) => call.userId,
  session: (call) => call.sessionId,
  agent: (call) => call.agentName,
};

/** The scope, where it is told by one value of a call. */
export function dimensionScope(scope: BudgetScope): DimensionScope | null {
  return scope === 'all' || scope === 'each' || scope === 'tenant' ? null : scope;
}

/** Start of a call in milliseconds since 1970, with microseconds as its fraction. */
export function startMsOf(call: Call): number {
  return Number(call.startedAtMicros) / 1000;
}
