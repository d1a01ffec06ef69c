import { matching } from '../promql.ts';
import type { AlertRule, RuleGroup } from './rule.ts';
import {
  highest,
  increaseBy,
  increaseFromNothing,
  JOBS,
  observationsBy,
  quantileBy,
  series,
} from './series.ts';

const DASHBOARD = { uid: 'spanmeter-collector' } as const;
const DAY_SECONDS = 86_400;
const OF_OURS = `up{job=~"${JOBS.metrics}|${JOBS.own}"}`;
/** Jobs of which not one target answers. */
const ALL_DOWN = `max by (job) (${OF_OURS}) == 0`;

const DOWN: AlertRule = {
  name: 'GenAICollectorDown',
  severity: 'critical',
  value: [
    `count by (job) (${OF_OURS} == 0) and on (job) ${ALL_DOWN}`,
    `or absent(up{job="${JOBS.metrics}"})`,
    `or absent(up{job="${JOBS.own}"})`,
  ].join('\n'),
  comparison: '>',
  bound: 0,
  labels: ['job'],
  unit: 'count',
  for: '2m',
  summary: 'No collector answers Prometheus.',
  description:
    'Every target of the job {job} is down, or Prometheus knows none. Budgets and alerts are blind until it is back.',
  dashboard: DASHBOARD,
  meaning: 'For 2 minutes no target of the job answers scrapes, or there is none.',
};

const ONE_DOWN: AlertRule = {
  ...DOWN,
  name: 'GenAICollectorInstanceDown',
  severity: 'warning',
  value: `count by (job) (${OF_OURS} == 0) unless on (job) ${ALL_DOWN}`,
  for: '5m',
  summary: 'One of several collectors does not answer Prometheus.',
  description: '{$value} targets of the job {job} are down; others answer.',
  meaning: 'For 5 minutes some, not all, targets of the job do not answer scrapes.',
};

const DROPPING: AlertRule = {
  name: 'GenAIIngestDropping',
  severity: 'critical',
  value: [
    increaseFromNothing(['reason'], 'spanmeter_journal_refused_total', '10m', {
      reason: matching('full|disk'),
    }),
    'or',
    increaseFromNothing(['reason'], 'spanmeter_journal_gap_records_total', '10m'),
    'or',
    `label_replace(${increaseFromNothing([], 'otelcol_receiver_failed_spans', '10m')}, "reason", "fault", "", "")`,
  ].join('\n'),
  comparison: '>',
  bound: 0,
  labels: ['reason'],
  unit: 'count',
  for: '1m',
  keepFiringFor: '10m',
  summary: 'Spans are turned away or lost: spend will be too low.',
  description: 'In 10 minutes {$value} requests or spans were turned away or lost ({reason}).',
  dashboard: DASHBOARD,
  meaning:
    'The journal turned requests away (`full`, `disk`), could not give records to the ledger, or a fault of the collector ' +
    'kept spans out (`fault`). Refusals for the sender’s reasons (keys, limits, malformed bodies) do not count.',
};

const DEAD_LETTERS: AlertRule = {
  ...DROPPING,
  name: 'GenAIDeadLetters',
  severity: 'warning',
  value: increaseFromNothing(['reason'], 'spanmeter_ledger_dead_letters_total', '15m'),
  for: '0s',
  keepFiringFor: '1h',
  summary: 'Spans could not be processed and are kept as dead letters.',
  description: '{$value} dead letters in 15 minutes ({reason}).',
  meaning:
    'Spans became dead letters. None is lost: `spanmeter deadletter list` shows them, `replay` takes them again.',
};

const FORWARDING: AlertRule = {
  ...DROPPING,
  name: 'GenAIForwardingDropping',
  severity: 'warning',
  value: increaseFromNothing(['exporter', 'reason'], 'spanmeter_exporter_dropped_spans_total', '15m'),
  labels: ['exporter', 'reason'],
  for: '0s',
  keepFiringFor: '15m',
  summary: 'Spans did not reach a backend that they are forwarded to.',
  description: '{$value} spans for {exporter} were given up in 15 minutes ({reason}). The ledger has them.',
  meaning: 'A forwarding exporter gave spans up. The ledger is not concerned.',
};

const LEDGER_FAILING: AlertRule = {
  ...DROPPING,
  name: 'GenAILedgerWriteFailing',
  severity: 'critical',
  value: increaseBy(['exporter'], 'spanmeter_ledger_retries_total', '5m'),
  bound: 3,
  labels: ['exporter'],
  for: '5m',
  keepFiringFor: '5m',
  summary: 'The ledger does not take what is journalled.',
  description:
    '{$value} attempts of {exporter} to write to the database failed in 5 minutes. The journal keeps everything meanwhile.',
  meaning: 'For 5 minutes more than 3 writes to the database in 5 minutes fail and are repeated.',
};

