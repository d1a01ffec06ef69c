import {
  createNoopMeter,
  type Attributes,
  type Counter,
  type Histogram,
  type Meter,
} from '@opentelemetry/api';
import { METRICS, type MetricDefinition } from './metric-list.ts';
import {
  ATTR_CACHE_READ_TOKENS,
  ATTR_CACHE_WRITE_TOKENS,
  ATTR_ERROR_TYPE,
  ATTR_INPUT_TOKENS,
  ATTR_OPERATION,
  ATTR_OUTPUT_TOKENS,
  ATTR_PROVIDER,
  ATTR_REASONING_TOKENS,
  ATTR_REQUEST_MODEL,
  ATTR_RESPONSE_MODEL,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_TIME_TO_FIRST_CHUNK,
  ATTR_TOKEN_MODALITY,
  ATTR_TOKEN_TYPE,
} from './semconv.ts';
import type { Vocabulary } from './vocabulary.ts';

/** The attributes of every metric; histograms of whole calls have `error.type` besides. */
export const METRIC_ATTRIBUTES: readonly string[] = [
  ATTR_OPERATION,
  ATTR_PROVIDER,
  ATTR_REQUEST_MODEL,
  ATTR_RESPONSE_MODEL,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
];

/** What the conventions mean by inference; of anything else they have fewer metrics. */
const INFERENCE: ReadonlySet<unknown> = new Set(['chat', 'text_completion', 'generate_content']);

const MODALITIES = ['text', 'image', 'audio'];

/** The client metrics of the conventions. */
export interface ClientMetrics {
  /**
   * Records one finished call from what was known at its start and at its end; tokens only where the provider
   * reported them, the time only where it is known.
   */
  record(durationMs: number | undefined, start: Attributes, end: Attributes): void;
  /** Records the time between two chunks with output; absent where nobody collects it. */
  chunk?(intervalMs: number, start: Attributes): void;
}

const NO_METRICS: ClientMetrics = { record() {} };

/** Creates the metrics on `meter`; without a meter provider there is nothing to do per call. */
export function clientMetrics(meter: Meter, { released, latest }: Vocabulary): ClientMetrics {
  if (meter.constructor === createNoopMeter().constructor) return NO_METRICS;
  const parts: Required<ClientMetrics>[] = [];
  // Calls that are no inference have kept their released names.
  parts.push(
    releasedMetrics(meter, released ? () => true : (operation) => !INFERENCE.has(operation), released),
  );
  if (latest) parts.push(latestMetrics(meter));
  return {
    record: (durationMs, start, end) => {
      for (const part of parts) part.record(durationMs, start, end);
    },
    chunk: (intervalMs, start) => {
      for (const part of parts) part.chunk(intervalMs, start);
    },
  };
}

function histogram(meter: Meter, { name, unit, description, boundaries = [] }: MetricDefinition): Histogram {
  const advice = { explicitBucketBoundaries: [...boundaries] };
  return meter.createHistogram(name, { unit, description, advice });
}

function counter(meter: Meter, { name, unit, description }: MetricDefinition): Counter {
  return meter.createCounter(name, { unit, description });
}

function releasedMetrics(
  meter: Meter,
  isMeant: (operation: unknown) => boolean,
  withTokens: boolean,
): Required<ClientMetrics> {
  const duration = histogram(meter, METRICS.duration);
  const first = histogram(meter, METRICS.firstChunk);
  const between = histogram(meter, METRICS.perChunk);
  const tokens = withTokens ? histogram(meter, METRICS.tokenUsage) : undefined;
  return {
    record(durationMs, start, end) {
      if (!isMeant(start[ATTR_OPERATION])) return;
      const dimensions = dimensionsOf(start, end);
      const whole = withError(dimensions, end);
      if (durationMs !== undefined) duration.record(durationMs / 1000, whole);
      const firstSeconds = countOf(end, ATTR_TIME_TO_FIRST_CHUNK);
      if (firstSeconds !== undefined) first.record(firstSeconds, dimensions);
      for (const [type, key] of [
        ['input', ATTR_INPUT_TOKENS],
        ['output', ATTR_OUTPUT_TOKENS],
      ] as const) {
        const count = countOf(end, key);
        if (count !== undefined) tokens?.record(count, { ...dimensions, [ATTR_TOKEN_TYPE]: type });
      }
    },
    chunk(intervalMs, start) {
      if (isMeant(start[ATTR_OPERATION])) between.record(intervalMs / 1000, startDimensions(start));
    },
  };
}

