import { createAttribution, createCost, createCountOnce, createNormalizer } from '@spanmeter/processors';
import type {
  AttributeValue,
  Call,
  CallProcessor,
  CostOptions,
  GenAiSpan,
  RecordContext,
  SpanGroup,
} from '@spanmeter/processors';

/** 2026-11-20T12:00:00Z. */
export const NOW_MS = Date.UTC(2026, 10, 20, 12);
export const NOW_NANOS = BigInt(NOW_MS) * 1_000_000n;

export type AttributeRecord = Readonly<Record<string, AttributeValue>>;

let lastSpan = 0;

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

/** A span that began now, in a trace of its own unless `over` says otherwise. */
export function spanOf(
  attributes: AttributeRecord,
  over: Partial<Omit<GenAiSpan, 'attributes' | 'resource'>> & { resource?: AttributeRecord } = {},
): GenAiSpan {
  lastSpan++;
  const { resource, ...rest } = over;
  return {
    traceId: hex(lastSpan, 32),
    spanId: hex(lastSpan, 16),
    parentSpanId: null,
    name: 'chat',
    kind: 3,
    startUnixNano: NOW_NANOS,
    endUnixNano: NOW_NANOS + 1_500_000_000n,
    statusCode: 0,
    traceState: '',
    scope: { name: 'test', version: '1.0.0' },
    oversizedAttributes: 0,
    ...rest,
    attributes: new Map(Object.entries(attributes)),
    resource: new Map(Object.entries(resource ?? {})),
  };
}

/** An OpenAI chat of 1,000 tokens in and 500 out: 0.0075 USD. */
export const GPT_4O: AttributeRecord = {
  'gen_ai.operation.name': 'chat',
  'gen_ai.provider.name': 'openai',
  'gen_ai.request.model': 'gpt-4o',
  'gen_ai.usage.input_tokens': 1000,
  'gen_ai.usage.output_tokens': 500,
};

export const OPEN: RecordContext = {
  receivedUnixMs: NOW_MS,
  role: 'open',
  tenant: null,
  declaredTenant: null,
  keyId: null,
  team: null,
};

export function groupOf(spans: readonly GenAiSpan[], context: Partial<RecordContext> = {}): SpanGroup {
  return { context: { ...OPEN, ...context }, spans, calls: [], rejections: [] };
}

/** Runs groups through the steps in order. */
export function run(groups: readonly SpanGroup[], ...steps: readonly CallProcessor[]): void {
  for (const step of steps) step(groups);
}

/** Runs spans of one request through all steps and returns their calls. */
export function process(
  spans: readonly GenAiSpan[],
  options: { context?: Partial<RecordContext>; cost?: CostOptions } = {},
): (Call | null)[] {
  const group = groupOf(spans, options.context);
  run([group], createNormalizer(), createAttribution(), createCountOnce(), createCost(options.cost));
  return group.calls;
}

/** The one call of one span. */
export function callOf(span: GenAiSpan, options: Parameters<typeof process>[1] = {}): Call {
  const [call] = process([span], options);
  if (call == null) throw new Error('the span was rejected');
  return call;
}
