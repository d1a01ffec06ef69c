import { matching } from '../promql.ts';
import type { AlertRule, RuleGroup } from './rule.ts';
import { LAST_CALL, MODEL_CALLS } from './recording-rules.ts';
import { highest, increaseBy, increaseFromNothing, JOBS } from './series.ts';

const DAY_SECONDS = 86_400;
const DATA_QUALITY = { uid: 'spanmeter-data-quality' } as const;

/** Money that calls cost in a window, those that came late included: what other amounts are parts of. */
function spendBy(by: readonly string[], window: string): string {
  const timely = increaseBy(by, 'genai_cost_usd_total', window);
  return `(${timely} + (${increaseBy(by, 'genai_late_cost_usd_total', window)} or 0 * ${timely}))`;
}

const UNPRICED: AlertRule = {
  name: 'GenAIUnpricedModel',
  severity: 'warning',
  value: increaseFromNothing(['provider', 'model', 'reason'], 'genai_unpriced_calls_total', '15m', {
    reason: matching('unpriced_model|unpriced_dimension'),
  }),
  comparison: '>',
  bound: 0,
  labels: ['provider', 'model', 'reason'],
  unit: 'count',
  for: '0s',
  keepFiringFor: '1h',
  summary: 'Calls have no cost, since their model or a part of their usage has no price.',
  description:
    '{$value} calls of {provider} {model} in 15 minutes have no cost ({reason}). Spend and budgets are too low until ' +
    'they have a price.',
  dashboard: { ...DATA_QUALITY, variables: { provider: 'provider', model: 'model' } },
  meaning:
    'Calls came without a cost because the price book lacks their model, or a price for a part of their usage.',
};

const UNATTRIBUTED: AlertRule = {
  name: 'GenAIUnattributedSpendHigh',
  severity: 'warning',
  value: [
    `${increaseBy(['tenant'], 'genai_unattributed_cost_usd_total', '1h')} / ${spendBy(['tenant'], '1h')}`,
    `and ${spendBy(['tenant'], '1h')} > 1`,
    // Who never names teams does not miss them.
    `unless ${increaseBy(['tenant'], 'genai_unattributed_cost_usd_total', '1d')} > 0.999 * ${spendBy(['tenant'], '1d')}`,
  ].join('\n'),
  comparison: '>',
  bound: 0.05,
  labels: ['tenant'],
  unit: 'percent',
  for: '1h',
  summary: 'A tenant that names teams has spend that no team is known for.',
  description: "{$value} of tenant {tenant}'s spend of the last hour has no team.",
  dashboard: { ...DATA_QUALITY, variables: { tenant: 'tenant' } },
  meaning:
    "For an hour more than 5 % of a tenant's spend, of over $1 an hour, has no team, though some of its spend of the day has.",
};

const NO_SPANS: AlertRule = {
  name: 'GenAINoSpansReceived',
  severity: 'warning',
  value: [
    increaseBy(['tenant'], 'genai_spans_total', '1h', { offset: '1d' }),
    `unless ${increaseBy(['tenant'], 'genai_spans_total', '1h')} > 0`,
    // Weekends: where last week is known, it was not silent either.
    `unless ${increaseBy(['tenant'], 'genai_spans_total', '1h', { offset: '7d' })} == 0`,
    // Also where it was known then but had no series, as a collector had been restarted after its last call.
    `unless on (tenant) (${LAST_CALL} offset 7d unless ${increaseBy(['tenant'], 'genai_spans_total', '1h', { offset: '7d' })} > 0)`,
  ].join('\n'),
  comparison: '>',
  bound: 20,
  labels: ['tenant'],
  unit: 'count',
  for: '15m',
  summary: 'A tenant that sent spans at this time yesterday sends none.',
  description: 'No span of tenant {tenant} in the last hour; in that hour of yesterday there were {$value}.',
  dashboard: { uid: 'spanmeter-tenant', variables: { tenant: 'tenant' } },
  meaning:
    'No span of a tenant for an hour, with over 20 in the same hour of yesterday, and some in that of last week where known.',
};

