import type { Counter, Histogram, SelfMetrics } from '../pipeline/component.ts';
import { renderFamilies } from './exposition.ts';
import type { MetricFamily, MetricSample, MetricType } from './exposition.ts';
import { makeCounter, makeHistogram, NO_LABELS } from './instruments.ts';
import type { Instrument } from './instruments.ts';
import { registerProcessMetrics } from './process-metrics.ts';
import type { ObservedMetrics } from './process-metrics.ts';

/** The metrics of one thread at one moment: plain data for `postMessage`. */
export interface MetricSnapshot {
  readonly thread: string;
  readonly families: readonly MetricFamily[];
}

export interface SelfMetricsOptions {
  /** Names the thread in per-thread metrics; `main` (the default) also reports those of the whole process. */
  readonly thread?: string;
  /** Most label sets of one metric; more are folded into `other`. Default 2,000. */
  readonly maxSeries?: number;
}

/** What a thread counts with, and what serves it to Prometheus. */
export interface ThreadMetrics extends SelfMetrics {
  /** Everything counted so far in this thread. */
  snapshot(): MetricSnapshot;
  /** Prometheus text of this thread and of snapshots of others: counters and histograms are summed. */
  render(extra?: readonly MetricSnapshot[]): Promise<string>;
}

type GaugeReader = Parameters<SelfMetrics['gauge']>[2];

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const DEFAULT_MAX_SERIES = 2_000;

function readGauge(read: GaugeReader): readonly MetricSample[] {
  const result = read();
  return typeof result === 'number' ? [{ labels: NO_LABELS, value: result }] : result;
}

function sampleKey(name: string, sample: MetricSample): string {
  const labels = Object.entries(sample.labels).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([sample.metricName ?? name, labels]);
}

function mergeSamples(own: MetricFamily, other: MetricFamily): readonly MetricSample[] {
  const merged = new Map(own.samples.map((sample) => [sampleKey(own.name, sample), sample]));
  for (const sample of other.samples) {
    const key = sampleKey(own.name, sample);
    const known = merged.get(key);
    if (known === undefined) merged.set(key, sample);
    else if (own.type !== 'gauge') merged.set(key, { ...known, value: known.value + sample.value });
  }
  return [...merged.values()];
}

/** Joins the families of several threads: equal counters and histograms are summed, gauges stand side by side. */
export function mergeSnapshots(snapshots: readonly MetricSnapshot[]): readonly MetricFamily[] {
  const families = new Map<string, MetricFamily>();
  for (const { families: found } of snapshots) {
    for (const family of found) {
      const known = families.get(family.name);
      const samples = known === undefined ? family.samples : mergeSamples(known, family);
      families.set(family.name, { ...(known ?? family), samples });
    }
  }
  return [...families.values()];
}

class ThreadRegistry implements ThreadMetrics, ObservedMetrics {
  readonly #instruments = new Map<string, Instrument>();
  readonly #readers = new Map<string, GaugeReader[]>();
  readonly #thread: string;
  readonly #maxSeries: number;
  readonly #readErrors: Counter;

  constructor(thread: string, maxSeries: number) {
    this.#thread = thread;
    this.#maxSeries = maxSeries;
    const help = 'Gauges that could not be read at a scrape.';
    this.#readErrors = this.counter('spanmeter_metric_read_errors_total', help, ['metric']);
  }

  counter(name: string, help: string, labels: readonly string[] = []): Counter {
    const shape = `counter(${labels.join()})`;
    const make = (): Instrument => ({
      name,
      help,
      type: 'counter',
      shape,
      ...makeCounter(labels, this.#maxSeries),
    });
    return this.#register(name, shape, labels, make).handle as Counter;
  }

  histogram(
    name: string,
    help: string,
    buckets: readonly number[],
    labels: readonly string[] = [],
  ): Histogram {
    const shape = `histogram(${labels.join()})[${buckets.join()}]`;
    const parts = makeHistogram(name, buckets, labels, this.#maxSeries);
    const make = (): Instrument => ({ name, help, type: 'histogram', shape, ...parts });
    return this.#register(name, shape, labels, make).handle as Histogram;
  }

  gauge(name: string, help: string, read: GaugeReader, labels: readonly string[] = []): void {
    this.#observe(name, help, 'gauge', read, labels);
  }

  observedCounter(name: string, help: string, read: () => number): void {
    this.#observe(name, help, 'counter', read, []);
  }

  snapshot(): MetricSnapshot {
    const families = Array.from(this.#instruments.values(), ({ name, help, type, samples }) => ({
      name,
      help,
      type,
      samples: samples(),
    }));
    return { thread: this.#thread, families };
  }

  render(extra: readonly MetricSnapshot[] = []): Promise<string> {
    return renderFamilies(mergeSnapshots([this.snapshot(), ...extra]));
  }

  #observe(name: string, help: string, type: MetricType, read: GaugeReader, labels: readonly string[]): void {
    const shape = `observed ${type}(${labels.join()})`;
    const samples = (): readonly MetricSample[] => this.#readGauges(name);
    this.#register(name, shape, labels, () => ({ name, help, type, shape, handle: null, samples }));
    this.#readers.set(name, [...(this.#readers.get(name) ?? []), read]);
  }

  #readGauges(name: string): readonly MetricSample[] {
    const found = new Map<string, MetricSample>();
    for (const read of this.#readers.get(name) ?? []) {
      try {
        for (const sample of readGauge(read)) found.set(sampleKey(name, sample), sample);
      } catch {
        this.#readErrors.add(1, { metric: name });
      }
    }
    return [...found.values()];
  }

  /** Two components of one type register the same metrics, so an equal second registration is the first. */
  #register(name: string, shape: string, labels: readonly string[], make: () => Instrument): Instrument {
    const known = this.#instruments.get(name);
    if (known?.shape === shape) return known;
    if (known !== undefined) throw new Error(`metric ${name} is already a ${known.shape}, not a ${shape}`);
    if (!NAME.test(name)) throw new Error(`${name} is not a metric name`);
    const wrong = labels.find((label) => !LABEL.test(label) || label === 'le');
    if (wrong !== undefined) throw new Error(`${wrong} is not a label name (metric ${name})`);
    const made = make();
    this.#instruments.set(name, made);
    return made;
  }
}

/** The collector's own metrics of one thread, process and event loop included. */
export function createSelfMetrics(options: SelfMetricsOptions = {}): ThreadMetrics {
  const thread = options.thread ?? 'main';
  const metrics = new ThreadRegistry(thread, options.maxSeries ?? DEFAULT_MAX_SERIES);
  registerProcessMetrics(metrics, thread);
  return metrics;
}