const LAG: AlertRule = {
  ...DROPPING,
  name: 'GenAIRollupLag',
  severity: 'warning',
  value: `time() - min(${series('genai_ledger_oldest_pending_timestamp_seconds')} > 0)`,
  bound: 300,
  labels: [],
  unit: 'duration',
  for: '5m',
  keepFiringFor: '5m',
  summary: 'Spend and budgets are minutes behind what was received.',
  description: 'The oldest request that is not in the ledger yet was received {$value} ago.',
  meaning: 'For 5 minutes the oldest journalled request that is not committed is over 5 minutes old.',
};

const QUEUE: AlertRule = {
  ...DROPPING,
  name: 'GenAIQueueNearFull',
  severity: 'warning',
  value: `max(${series('spanmeter_journal_size_bytes')} / ${series('spanmeter_journal_limit_bytes')})`,
  bound: 0.8,
  labels: [],
  unit: 'percent',
  for: '5m',
  keepFiringFor: '5m',
  summary: 'The journal is nearly full; then senders are turned away.',
  description: 'The journal of a collector has used {$value} of its bound.',
  meaning: 'For 5 minutes the journal of a collector is over 80 % of its bound.',
};

const DATABASE: AlertRule = {
  ...QUEUE,
  name: 'GenAIDatabaseNearlyFull',
  value: `${highest([], 'genai_database_size_bytes')} / (${highest([], 'genai_database_capacity_bytes')} > 0)`,
  bound: 0.9,
  summary: 'The database is nearly full.',
  description: 'The database has used {$value} of its capacity.',
  meaning: 'For 5 minutes the database is over 90 % of its capacity (where the capacity is known).',
};

const API_SLOW: AlertRule = {
  ...QUEUE,
  name: 'GenAIApiSlow',
  value: [
    quantileBy(['route'], 0.95, 'spanmeter_http_request_duration_seconds', '10m'),
    `and ${observationsBy(['route'], 'spanmeter_http_request_duration_seconds', '10m')} > 10`,
  ].join('\n'),
  bound: 2,
  labels: ['route'],
  unit: 'duration',
  for: '10m',
  keepFiringFor: '10m',
  summary: 'The query API is slow.',
  description: 'The 95th percentile of {route} is {$value} over the last 10 minutes.',
  meaning: 'For 10 minutes the p95 of a route of the API is above 2 s, with over 10 requests in 10 minutes.',
};

const KEY_OLD: AlertRule = {
  ...QUEUE,
  name: 'GenAIKeyOld',
  value: `time() - ${highest(['tenant', 'key_id'], 'genai_key_created_timestamp_seconds')}`,
  bound: 90 * DAY_SECONDS,
  labels: ['tenant', 'key_id'],
  unit: 'duration',
  for: '1h',
  keepFiringFor: '1h',
  summary: 'An API key is older than 90 days.',
  description: 'Key {key_id} of tenant {tenant|none} was made {$value} ago. Rotate it.',
  meaning: 'An API key in force is older than 90 days.',
};

const NOTIFICATIONS: AlertRule = {
  ...QUEUE,
  name: 'GenAINotificationsFailing',
  value: increaseFromNothing(['channel'], 'genai_notifications_total', '1h', { outcome: 'failed' }),
  bound: 0,
  labels: ['channel'],
  unit: 'count',
  for: '0s',
  keepFiringFor: '15m',
  summary: "The collector's own notifications do not arrive.",
  description: '{$value} notifications by {channel} failed for good in the last hour.',
  meaning: 'Notifications of the collector itself (webhook, Slack, email) failed for good.',
};

const WATCHDOG: AlertRule = {
  name: 'GenAIWatchdog',
  severity: 'info',
  value: 'vector(1)',
  comparison: '>',
  bound: 0,
  labels: [],
  unit: 'count',
  for: '0s',
  summary: 'Always firing, to prove that alerts arrive.',
  description: 'Send it to something that raises the alarm when it stops coming.',
  dashboard: DASHBOARD,
  meaning: 'Fires always. When it stops, Prometheus, Alertmanager or the way between is broken.',
};

/** Alerts of Spanmeter itself. */
export const COLLECTOR_ALERTS: RuleGroup<AlertRule> = {
  name: 'spanmeter-collector',
  rules: [
    DOWN,
    ONE_DOWN,
    DROPPING,
    DEAD_LETTERS,
    FORWARDING,
    LEDGER_FAILING,
    LAG,
    QUEUE,
    DATABASE,
    API_SLOW,
    KEY_OLD,
    NOTIFICATIONS,
    WATCHDOG,
  ],
};
