import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Call } from '@spanmeter/processors';
import type { Component, ComponentType, Host } from '../pipeline/component.ts';
import type { BearerSource } from '../telemetry/bearer.ts';
import type { Endpoint } from '../pipeline/endpoint.ts';
import { renderFamilies } from '../telemetry/exposition.ts';
import type { ExpositionFormat } from '../telemetry/exposition.ts';
import { createMetricsServer } from '../telemetry/server.ts';
import type { HttpServer } from '../telemetry/http-server.ts';
import { BudgetFamilies, type BudgetGauges } from './prometheus/budget-families.ts';
import { CorrectionFamily, type CorrectionTotal } from './prometheus/correction-family.ts';
import type { Dimensions } from './prometheus/family.ts';
import { readGauges } from './prometheus/gauges.ts';
import type { GaugeSources } from './prometheus/gauges.ts';
import { HotFamilies } from './prometheus/hot-families.ts';
import { BASE_LABELS, OPTIONAL_LABELS, renderLabels } from './prometheus/labels.ts';
import type { LabelName, LabelSet } from './prometheus/labels.ts';
import { prometheusOptions } from './prometheus/options.ts';
import type { PrometheusOptions } from './prometheus/options.ts';

export type { CorrectionTotal } from './prometheus/correction-family.ts';
export type { GaugeSources, KeyAge, LastCall, NotificationTotal, TenantSpend } from './prometheus/gauges.ts';
export type { PrometheusOptions } from './prometheus/options.ts';

/** What is needed of a call's dimensions to make its series before the first call. */
export type SeedLabels = Partial<LabelSet> & Pick<LabelSet, 'tenant'>;

/** The `prometheus` exporter: counts what the ledger committed and serves it. */
export interface PrometheusExporter extends Component {
  /** Where it listens; the port is known once started. */
  readonly address: Endpoint;
  /** Counts calls that a commit really inserted. Milliseconds since the epoch at the commit. */
  committed(calls: readonly Call[], committedUnixMs: number): void;
  /** Makes the counters of known label sets, at 0, before their first call. */
  seed(labelSets: readonly SeedLabels[]): void;
  /** The whole exposition. */
  render(format?: ExpositionFormat): Promise<string>;
  /** The exposition in pieces; the event loop gets a turn between them. */
  scrape(format: ExpositionFormat): AsyncIterable<string>;
}

const MICROS_PER_MS = 1_000;

class CommittedCalls implements PrometheusExporter {
  readonly #server: HttpServer;
  readonly #sources: GaugeSources;
  readonly #labelNames: readonly LabelName[];
  readonly #hot: HotFamilies;
  readonly #corrections: CorrectionFamily;
  readonly #budgets = new BudgetFamilies();
  readonly #maxDimensions: number;
  readonly #dimensions = new Map<string, Dimensions>();
  readonly #foldedByMetric = new Map<string, number>();
  readonly #lastCallMsByTenant = new Map<string, number>();

