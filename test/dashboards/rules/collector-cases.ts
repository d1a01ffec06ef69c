import type { RuleCases } from './rule-case.ts';

const UP = 'up{job="spanmeter"}';
const UP_OWN = 'up{job="spanmeter-collector"}';
const BOTH = { [UP]: '1x200', [UP_OWN]: '1x200' };
const API = 'route="/api/v1/spend",method="GET",status="200"';
const HTTP = 'spanmeter_http_request_duration_seconds';

function requests(per: number, seconds: 'fast' | 'slow'): Record<string, string> {
  const fast = seconds === 'fast' ? per : 0;
  return {
    [`${HTTP}_bucket{${API},le="0.5"}`]: `0+${fast}x60`,
    [`${HTTP}_bucket{${API},le="2.5"}`]: `0+${fast}x60`,
    [`${HTTP}_bucket{${API},le="5"}`]: `0+${per}x60`,
    [`${HTTP}_bucket{${API},le="+Inf"}`]: `0+${per}x60`,
    [`${HTTP}_count{${API}}`]: `0+${per}x60`,
  };
}

export const COLLECTOR_CASES: RuleCases = {
  GenAICollectorDown: [
    {
      when: 'the target answers no more',
      series: { [UP]: '1x10 0x20', [UP_OWN]: '1x40' },
      at: '20m',
      fires: [{ job: 'spanmeter' }],
      says: 'Every target of the job spanmeter is down, or Prometheus knows none. Budgets and alerts are blind until it is back.',
    },
    {
      when: 'the targets disappear',
      series: { [UP]: '1x10 stale', [UP_OWN]: '1x10 stale' },
      at: '20m',
      fires: [{ job: 'spanmeter' }, { job: 'spanmeter-collector' }],
    },
    {
      when: 'there never was a target',
      series: { 'up{job="other"}': '1x40' },
      at: '5m',
      fires: [{ job: 'spanmeter' }, { job: 'spanmeter-collector' }],
    },
    { when: 'a scrape fails once', series: { [UP]: '1x10 0 1x20', [UP_OWN]: '1x40' }, at: '12m', fires: [] },
    { when: 'all is well', series: BOTH, at: '20m', fires: [] },
    {
      when: 'one of two collectors is down, which has an alert of its own',
      series: { ...BOTH, 'up{job="spanmeter",instance="c:8889"}': '0x40' },
      at: '20m',
      fires: [],
    },
  ],
  GenAICollectorInstanceDown: [
    {
      when: 'one of several collectors is down',
      series: { ...BOTH, 'up{job="spanmeter",instance="c:8889"}': '0x40' },
      at: '20m',
      fires: [{ job: 'spanmeter' }],
    },
    { when: 'all are down', series: { [UP]: '0x40', [UP_OWN]: '1x40' }, at: '20m', fires: [] },
  ],
  GenAIIngestDropping: [
    {
      when: 'the journal is full',
      series: { ...BOTH, 'spanmeter_journal_refused_total{reason="full"}': '2x10 2+5x30' },
      at: '20m',
      fires: [{ reason: 'full' }],
    },
    {
      when: 'records are lost for the first time',
      series: {
        ...BOTH,
        'spanmeter_journal_gap_records_total{exporter="postgres",reason="gone"}': '_x30 7x30',
      },
      at: '33m',
      fires: [{ reason: 'gone' }],
      says: 'In 10 minutes 7 requests or spans were turned away or lost (gone).',
    },
    {
      when: 'a fault keeps spans out',
      series: { ...BOTH, 'otelcol_receiver_failed_spans{receiver="otlp",transport="http"}': '0x30 0+3x30' },
      at: '35m',
      fires: [{ reason: 'fault' }],
    },
    {
      when: 'requests are turned away for reasons of their senders, or come back later',
      series: {
        ...BOTH,
        'spanmeter_journal_refused_total{reason="busy"}': '0+5x60',
        'spanmeter_journal_refused_total{reason="too_large"}': '0+5x60',
        'otelcol_receiver_refused_spans{receiver="otlp",transport="http"}': '0+5x60',
      },
      at: '35m',
      fires: [],
    },
    {
      when: 'losses of long ago are all there is, and the target gets another label',
      series: {
        [UP_OWN]: '1x20 stale',
        'up{job="spanmeter-collector",zone="b"}': '_x20 1x40',
        'spanmeter_journal_refused_total{reason="full"}': '9x20 stale',
        'spanmeter_journal_refused_total{reason="full",zone="b"}': '_x20 9x40',
      },
      at: '25m',
      fires: [],
    },
  ],
  GenAIDeadLetters: [
    {
      when: 'spans become dead letters',
      series: { ...BOTH, 'spanmeter_ledger_dead_letters_total{reason="time_out_of_range"}': '_x30 4x30' },
      at: '31m',
      fires: [{ reason: 'time_out_of_range' }],
      says: '4 dead letters in 15 minutes (time_out_of_range).',
    },
    {
      when: 'there is no new one for hours',
      series: { ...BOTH, 'spanmeter_ledger_dead_letters_total{reason="time_out_of_range"}': '4x150' },
      at: '140m',
      fires: [],
    },
  ],
  GenAIForwardingDropping: [
    {
      when: 'a backend does not get spans',
      series: {
        ...BOTH,
        'spanmeter_exporter_dropped_spans_total{exporter="otlp_http/traces",reason="rejected"}': '_x30 40x30',
      },
      at: '31m',
      fires: [{ exporter: 'otlp_http/traces', reason: 'rejected' }],
      says: '40 spans for otlp_http/traces were given up in 15 minutes (rejected). The ledger has them.',
    },
    {
      when: 'it gets them',
      series: {
        ...BOTH,
        'spanmeter_exporter_dropped_spans_total{exporter="otlp_http/traces",reason="rejected"}': '40x150',
      },
      at: '140m',
      fires: [],
    },
  ],
  GenAILedgerWriteFailing: [
    {
      when: 'the database is away for ten minutes',
      series: { 'spanmeter_ledger_retries_total{exporter="postgres"}': '0x10 0+12x30' },
      at: '22m',
      fires: [{ exporter: 'postgres' }],
    },
    {
      when: 'a write is repeated now and then',
      series: { 'spanmeter_ledger_retries_total{exporter="postgres"}': '0+0.2x60' },
      at: '40m',
      fires: [],
    },
    {
      when: 'the database comes back within minutes',
      series: { 'spanmeter_ledger_retries_total{exporter="postgres"}': '0x10 0+12x2 24x60' },
      at: '25m',
      fires: [],
    },
  ],
  GenAIRollupLag: [
    {
      when: 'a request waits for a quarter of an hour',
      series: { genai_ledger_oldest_pending_timestamp_seconds: '60x60' },
      at: '16m',
      fires: [{}],
      says: 'The oldest request that is not in the ledger yet was received 15m 0s ago.',
    },
    {
      when: 'nothing waits',
      series: { genai_ledger_oldest_pending_timestamp_seconds: '0x60' },
      at: '30m',
      fires: [],
    },
    {
      when: 'one collector has nothing that waits and another has',
      series: {
        'genai_ledger_oldest_pending_timestamp_seconds{instance="c:8889"}': '60x60',
        genai_ledger_oldest_pending_timestamp_seconds: '0x60',
      },
      at: '16m',
      fires: [{}],
    },
  ],
  GenAIQueueNearFull: [
    {
      when: 'the journal has used 90 % of its bound',
      series: { spanmeter_journal_size_bytes: '90x60', spanmeter_journal_limit_bytes: '100x60' },
      at: '10m',
      fires: [{}],
      says: 'The journal of a collector has used 90% of its bound.',
    },
    {
      when: 'it has used 80 %',
      series: { spanmeter_journal_size_bytes: '80x60', spanmeter_journal_limit_bytes: '100x60' },
      at: '10m',
      fires: [],
    },
  ],
  GenAIDatabaseNearlyFull: [
    {
      when: 'the database has used 95 % of its capacity',
      series: { genai_database_size_bytes: '95x60', genai_database_capacity_bytes: '100x60' },
      at: '10m',
      fires: [{}],
      says: 'The database has used 95% of its capacity.',
    },
    {
      when: 'it has used 90 %',
      series: { genai_database_size_bytes: '90x60', genai_database_capacity_bytes: '100x60' },
      at: '10m',
      fires: [],
    },
    { when: 'its capacity is unknown', series: { genai_database_size_bytes: '95x60' }, at: '10m', fires: [] },
  ],
  GenAIApiSlow: [
    {
      when: 'requests take seconds',
      series: requests(5, 'slow'),
      at: '40m',
      fires: [{ route: '/api/v1/spend' }],
    },
    { when: 'requests are quick', series: requests(5, 'fast'), at: '40m', fires: [] },
    {
      when: 'one request in ten minutes is slow',
      series: requests(0.1, 'slow'),
      at: '40m',
      fires: [],
    },
  ],
  GenAIKeyOld: [
    {
      when: 'a key is 91 days old',
      series: { 'genai_key_created_timestamp_seconds{tenant="acme",key_id="k1"}': '-7862400x200' },
      at: '2h',
      fires: [{ tenant: 'acme', key_id: 'k1' }],
      says: 'Key k1 of tenant acme was made 91d 2h 0m 0s ago. Rotate it.',
    },
    {
      when: 'it is 89 days old',
      series: { 'genai_key_created_timestamp_seconds{tenant="acme",key_id="k1"}': '-7689600x200' },
      at: '2h',
      fires: [],
    },
  ],
  GenAINotificationsFailing: [
    {
      when: 'a webhook fails for good',
      series: { ...BOTH, 'genai_notifications_total{channel="webhook",outcome="failed"}': '_x90 1x30' },
      at: '92m',
      fires: [{ channel: 'webhook' }],
      says: '1 notifications by webhook failed for good in the last hour.',
    },
    {
      when: 'notifications arrive',
      series: { ...BOTH, 'genai_notifications_total{channel="webhook",outcome="sent"}': '0+1x100' },
      at: '92m',
      fires: [],
    },
  ],
  GenAIWatchdog: [
    {
      when: 'anything at all is the case',
      series: BOTH,
      at: '1m',
      fires: [{}],
      says: 'Send it to something that raises the alarm when it stops coming.',
    },
  ],
};
