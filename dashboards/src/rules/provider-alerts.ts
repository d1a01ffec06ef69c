import { matching } from '../promql.ts';
import type { AlertRule, RuleGroup } from './rule.ts';
import { increaseBy, observationsBy, quantileBy } from './series.ts';

const MODEL = ['provider', 'model'];
const DASHBOARD = { uid: 'spanmeter-models', variables: { provider: 'provider' } } as const;
const MODEL_DASHBOARD = {
  uid: 'spanmeter-models',
  variables: { provider: 'provider', model: 'model' },
} as const;
const TTFT = 'genai_time_to_first_token_seconds';

/** Error types that say "too many", as SDKs and HTTP statuses name them. */
const RATE_LIMITS = matching(
  '(?i).*(429|rate.?limit|too.?many|throttl|resource.?exhausted|quota|overloaded|529).*',
);

const ERRORS: AlertRule = {
  name: 'GenAIProviderErrorRate',
  severity: 'warning',
  value: [
    increaseBy(['provider'], 'genai_calls_total', '10m', { matchers: { outcome: 'error' } }) +
      ` / ${increaseBy(['provider'], 'genai_calls_total', '10m')}`,
    `and ${increaseBy(['provider'], 'genai_calls_total', '10m')} > 20`,
  ].join('\n'),
  comparison: '>',
  bound: 0.05,
  labels: ['provider'],
  unit: 'percent',
  for: '5m',
  keepFiringFor: '5m',
  summary: 'Calls to a provider fail.',
  description: '{$value} of the calls to {provider} failed in the last 10 minutes.',
  dashboard: DASHBOARD,
  meaning: 'For 5 minutes more than 5 % of the calls to a provider fail, of over 20 in 10 minutes.',
};

const RATE_LIMITED: AlertRule = {
  name: 'GenAIRateLimited',
  severity: 'warning',
  value: [
    increaseBy(MODEL, 'genai_call_errors_total', '10m', { matchers: { error_type: RATE_LIMITS } }) +
      ` / ${increaseBy(MODEL, 'genai_calls_total', '10m')}`,
    `and ${increaseBy(MODEL, 'genai_call_errors_total', '10m', { matchers: { error_type: RATE_LIMITS } })} > 5`,
  ].join('\n'),
  comparison: '>',
  bound: 0.05,
  labels: MODEL,
  unit: 'percent',
  for: '5m',
  keepFiringFor: '5m',
  summary: 'A provider turns calls away by its rate limits.',
  description: '{$value} of the calls of {provider} {model} were rate limited in the last 10 minutes.',
  dashboard: MODEL_DASHBOARD,
  meaning:
    'For 5 minutes more than 5 % of the calls of a model, and over 5 in 10 minutes, end in a rate limit.',
};

const SLOW_START: AlertRule = {
  name: 'GenAITTFTDegraded',
  severity: 'warning',
  value: [
    quantileBy(MODEL, 0.95, TTFT, '15m'),
    // Without streams at that hour it is not a number, which Grafana's rules take for true.
    `/ (${quantileBy(MODEL, 0.95, TTFT, '1h', { offset: '1d' })} > 0)`,
    `and ${quantileBy(MODEL, 0.95, TTFT, '15m')} > 1`,
    `and ${observationsBy(MODEL, TTFT, '15m')} > 20`,
  ].join('\n'),
  comparison: '>',
  bound: 2,
  labels: MODEL,
  unit: 'factor',
  for: '10m',
  keepFiringFor: '10m',
  summary: 'Streams of a model start much later than yesterday.',
  description:
    'The 95th percentile of the time to the first token of {provider} {model} is {$value} times that of yesterday.',
  dashboard: MODEL_DASHBOARD,
  meaning:
    'For 10 minutes the p95 of the time to the first token is over 1 s and over twice that of yesterday, with over 20 streams.',
};

const CACHE_TYPES = matching('input|cache_read|cache_write');

function cacheShare(offset?: string): string {
  const look = offset === undefined ? {} : { offset };
  const by = ['tenant', ...MODEL];
  const read = increaseBy(by, 'genai_tokens_total', '1h', {
    ...look,
    matchers: { token_type: 'cache_read' },
  });
  const all = increaseBy(by, 'genai_tokens_total', '1h', { ...look, matchers: { token_type: CACHE_TYPES } });
  // Nothing read is no series, where a collector was restarted since.
  return `((${read} or 0 * ${all}) / (${all} > 100000))`;
}

const CACHE_DROP: AlertRule = {
  name: 'GenAICacheHitDrop',
  severity: 'warning',
  value: `${cacheShare()} / (${cacheShare('1d')} > 0.2)`,
  comparison: '<',
  bound: 0.5,
  labels: ['tenant', ...MODEL],
  unit: 'percent',
  for: '30m',
  keepFiringFor: '30m',
  summary: 'Far fewer input tokens come from the prompt cache than yesterday.',
  description:
    "Tenant {tenant}'s share of cached input of {provider} {model} is down to {$value} of yesterday's.",
  dashboard: {
    uid: 'spanmeter-cache',
    variables: { tenant: 'tenant', provider: 'provider', model: 'model' },
  },
  meaning:
    'For 30 minutes the share of input read from the cache is under half of what it was at that time yesterday (then ' +
    'over 20 %), with over 100,000 input tokens an hour.',
};

/** Alerts of how providers serve. */
export const PROVIDER_ALERTS: RuleGroup<AlertRule> = {
  name: 'spanmeter-providers',
  interval: '30s',
  rules: [ERRORS, RATE_LIMITED, SLOW_START, CACHE_DROP],
};