  constructor(options: PrometheusOptions, host: Host, sources: GaugeSources) {
    this.#sources = sources;
    this.#labelNames = [...BASE_LABELS, ...OPTIONAL_LABELS.filter((label) => options.labels.includes(label))];
    this.#maxDimensions = options.max_series * 2;
    const limits = { maxSeries: options.max_series, labelNames: this.#labelNames };
    const folded = (metric: string): void =>
      void this.#foldedByMetric.set(metric, (this.#foldedByMetric.get(metric) ?? 0) + 1);
    this.#hot = new HotFamilies({ ...limits, exemplars: options.exemplars, folded });
    this.#corrections = new CorrectionFamily(limits, folded);
    const bearer = bearerSource(options);
    this.#server = createMetricsServer({
      endpoint: options.endpoint,
      purpose: host.id,
      variable: 'SPANMETER_PROMETHEUS_ENDPOINT',
      log: host.log,
      openMetrics: true,
      localHostsOnly: bearer === null && !options.insecure,
      scrape: (format) => this.scrape(format),
      ...(bearer === null ? {} : { bearer }),
    });
  }

  get address(): Endpoint {
    return this.#server.address;
  }

  start(): Promise<void> {
    return this.#server.start();
  }

  stop(deadline: AbortSignal): Promise<void> {
    return this.#server.stop(deadline);
  }

  committed(calls: readonly Call[], committedUnixMs: number): void {
    for (const call of calls) {
      this.#hot.record(call, this.#dimensionsOf(labelsOf(call)), committedUnixMs);
      if (call.costStatus === 'duplicate' || call.costStatus === 'not_billable') continue;
      // A span may be dated a day ahead: its arrival is the latest that a call can be.
      const calledMs = Math.min(Number(call.startedAtMicros) / MICROS_PER_MS, call.receivedUnixMs);
      const known = this.#lastCallMsByTenant.get(call.tenantId) ?? -Infinity;
      if (calledMs > known) this.#lastCallMsByTenant.set(call.tenantId, calledMs);
    }
  }

  seed(labelSets: readonly SeedLabels[]): void {
    for (const labels of labelSets) this.#hot.seed(this.#dimensionsOf({ ...NO_VALUES, ...labels }));
  }

  async render(format: ExpositionFormat = 'text'): Promise<string> {
    let text = '';
    for await (const piece of this.scrape(format)) text += piece;
    return text;
  }

  async *scrape(format: ExpositionFormat): AsyncGenerator<string> {
    const gauges = readGauges(this.#sources, {
      foldedByMetric: this.#foldedByMetric,
      lastCallMsByTenant: this.#lastCallMsByTenant,
    });
    yield await renderFamilies(gauges, format);
    const corrections = this.#corrections.render(this.#readCorrections(), format);
    const budgets = this.#budgets.render(this.#readBudgets());
    for (const pieces of [this.#hot.render(format), corrections, budgets]) {
      for (const piece of pieces) {
        yield piece;
        await nextTurn();
      }
    }
    if (format === 'openmetrics') yield '# EOF\n';
  }

  #readCorrections(): readonly CorrectionTotal[] {
    try {
      return this.#sources.corrections?.() ?? NO_CORRECTIONS;
    } catch {
      return NO_CORRECTIONS;
    }
  }

  #readBudgets(): BudgetGauges {
    try {
      return this.#sources.budgets?.() ?? NO_BUDGETS;
    } catch {
      return NO_BUDGETS;
    }
  }

  #dimensionsOf(labels: LabelSet): Dimensions {
    const key = keyOf(labels);
    const known = this.#dimensions.get(key);
    if (known !== undefined) return known;
    // Only a cache of where series are: the series themselves stay where they are.
    if (this.#dimensions.size >= this.#maxDimensions) this.#dimensions.clear();
    const made = { labels, text: renderLabels(labels, this.#labelNames), slots: [] };
    this.#dimensions.set(key, made);
    return made;
  }
}

const NO_BUDGETS: BudgetGauges = { states: [], forecastOf: () => null };
const NO_CORRECTIONS: readonly CorrectionTotal[] = [];

const NO_VALUES: LabelSet = {
  tenant: '',
  provider: '',
  model: '',
  operation: '',
  service_name: '',
  environment: '',
  team: '',
  feature: '',
};

function labelsOf(call: Call): LabelSet {
  return {
    tenant: call.tenantId,
    provider: call.provider,
    model: call.model,
    operation: call.operation,
    service_name: call.serviceName,
    environment: call.environment ?? '',
    team: call.team ?? '',
    feature: call.feature ?? '',
  };
}

/** Storable text has no NUL, so that no two label sets have the same key. */
function keyOf(labels: LabelSet): string {
  const { tenant, provider, model, operation, service_name, environment, team, feature } = labels;
  return `${tenant}\0${model}\0${service_name}\0${team}\0${feature}\0${provider}\0${operation}\0${environment}`;
}

function bearerSource({ auth }: PrometheusOptions): BearerSource | null {
  if (auth?.bearer_token_file !== undefined) return { file: auth.bearer_token_file };
  return auth?.bearer_token === undefined ? null : { token: auth.bearer_token };
}

/** Makes the exporter. `sources` are read at each scrape and must not wait for anything. */
export function createPrometheusExporter(
  options: PrometheusOptions,
  host: Host,
  sources: GaugeSources = {},
): PrometheusExporter {
  return new CommittedCalls(options, host, sources);
}

/** The `prometheus` exporter. */
export const prometheus: ComponentType<PrometheusOptions> = {
  kind: 'exporter',
  type: 'prometheus',
  summary: 'Serves cost, tokens, calls and latency of every stored call to Prometheus.',
  options: prometheusOptions,
};
