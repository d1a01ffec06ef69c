import type { ValueKind } from './family.ts';

const PICO_PER_USD = 1e12;
const NANOS_PER_SECOND = 1e9;

/** [contract] Upper bounds in seconds: 0.01 x 2^n, n = 0..16. */
export const BUCKET_BOUNDS: readonly number[] = Array.from({ length: 17 }, (_, n) => 0.01 * 2 ** n);

/** A count of things: exact to 2^53. */
export const COUNT: ValueKind<number> = {
  type: 'counter',
  lines: 1,
  zero: () => 0,
  series: (name, labels) => `${name}{${labels}} `,
  write: (_name, { text, value }) => `${text}${value}\n`,
};

/** Money in 1e-12 USD, added exactly; it becomes a float only as it is written. */
export const MONEY: ValueKind<bigint> = {
  type: 'counter',
  lines: 1,
  zero: () => 0n,
  series: (name, labels) => `${name}{${labels}} `,
  write: (_name, { text, value }) => `${text}${Number(value) / PICO_PER_USD}\n`,
};

/** The last call that fell into a histogram, as a way to its trace. */
interface Exemplar {
  readonly bucket: number;
  readonly traceId: string;
  readonly seconds: number;
  readonly unixMs: number;
}

export interface Distribution {
  /** Observations per bucket, not cumulative; the last is for those over every bound. */
  readonly counts: Float64Array;
  sumSeconds: number;
  exemplar: Exemplar | null;
}

const LE_ENDS: readonly string[] = [...BUCKET_BOUNDS.map(String), '+Inf'].map((bound) => `,le="${bound}"} `);

function exemplarText({ exemplar }: Distribution, bucket: number): string {
  if (exemplar?.bucket !== bucket) return '';
  return ` # {trace_id="${exemplar.traceId}"} ${exemplar.seconds} ${exemplar.unixMs / 1_000}`;
}

/** Durations in seconds in the buckets of the catalogue. */
export const DURATIONS: ValueKind<Distribution> = {
  type: 'histogram',
  lines: BUCKET_BOUNDS.length + 3,
  zero: () => ({ counts: new Float64Array(BUCKET_BOUNDS.length + 1), sumSeconds: 0, exemplar: null }),
  series: (_name, labels) => labels,
  write(name, { text, value }, format) {
    const start = `${name}_bucket{${text}`;
    let out = '';
    let total = 0;
    for (let bucket = 0; bucket < LE_ENDS.length; bucket++) {
      total += value.counts[bucket] ?? 0;
      const exemplar = format === 'openmetrics' ? exemplarText(value, bucket) : '';
      out += `${start}${LE_ENDS[bucket] ?? ''}${total}${exemplar}\n`;
    }
    return `${out}${name}_sum{${text}} ${value.sumSeconds}\n${name}_count{${text}} ${total}\n`;
  },
};

/** Adds one duration; `traceId` is kept as the exemplar unless it is null. */
export function observeNanos(
  into: Distribution,
  nanos: bigint,
  traceId: string | null,
  unixMs: number,
): void {
  const seconds = Number(nanos) / NANOS_PER_SECOND;
  let bucket = 0;
  while (bucket < BUCKET_BOUNDS.length && seconds > (BUCKET_BOUNDS[bucket] ?? Infinity)) bucket++;
  into.counts[bucket] = (into.counts[bucket] ?? 0) + 1;
  into.sumSeconds += seconds;
  if (traceId !== null) into.exemplar = { bucket, traceId, seconds, unixMs };
}
