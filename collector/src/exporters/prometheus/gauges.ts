import { metricNamed, type MetricName } from '@spanmeter/processors';
import type { MetricFamily, MetricSample } from '../../telemetry/exposition.ts';
import { VERSION } from '../../telemetry/version.ts';
import type { BudgetGauges } from './budget-families.ts';
import type { CorrectionTotal } from './correction-family.ts';
import { wellFormed } from './labels.ts';

const MS_PER_SECOND = 1_000;
const PICO_PER_USD = 1e12;

/** What a tenant spent so far in its day or month. */
export interface TenantSpend {
  readonly tenant: string;
  readonly period: 'day' | 'month';
  readonly spentPicoUsd: bigint;
}

/** When a key was made; never the key itself. */
export interface KeyAge {
  readonly tenant: string;
  readonly keyId: string;
  readonly createdUnixMs: number;
}

/** When the latest call of a tenant began. */
export interface LastCall {
  readonly tenant: string;
  readonly startedUnixMs: number;
}

/** When a price book was made. */
export interface BookAge {
  readonly version: string;
  readonly madeUnixMs: number;
}

/** Notifications of one channel that ended in one way, since this collector started. */
export interface NotificationTotal {
  readonly channel: string;
  readonly outcome: string;
  readonly value: number;
}

/** Spend of an hour that stands out, of one tenant, model and service. */
export interface AnomalyExcess {
  readonly tenantId: string;
  readonly model: string;
  readonly serviceName: string;
  /** Beyond the usual. */
  readonly excessPicoUsd: bigint;
}

/**
 * Where the rare metrics come from. Each is read at every scrape and answers from memory: what needs the
 * database is read by whoever provides the source. Where one is absent or throws, its metric has no samples.
 */
export interface GaugeSources {
  spend?(): readonly TenantSpend[];
  keys?(): readonly KeyAge[];
  /** The price books in use, and when each was made. */
  priceBooks?(): readonly BookAge[];
  /** When the oldest record that the ledger does not have yet was received; null, shown as 0, where it has all. */
  oldestPendingUnixMs?(): number | null;
  databaseSizeBytes?(): number | null;
  /** Room that the database has; null where nobody knows. */
  databaseCapacityBytes?(): number | null;
  /** When each tenant's latest call began, as the store has it. */
  lastCalls?(): readonly LastCall[];
  /** Budgets as they stand; null before they were read for the first time. */
  budgets?(): BudgetGauges | null;
  /** Totals of corrections, new ones last; the same array until they are read again. */
  corrections?(): readonly CorrectionTotal[];
  /** Every configured channel with every outcome, from 0. */
  notifications?(): readonly NotificationTotal[];
  /** At most one for each tenant, model and service. */
  anomalies?(): readonly AnomalyExcess[];
}

/** What the exporter itself knows for the rare metrics. */
export interface OwnCounts {
  readonly foldedByMetric: ReadonlyMap<string, number>;
  readonly lastCallMsByTenant: ReadonlyMap<string, number>;
}

function attempt<T>(read: () => readonly T[] | undefined): readonly T[] {
  try {
    return read() ?? [];
  } catch {
    return [];
  }
}

function gauge(name: MetricName, read: () => readonly MetricSample[] | undefined): MetricFamily {
  return { name, help: metricNamed(name).help, type: 'gauge', samples: attempt(read) };
}

function single(name: MetricName, read: () => number | null | undefined): MetricFamily {
  return gauge(name, () => {
    const value = read();
    return value === undefined || value === null ? [] : [{ labels: {}, value }];
  });
}

/** What was committed here, and what the store knew before. */
function lastCalls(sources: GaugeSources, own: OwnCounts): ReadonlyMap<string, number> {
  const latest = new Map(own.lastCallMsByTenant);
  for (const { tenant, startedUnixMs } of sources.lastCalls?.() ?? []) {
    latest.set(tenant, Math.max(latest.get(tenant) ?? -Infinity, startedUnixMs));
  }
  return latest;
}

/** The families that have few series, as they are now. */
export function readGauges(sources: GaugeSources, own: OwnCounts): readonly MetricFamily[] {
  const overflow = 'genai_metrics_label_overflow_total';
  const notifications = 'genai_notifications_total';
  return [
    gauge('spanmeter_build_info', () => [
      { labels: { version: VERSION, node: process.versions.node }, value: 1 },
    ]),
    gauge('genai_tenant_last_call_timestamp_seconds', () =>
      Array.from(lastCalls(sources, own), ([tenant, unixMs]) => ({
        labels: { tenant: wellFormed(tenant) },
        value: unixMs / MS_PER_SECOND,
      })),
    ),
    gauge('genai_spend_usd', () =>
      sources.spend?.().map(({ tenant, period, spentPicoUsd }) => ({
        labels: { tenant: wellFormed(tenant), period },
        value: Number(spentPicoUsd) / PICO_PER_USD,
      })),
    ),
    gauge('genai_key_created_timestamp_seconds', () =>
      sources.keys?.().map(({ tenant, keyId, createdUnixMs }) => ({
        labels: { tenant: wellFormed(tenant), key_id: keyId },
        value: createdUnixMs / MS_PER_SECOND,
      })),
    ),
    gauge('genai_price_book_timestamp_seconds', () =>
      sources.priceBooks?.().map(({ version, madeUnixMs }) => ({
        labels: { version },
        value: madeUnixMs / MS_PER_SECOND,
      })),
    ),
    single('genai_ledger_oldest_pending_timestamp_seconds', () => {
      const read = sources.oldestPendingUnixMs?.();
      return read === null ? 0 : read === undefined ? undefined : read / MS_PER_SECOND;
    }),
    single('genai_database_size_bytes', () => sources.databaseSizeBytes?.()),
    single('genai_database_capacity_bytes', () => sources.databaseCapacityBytes?.()),
    {
      name: notifications,
      help: metricNamed(notifications).help,
      type: 'counter',
      samples: attempt(() =>
        sources.notifications?.().map(({ channel, outcome, value }) => ({
          labels: { channel: wellFormed(channel), outcome },
          value,
        })),
      ),
    },
    gauge('genai_spend_anomaly_usd', () =>
      sources.anomalies?.().map(({ tenantId, model, serviceName, excessPicoUsd }) => ({
        labels: {
          tenant: wellFormed(tenantId),
          model: wellFormed(model),
          service_name: wellFormed(serviceName),
        },
        value: Number(excessPicoUsd) / PICO_PER_USD,
      })),
    ),
    {
      name: overflow,
      help: metricNamed(overflow).help,
      type: 'counter',
      samples: Array.from(own.foldedByMetric, ([metric, value]) => ({ labels: { metric }, value })),
    },
  ];
}