function latestMetrics(meter: Meter): Required<ClientMetrics> {
  const duration = histogram(meter, METRICS.inferenceDuration);
  const first = histogram(meter, METRICS.inferenceFirstChunk);
  const between = histogram(meter, METRICS.inferencePerChunk);
  const sides = [
    {
      key: ATTR_INPUT_TOKENS,
      perCall: histogram(meter, METRICS.callInput),
      used: counter(meter, METRICS.input),
      modality: (kind: string) => `gen_ai.usage.${kind}.input_tokens`,
    },
    {
      key: ATTR_OUTPUT_TOKENS,
      perCall: histogram(meter, METRICS.callOutput),
      used: counter(meter, METRICS.output),
      modality: (kind: string) => `gen_ai.usage.${kind}.output_tokens`,
    },
  ];
  const subsets = [
    {
      key: ATTR_CACHE_READ_TOKENS,
      used: counter(meter, METRICS.cacheRead),
      modality: (kind: string) => `gen_ai.usage.${kind}.cache_read.input_tokens`,
    },
    { key: ATTR_CACHE_WRITE_TOKENS, used: counter(meter, METRICS.cacheWrite), modality: () => undefined },
    { key: ATTR_REASONING_TOKENS, used: counter(meter, METRICS.reasoning), modality: () => undefined },
  ];
  return {
    record(durationMs, start, end) {
      const inference = INFERENCE.has(start[ATTR_OPERATION]);
      const dimensions = dimensionsOf(start, end);
      const whole = withError(dimensions, end);
      if (inference && durationMs !== undefined) duration.record(durationMs / 1000, whole);
      const firstSeconds = countOf(end, ATTR_TIME_TO_FIRST_CHUNK);
      if (inference && firstSeconds !== undefined) first.record(firstSeconds, dimensions);
      for (const { key, perCall, used, modality } of sides) {
        // An inference without usage is a 0 by the conventions, so that calls and their tokens can be compared.
        const count = countOf(end, key) ?? (inference ? 0 : undefined);
        if (count === undefined) continue;
        if (inference) perCall.record(count, whole);
        addByModality(used, count, end, modality, dimensions);
      }
      for (const { key, used, modality } of subsets) {
        const count = countOf(end, key);
        if (count !== undefined) addByModality(used, count, end, modality, dimensions);
      }
    },
    chunk(intervalMs, start) {
      if (INFERENCE.has(start[ATTR_OPERATION])) between.record(intervalMs / 1000, startDimensions(start));
    },
  };
}

/** Adds a count split by what the provider told of its kinds; what it did not tell of is `unknown`. */
function addByModality(
  used: Counter,
  count: number,
  end: Attributes,
  modality: (kind: string) => string | undefined,
  dimensions: Attributes,
): void {
  let left = count;
  for (const kind of MODALITIES) {
    const key = modality(kind);
    const part = key === undefined ? undefined : countOf(end, key);
    if (part === undefined || part === 0 || part > left) continue;
    used.add(part, { ...dimensions, [ATTR_TOKEN_MODALITY]: kind });
    left -= part;
  }
  if (left > 0 || count === 0) used.add(left, { ...dimensions, [ATTR_TOKEN_MODALITY]: 'unknown' });
}

/** Counts are never negative, whatever a provider says: a counter that fell would break every sum. */
function countOf(attributes: Attributes, key: string): number | undefined {
  const value = attributes[key];
  return typeof value === 'number' && value >= 0 ? value : undefined;
}

function dimensionsOf(start: Attributes, end: Attributes): Attributes {
  const dimensions: Attributes = {};
  for (const key of METRIC_ATTRIBUTES) {
    const value = end[key] ?? start[key];
    if (value !== undefined) dimensions[key] = value;
  }
  return dimensions;
}

const NO_END: Attributes = {};
const dimensionsOfStarts = new WeakMap<Attributes, Attributes>();

/** Those of a call under way, made once for all its chunks. */
function startDimensions(start: Attributes): Attributes {
  let dimensions = dimensionsOfStarts.get(start);
  if (dimensions === undefined) dimensionsOfStarts.set(start, (dimensions = dimensionsOf(start, NO_END)));
  return dimensions;
}

function withError(dimensions: Attributes, end: Attributes): Attributes {
  const error = end[ATTR_ERROR_TYPE];
  return error === undefined ? dimensions : { ...dimensions, [ATTR_ERROR_TYPE]: error };
}
