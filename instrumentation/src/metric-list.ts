/** One metric that calls are recorded in. */
export interface MetricDefinition {
  readonly name: string;
  readonly type: 'counter' | 'histogram';
  readonly unit: 's' | '{token}';
  readonly description: string;
  /** Bounds of a histogram's buckets. */
  readonly boundaries?: readonly number[];
  /** In which state of the conventions it is: see `vocabulary.ts`. */
  readonly state: 'released' | 'latest';
}

const SECONDS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const TOKENS = Array.from({ length: 14 }, (_, power) => 4 ** power);

function seconds(state: MetricDefinition['state'], name: string, description: string): MetricDefinition {
  return { name, type: 'histogram', unit: 's', description, boundaries: SECONDS, state };
}

function tokens(state: MetricDefinition['state'], name: string, description: string): MetricDefinition {
  return { name, type: 'histogram', unit: '{token}', description, boundaries: TOKENS, state };
}

function counter(name: string, description: string): MetricDefinition {
  return {
    name: `gen_ai.client.inference.usage.${name}`,
    type: 'counter',
    unit: '{token}',
    description,
    state: 'latest',
  };
}

type MetricKey =
  | 'duration'
  | 'firstChunk'
  | 'perChunk'
  | 'tokenUsage'
  | 'inferenceDuration'
  | 'inferenceFirstChunk'
  | 'inferencePerChunk'
  | 'callInput'
  | 'callOutput'
  | 'input'
  | 'output'
  | 'cacheRead'
  | 'cacheWrite'
  | 'reasoning';

/** Every metric of this package: names, units and bounds of the conventions (`SEMCONV_STATE`). */
export const METRICS: Readonly<Record<MetricKey, MetricDefinition>> = {
  duration: seconds('released', 'gen_ai.client.operation.duration', 'How long a call took.'),
  firstChunk: seconds(
    'released',
    'gen_ai.client.operation.time_to_first_chunk',
    'From the request to the first chunk of a stream that carries output.',
  ),
  perChunk: seconds(
    'released',
    'gen_ai.client.operation.time_per_output_chunk',
    'Between two chunks of a stream that carry output.',
  ),
  tokenUsage: tokens('released', 'gen_ai.client.token.usage', 'Input and output tokens of a call.'),
  inferenceDuration: seconds(
    'latest',
    'gen_ai.client.inference.duration',
    'How long a call that generates took.',
  ),
  inferenceFirstChunk: seconds(
    'latest',
    'gen_ai.client.inference.time_to_first_chunk',
    'From the request to the first chunk of a stream that carries output.',
  ),
  inferencePerChunk: seconds(
    'latest',
    'gen_ai.client.inference.time_per_output_chunk',
    'Between two chunks of a stream that carry output.',
  ),
  callInput: tokens(
    'latest',
    'gen_ai.client.inference.operation.input_tokens',
    'Input tokens of a call, cached ones included.',
  ),
  callOutput: tokens(
    'latest',
    'gen_ai.client.inference.operation.output_tokens',
    'Output tokens of a call, reasoning included.',
  ),
  input: counter('input_tokens', 'Input tokens, cached ones included.'),
  output: counter('output_tokens', 'Output tokens, reasoning included.'),
  cacheRead: counter('cache_read.input_tokens', 'Input tokens read from a cache.'),
  cacheWrite: counter('cache_write.input_tokens', 'Input tokens written to a cache.'),
  reasoning: counter('reasoning.output_tokens', 'Output tokens of reasoning.'),
};
