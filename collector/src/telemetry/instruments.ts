import type { Counter, Histogram } from '../pipeline/component.ts';
import type { MetricSample, MetricType } from './exposition.ts';

type Labels = Readonly<Record<string, string>>;

/** Stands for no labels. */
export const NO_LABELS: Labels = {};

/** Series of one metric by their label values; a value of `undefined` text is the empty label. */
class SeriesTable<V> {
  readonly #labelNames: readonly string[];
  readonly #maxSeries: number;
  readonly #make: () => V;
  readonly #series = new Map<string, { readonly labels: Labels; value: V }>();

  constructor(labelNames: readonly string[], maxSeries: number, make: () => V) {
    this.#labelNames = labelNames;
    this.#maxSeries = maxSeries;
    this.#make = make;
    // A metric without labels is there from the start, so that its first increase is seen.
    if (labelNames.length === 0) this.at(NO_LABELS);
  }

  at(labels: Labels): { value: V } {
    const key = this.#labelNames.map((name) => labels[name] ?? '').join('\u0000');
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    const full = this.#series.size >= this.#maxSeries;
    const values = this.#labelNames.map((name) => [name, full ? 'other' : (labels[name] ?? '')] as const);
    const foldedKey = full ? values.map(([, value]) => value).join('\u0000') : key;
    const folded = this.#series.get(foldedKey);
    if (folded !== undefined) return folded;
    const made = { labels: Object.fromEntries(values), value: this.#make() };
    this.#series.set(foldedKey, made);
    return made;
  }

  entries(): IterableIterator<{ readonly labels: Labels; readonly value: V }> {
    return this.#series.values();
  }
}

interface Buckets {
  /** Observations per bucket, not cumulative; the last is for those over every bound. */
  readonly counts: number[];
  sum: number;
}

/** A metric that was registered. */
export interface Instrument {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  /** What must be equal when the same name is registered again. */
  readonly shape: string;
  readonly handle: Counter | Histogram | null;
  readonly samples: () => readonly MetricSample[];
}

/** A counter with at most so many label sets, and one more for the rest. */
export function makeCounter(
  labels: readonly string[],
  maxSeries: number,
): Pick<Instrument, 'handle' | 'samples'> {
  const table = new SeriesTable(labels, maxSeries, () => 0);
  return {
    handle: {
      add(amount, values = NO_LABELS) {
        if (amount >= 0 && Number.isFinite(amount)) table.at(values).value += amount;
      },
    },
    samples: () => Array.from(table.entries(), ({ labels: own, value }) => ({ labels: own, value })),
  };
}

function histogramSamples(
  name: string,
  bounds: readonly number[],
  labels: Labels,
  of: Buckets,
): MetricSample[] {
  let total = 0;
  const out: MetricSample[] = of.counts.map((count, index) => {
    total += count;
    const bound = bounds[index];
    const le = bound === undefined ? '+Inf' : String(bound);
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: total };
  });
  out.push({ metricName: `${name}_sum`, labels, value: of.sum });
  out.push({ metricName: `${name}_count`, labels, value: total });
  return out;
}

/** A histogram with at most so many label sets, and one more for the rest. */
export function makeHistogram(
  name: string,
  bounds: readonly number[],
  labels: readonly string[],
  maxSeries: number,
): Pick<Instrument, 'handle' | 'samples'> {
  const make = (): Buckets => ({ counts: Array<number>(bounds.length + 1).fill(0), sum: 0 });
  const table = new SeriesTable(labels, maxSeries, make);
  return {
    handle: {
      observe(value, values = NO_LABELS) {
        if (!Number.isFinite(value)) return;
        const found = bounds.findIndex((bound) => value <= bound);
        const buckets = table.at(values).value;
        const index = found === -1 ? bounds.length : found;
        buckets.counts[index] = (buckets.counts[index] ?? 0) + 1;
        buckets.sum += value;
      },
    },
    samples: () =>
      [...table.entries()].flatMap((one) => histogramSamples(name, bounds, one.labels, one.value)),
  };
}