const SILENT: AlertRule = {
  name: 'GenAITenantSilent',
  severity: 'warning',
  value: `time() - (${LAST_CALL} > time() - ${30 * DAY_SECONDS})`,
  comparison: '>',
  bound: 7 * DAY_SECONDS,
  labels: ['tenant'],
  unit: 'duration',
  for: '5m',
  summary: 'A tenant has made no call for 7 days.',
  description: 'The latest call of tenant {tenant} was {$value} ago.',
  dashboard: { uid: 'spanmeter-tenant', variables: { tenant: 'tenant' } },
  meaning: 'The latest call of a tenant is over 7 days ago. After 30 days it counts as one that left.',
};

const MISMATCH: AlertRule = {
  name: 'GenAICostMismatch',
  severity: 'warning',
  value: [
    `${increaseBy(['provider', 'model'], 'genai_cost_difference_usd_total', '1h')} / (${spendBy(['provider', 'model'], '1h')} > 0)`,
    `and ${increaseBy(['provider', 'model'], 'genai_cost_difference_usd_total', '1h')} > 0.5`,
  ].join('\n'),
  comparison: '>',
  bound: 0.05,
  labels: ['provider', 'model'],
  unit: 'percent',
  for: '15m',
  keepFiringFor: '1h',
  summary: 'Costs that emitters report and costs by the price book differ.',
  description: 'Reported and computed cost of {provider} {model} are {$value} apart over the last hour.',
  dashboard: { ...DATA_QUALITY, variables: { provider: 'provider', model: 'model' } },
  meaning:
    'Over an hour reported and computed cost of a model differ by more than 5 % of its spend, and by over $0.50.',
};

const STALE_PRICES: AlertRule = {
  name: 'GenAIPriceTableStale',
  severity: 'warning',
  value: `time() - ${highest([], 'genai_price_book_timestamp_seconds')}`,
  comparison: '>',
  bound: 45 * DAY_SECONDS,
  labels: [],
  unit: 'duration',
  for: '1h',
  summary: 'The price book has not been updated for 45 days.',
  description: 'The newest price book in use was made {$value} ago; prices change more often.',
  dashboard: DATA_QUALITY,
  meaning: 'The newest price book in use is older than 45 days.',
};

const COLLAPSED: AlertRule = {
  name: 'GenAILabelsCollapsed',
  severity: 'warning',
  value: increaseFromNothing(['metric'], 'genai_metrics_label_overflow_total', '1h'),
  comparison: '>',
  bound: 0,
  labels: ['metric'],
  unit: 'count',
  for: '0s',
  keepFiringFor: '1h',
  summary: 'A metric is at its cap of series: models or services show as "other".',
  description: '{$value} label sets of {metric} were folded into "other" in the last hour.',
  dashboard: DATA_QUALITY,
  meaning:
    'A metric reached `max_series`, so that models, services or teams are folded into `other`. The ledger is exact.',
};

const NEW_MODEL: AlertRule = {
  name: 'GenAINewModelSeen',
  severity: 'info',
  value: [
    MODEL_CALLS,
    `unless on (provider, model) max_over_time(${MODEL_CALLS}[7d] offset 10m) > 0`,
    // Before there is a day of history, every model is new.
    `and on () count(up{job="${JOBS.metrics}"} offset 1d)`,
  ].join('\n'),
  comparison: '>',
  bound: 0,
  labels: ['provider', 'model'],
  unit: 'count',
  for: '0s',
  keepFiringFor: '1h',
  summary: 'A model is called that was not called in the last 7 days.',
  description: '{provider} {model} has {$value} calls and was not seen in the 7 days before.',
  dashboard: { uid: 'spanmeter-models', variables: { provider: 'provider', model: 'model' } },
  meaning: 'A model has calls for the first time in 7 days.',
};

/** Alerts of what the figures are worth: prices, attribution, silence. */
export const DATA_ALERTS: RuleGroup<AlertRule> = {
  name: 'spanmeter-data-quality',
  interval: '30s',
  rules: [UNPRICED, UNATTRIBUTED, NO_SPANS, SILENT, MISMATCH, STALE_PRICES, COLLAPSED, NEW_MODEL],
};
