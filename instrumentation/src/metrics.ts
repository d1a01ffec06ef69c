import { createNoopMeter, type Attributes, type Histogram, type Meter } from '@opentelemetry/api';
import {
  ATTR_ERROR_TYPE,
  ATTR_INPUT_TOKENS,
  ATTR_OPERATION,
  ATTR_OUTPUT_TOKENS,
  ATTR_PROVIDER,
  ATTR_REQUEST_MODEL,
  ATTR_RESPONSE_MODEL,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_TOKEN_TYPE,
  METRIC_DURATION,
  METRIC_TOKENS,
} from './semconv.ts';

const DURATION_BOUNDARIES = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
const TOKEN_BOUNDARIES = Array.from({ length: 14 }, (_, power) => 4 ** power);

const DIMENSIONS = [
  ATTR_OPERATION,
  ATTR_PROVIDER,
  ATTR_REQUEST_MODEL,
  ATTR_RESPONSE_MODEL,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
];

/** The two client histograms of the conventions. */
export interface ClientMetrics {
  /**
   * Records one finished call from what was known at its start and at its end; tokens only where the
   * provider reported them.
   */
  record(durationMs: number, start: Attributes, end: Attributes): void;
  /** Records the time between two chunks with output; absent where nobody collects it. */
  chunk?(intervalMs: number, start: Attributes): void;
}

const NO_METRICS: ClientMetrics = { record() {} };

/** Creates the histograms on `meter`; without a meter provider there is nothing to do per call. */
export function clientMetrics(meter: Meter): ClientMetrics {
  if (meter.constructor === createNoopMeter().constructor) return NO_METRICS;
  const duration: Histogram = meter.createHistogram(METRIC_DURATION, {
    description: 'GenAI operation duration.',
    unit: 's',
    advice: { explicitBucketBoundaries: DURATION_BOUNDARIES },
  });
  const tokens: Histogram = meter.createHistogram(METRIC_TOKENS, {
    description: 'Number of input and output tokens used.',
    unit: '{token}',
    advice: { explicitBucketBoundaries: TOKEN_BOUNDARIES },
  });
  return {
    record(durationMs, start, end) {
      const dimensions: Attributes = {};
      for (const key of DIMENSIONS) {
        const value = end[key] ?? start[key];
        if (value !== undefined) dimensions[key] = value;
      }
      const error = end[ATTR_ERROR_TYPE];
      duration.record(
        durationMs / 1000,
        error === undefined ? dimensions : { ...dimensions, [ATTR_ERROR_TYPE]: error },
      );
      const input = end[ATTR_INPUT_TOKENS];
      if (typeof input === 'number') tokens.record(input, { ...dimensions, [ATTR_TOKEN_TYPE]: 'input' });
      const output = end[ATTR_OUTPUT_TOKENS];
      if (typeof output === 'number') tokens.record(output, { ...dimensions, [ATTR_TOKEN_TYPE]: 'output' });
    },
  };
}
