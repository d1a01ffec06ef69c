import { CHAT_COST, chatSpan as chat, type ChatChanges } from '../support/chat-span.ts';
import { DoubleValue, type BuilderAttributes, type BuilderScope } from '../support/otlp-builder.ts';
import type { BuilderSpan } from '../support/otlp-builder.ts';

/** Columns of a stored row as pg gives them: bigint and numeric are text. */
export type StoredRow = Readonly<Record<string, unknown>>;

/** Spans sent in one request of a tenant of their own, and what must come of them. */
export interface SpanCase {
  readonly title: string;
  readonly spans: () => readonly BuilderSpan[];
  readonly resource?: BuilderAttributes;
  readonly scope?: BuilderScope;
  /** Who says whose they are: the request's header, or the resource; the header where absent. */
  readonly tenantBy?: 'header' | 'resource';
  /** Changes the encoded request. */
  readonly patch?: (body: Buffer) => Buffer;
  /** Spans that the answer's partial_success rejects. */
  readonly rejected?: number;
  /** Parts of the rows, in the order of their span ids. Every other span of the request has none. */
  readonly rows: readonly StoredRow[];
  /** Reason of the one dead letter. */
  readonly deadLetter?: string;
  /** Series of 8889 of this tenant beyond those that follow from the rows, and their sums. */
  readonly metrics?: Readonly<Record<string, number>>;
  /** Counters of 8888 that the request moves. */
  readonly own?: Readonly<Record<string, number>>;
}

const priced = { cost_status: 'priced', cost_usd: CHAT_COST };
const AN_HOUR = 3_600_000_000_000n;
const A_DAY = 24n * AN_HOUR;
const FIRST = '0000000000000001';
const SECOND = '0000000000000002';
const THIRD = '0000000000000003';

const impossible = (title: string, ids: ChatChanges): SpanCase => ({
  title,
  spans: () => [chat({ spanId: SECOND, ...ids }), chat({ spanId: FIRST })],
  rejected: 1,
  rows: [{ span_id: FIRST, ...priced }],
});

const IDS: readonly SpanCase[] = [
  impossible('a trace id of 15 bytes', { traceId: 'ab'.repeat(15) }),
  impossible('a trace id of 17 bytes', { traceId: 'ab'.repeat(17) }),
  impossible('no trace id', { traceId: '' }),
  impossible('a trace id of zeros', { traceId: '00'.repeat(16) }),
  impossible('a span id of 7 bytes', { spanId: 'ab'.repeat(7) }),
  impossible('a span id of 9 bytes', { spanId: 'ab'.repeat(9) }),
  impossible('a span id of zeros', { spanId: '00'.repeat(8) }),
  impossible('a parent span id of 7 bytes', { parentSpanId: 'ab'.repeat(7) }),
  {
    title: 'a parent span id of zeros, which is a root',
    spans: () => [chat({ parentSpanId: '00'.repeat(8) })],
    rows: [{ ...priced, parent_span_id: null }],
  },
];

const moved = (nanos: bigint): BuilderSpan => {
  const span = chat();
  return { ...span, startUnixNano: span.startUnixNano + nanos, endUnixNano: span.endUnixNano + nanos };
};
const late = (title: string, nanos: bigint): SpanCase => ({
  title,
  spans: () => [moved(nanos)],
  rows: [{ ...priced, duration_ms: '2000.000000' }],
  metrics: { genai_late_cost_usd_total: 0.0035, genai_cost_usd_total: 0 },
});

const TIMES: readonly SpanCase[] = [
  {
    title: 'no start',
    spans: () => [chat({ startUnixNano: 0n })],
    rows: [{ ...priced, time_source: 'end', duration_ms: null }],
    metrics: { genai_call_duration_seconds_count: 0 },
  },
  {
    title: 'an end before the start',
    spans: () => {
      const span = chat();
      return [{ ...span, endUnixNano: span.startUnixNano - 1n }];
    },
    rows: [{ ...priced, time_source: 'start', duration_ms: null }],
    metrics: { genai_call_duration_seconds_count: 0 },
  },
  {
    title: 'no end',
    spans: () => [chat({ endUnixNano: 0n })],
    rows: [{ ...priced, time_source: 'start', duration_ms: null }],
    metrics: { genai_call_duration_seconds_count: 0 },
  },
  {
    title: 'neither start nor end',
    spans: () => [chat({ startUnixNano: 0n, endUnixNano: 0n })],
    rows: [],
    deadLetter: 'time_missing',
  },
  {
    title: 'neither start nor end, of a tenant that only the resource names',
    spans: () => [chat({ startUnixNano: 0n, endUnixNano: 0n })],
    tenantBy: 'resource',
    rows: [],
    deadLetter: 'time_missing',
  },
  {
    title: 'an end in the year 2554, which is no duration',
    spans: () => [chat({ endUnixNano: 2n ** 64n - 1n })],
    rows: [{ ...priced, duration_ms: null }],
  },
  {
    title: 'a start in 1970',
    spans: () => [chat({ startUnixNano: 1n })],
    rows: [],
    deadLetter: 'time_out_of_range',
  },
  {
    title: 'a start in 2100, beside a call of now',
    spans: () => [
      chat({ spanId: FIRST }),
      chat({ startUnixNano: 4_102_444_800_000_000_000n, endUnixNano: 4_102_444_801_000_000_000n }),
    ],
    rows: [{ span_id: FIRST, ...priced }],
    deadLetter: 'time_out_of_range',
  },
  {
    title: 'the latest time that 64 bits hold',
    spans: () => [chat({ startUnixNano: 2n ** 64n - 1n, endUnixNano: 2n ** 64n - 1n })],
    rows: [],
    deadLetter: 'time_out_of_range',
  },
  late('a start of yesterday, which is late', -A_DAY),
  late('a start of 89 days ago, which is late and within the retention', -89n * A_DAY),
  {
    title: 'a start of 91 days ago',
    spans: () => [moved(-91n * A_DAY)],
    rows: [],
    deadLetter: 'time_out_of_range',
  },
  {
    title: 'a start in 23 hours, as a wrong clock has it',
    spans: () => [moved(23n * AN_HOUR)],
    rows: [{ ...priced, duration_ms: '2000.000000' }],
    metrics: { genai_cost_usd_total: 0.0035 },
  },
  {
    title: 'a start in 25 hours',
    spans: () => [moved(25n * AN_HOUR)],
    rows: [],
    deadLetter: 'time_out_of_range',
  },
];

const INPUT = 'gen_ai.usage.input_tokens';
const OUTPUT = 'gen_ai.usage.output_tokens';

const noCount = (title: string, value: number | bigint | string | DoubleValue, kept: string): SpanCase => ({
  title,
  spans: () => [chat({ attributes: { [INPUT]: value } })],
  rows: [
    {
      cost_status: 'invalid_usage',
      cost_usd: null,
      input_tokens: null,
      output_tokens: '100',
      attributes: { [INPUT]: kept },
    },
  ],
});

const COUNTS: readonly SpanCase[] = [
  noCount('a negative count', -5, '-5'),
  noCount('a fractional count', 10.5, '10.5'),
  noCount('NaN as a count', new DoubleValue(NaN), 'NaN'),
  noCount('infinity as a count', new DoubleValue(Infinity), 'Infinity'),
  noCount('a count of 2^53', 2n ** 53n, '9007199254740992'),
  noCount('the greatest int64 as a count', 2n ** 63n - 1n, '9223372036854775807'),
  noCount('a negative count as text', '-5', '-5'),
  noCount('a word as a count', 'many', 'many'),
  {
    title: 'a count of 2^53 - 1, which is exact',
    spans: () => [chat({ attributes: { [INPUT]: 2n ** 53n - 1n } })],
    rows: [{ cost_status: 'priced', cost_usd: '22517998136.853477500000', input_tokens: '9007199254740991' }],
  },
  {
    title: 'counts as decimal text',
    spans: () => [chat({ attributes: { [INPUT]: '1000', [OUTPUT]: '100' } })],
    rows: [{ ...priced, input_tokens: '1000', output_tokens: '100' }],
  },
  {
    title: 'counts as whole doubles',
    spans: () => [chat({ attributes: { [INPUT]: new DoubleValue(1000) } })],
    rows: [{ ...priced, input_tokens: '1000' }],
  },
  {
    title: 'more cached tokens than input, so that the input leaves them out',
    spans: () => [chat({ attributes: { [INPUT]: 100, 'gen_ai.usage.cache_read.input_tokens': 900 } })],
    rows: [
      {
        cost_status: 'priced',
        cost_usd: '0.002375000000',
        input_tokens: '1000',
        cache_read_tokens: '900',
        usage: { input: '100', cache_read: '900', output: '100' },
      },
    ],
  },
  {
    title: 'more reasoning than output',
    spans: () => [chat({ attributes: { 'gen_ai.usage.reasoning.output_tokens': 101 } })],
    rows: [{ cost_status: 'invalid_usage', cost_usd: null, output_tokens: '100', reasoning_tokens: '101' }],
  },
];

const MARK = 'BROKEN-TEXT-MARK';
const broken = (bytes: readonly number[]) => {
  const mark = Buffer.from(MARK);
  const put = Buffer.concat([Buffer.from(bytes), Buffer.from('-'.repeat(mark.length - bytes.length))]);
  return (body: Buffer): Buffer => {
    const copy = Buffer.from(body);
    for (let at = copy.indexOf(mark); at !== -1; at = copy.indexOf(mark)) put.copy(copy, at);
    return copy;
  };
};

const TEXTS: readonly SpanCase[] = [
  {
    title: 'NUL in every text',
    spans: () => [
      chat({
        name: 'chat\0',
        traceState: 'a=\0',
        attributes: {
          'gen_ai.request.model': 'gpt-4o\0',
          'gen_ai.response.id': 'resp\0-1',
          'user.id': '\0u\0ser\0',
          'error.type': 'time\0out',
          'gen_ai.response.finish_reasons': ['st\0op'],
        },
      }),
    ],
    resource: { 'service.name': 'ser\0vice', 'team.id': 'te\0am', 'deployment.environment.name': '\0' },
    scope: { name: 'sc\0ope', version: '1\0' },
    rows: [
      {
        ...priced,
        model: 'gpt-4o',
        request_model: 'gpt-4o',
        response_id: 'resp-1',
        user_id: 'user',
        error_type: 'timeout',
        finish_reasons: ['stop'],
        service_name: 'service',
        team: 'team',
        environment: null,
        scope_name: 'scope',
        scope_version: '1',
      },
    ],
    metrics: { genai_call_errors_total: 1 },
  },
  {
    title: 'NUL in what the price depends on, and in a count',
    spans: () => [
      chat({
        attributes: {
          'server.address': 'api\0',
          'gen_ai.response.service_tier': 'def\0ault',
          'cloud.region': '\0eu',
          'gen_ai.usage.input_tokens': '1\0',
        },
      }),
    ],
    rows: [{ cost_status: 'invalid_usage', cost_usd: null, attributes: { [INPUT]: '1' } }],
  },
  {
    title: 'a lone surrogate, encoded as three bytes',
    spans: () => [chat({ attributes: { 'user.id': MARK } })],
    patch: broken([0xed, 0xa0, 0x80]),
    rows: [{ ...priced, user_id: `\ufffd\ufffd\ufffd${'-'.repeat(MARK.length - 3)}` }],
  },
  {
    title: 'invalid UTF-8 in attributes, resource and scope',
    spans: () => [chat({ attributes: { 'user.id': MARK } })],
    resource: { 'service.name': MARK },
    scope: { name: MARK, version: MARK },
    patch: broken([0xff, 0xc0]),
    rows: [
      {
        ...priced,
        user_id: `\ufffd\ufffd${'-'.repeat(MARK.length - 2)}`,
        service_name: `\ufffd\ufffd${'-'.repeat(MARK.length - 2)}`,
        scope_name: `\ufffd\ufffd${'-'.repeat(MARK.length - 2)}`,
      },
    ],
  },
  {
    title: 'a wanted attribute of 1 MB',
    spans: () => [chat({ attributes: { 'user.id': 'u'.repeat(1_000_000) } })],
    rows: [{ ...priced, user_id: null, attributes: { 'spanmeter.oversized_attributes': 1 } }],
    own: { spanmeter_processor_oversized_attributes_total: 1 },
  },
  {
    title: 'a prompt of 1 MB, which is never read',
    spans: () => [chat({ attributes: { 'gen_ai.input.messages': 'p'.repeat(1_000_000) } })],
    rows: [{ ...priced, attributes: null }],
    own: { spanmeter_processor_oversized_attributes_total: 0 },
  },
  {
    title: 'a model with quotes, a backslash and line breaks',
    spans: () => [chat({ attributes: { 'gen_ai.request.model': 'a"b\\c\nd\r\u2028e' } })],
    rows: [{ cost_status: 'unpriced_model', model: 'a"b\\c\nd\r\u2028e' }],
  },
  {
    title: 'dimensions of 300 bytes, which are cut at a character within 256',
    spans: () => [chat({ attributes: { 'user.id': 'é'.repeat(150), 'team.id': `x${'é'.repeat(150)}` } })],
    rows: [{ ...priced, user_id: 'é'.repeat(128), team: `x${'é'.repeat(127)}` }],
  },
];

const AGENT = { 'gen_ai.operation.name': 'invoke_agent' };
const TOOL = { 'gen_ai.operation.name': 'execute_tool' };
const TRACE = 'c0'.repeat(16);
const NO_USAGE = { [INPUT]: undefined, [OUTPUT]: undefined };

const reported = (cost: number | DoubleValue): NonNullable<ChatChanges['attributes']> => ({
  'gen_ai.provider.name': 'openrouter',
  'gen_ai.request.model': 'openai/gpt-4o',
  'gen_ai.usage.cost': cost,
});
const ABSURD = { cost_status: 'reported', cost_usd: '90000000000000000000000000.000000000000' };

const BILLING: readonly SpanCase[] = [
  {
    title: 'an agent and a tool, whose usage is that of their calls',
    spans: () => [
      chat({ traceId: TRACE, spanId: FIRST, attributes: AGENT }),
      chat({ traceId: TRACE, spanId: SECOND, parentSpanId: FIRST, attributes: { ...TOOL, ...NO_USAGE } }),
      chat({ traceId: TRACE, spanId: THIRD, parentSpanId: FIRST }),
    ],
    rows: [
      { cost_status: 'not_billable', cost_usd: null, operation: 'invoke_agent' },
      { cost_status: 'not_billable', cost_usd: null, operation: 'execute_tool' },
      { ...priced, parent_span_id: FIRST },
    ],
    metrics: { genai_calls_total: 1, genai_tokens_total: 1100 },
  },
  {
    title: 'twins, one nested in the other',
    spans: () => [
      chat({ traceId: TRACE, spanId: FIRST }),
      chat({ traceId: TRACE, spanId: SECOND, parentSpanId: FIRST }),
    ],
    rows: [
      { cost_status: 'duplicate', cost_usd: null, duplicate_of: SECOND },
      { ...priced, duplicate_of: null },
    ],
  },
  {
    title: 'twins by their response id',
    spans: () => [
      chat({
        traceId: TRACE,
        spanId: FIRST,
        startUnixNano: BigInt(Date.now() - 3000) * 1_000_000n,
        attributes: { 'gen_ai.response.id': 'resp-twin' },
      }),
      chat({ traceId: TRACE, spanId: SECOND, attributes: { 'gen_ai.response.id': 'resp-twin' } }),
    ],
    rows: [
      { cost_status: 'duplicate', cost_usd: null, duplicate_of: SECOND },
      { ...priced, duplicate_of: null },
    ],
  },
  {
    title: 'two calls of equal usage side by side, which are no twins',
    spans: () => [chat({ traceId: TRACE, spanId: FIRST }), chat({ traceId: TRACE, spanId: SECOND })],
    rows: [priced, priced],
  },
  {
    title: 'the same span twice in one request',
    spans: () => {
      const span = chat({ spanId: FIRST });
      return [span, span];
    },
    rows: [{ ...priced, span_id: FIRST }],
  },
  {
    title: 'an error without usage',
    spans: () => [chat({ statusCode: 2, attributes: { ...NO_USAGE, 'error.type': 'rate_limit' } })],
    rows: [{ cost_status: 'not_billable', cost_usd: null, error_type: 'rate_limit', input_tokens: null }],
    metrics: { genai_call_errors_total: 1, genai_calls_total: 0 },
  },
  {
    title: 'an error with usage',
    spans: () => [chat({ statusCode: 2 })],
    rows: [{ ...priced, error_type: '_OTHER' }],
    metrics: { genai_call_errors_total: 1 },
  },
  {
    title: 'an unknown model',
    spans: () => [chat({ attributes: { 'gen_ai.request.model': 'never-heard-of' } })],
    rows: [{ cost_status: 'unpriced_model', cost_usd: null, model: 'never-heard-of', input_tokens: '1000' }],
    metrics: { genai_unpriced_tokens_total: 1100 },
  },
  {
    title: 'a model of another vendor',
    spans: () => [chat({ attributes: { 'gen_ai.provider.name': 'anthropic' } })],
    rows: [{ cost_status: 'unpriced_model', cost_usd: null, provider: 'anthropic' }],
  },
  {
    title: 'a cost that OpenRouter reports',
    spans: () => [chat({ attributes: reported(0.0123) })],
    rows: [
      {
        cost_status: 'reported',
        cost_usd: '0.012300000000',
        reported_cost_usd: '0.012300000000',
        reported_cost_source: 'gen_ai.usage.cost',
      },
    ],
  },
  {
    title: 'reported costs whose sum is more than a column of amounts holds',
    spans: () => [FIRST, SECOND].map((spanId) => chat({ spanId, attributes: reported(9e25) })),
    rows: [ABSURD, ABSURD],
  },
  {
    title: 'a reported cost that is more than a column of amounts holds, which is none',
    spans: () => [chat({ attributes: reported(1e26) })],
    rows: [{ ...priced, reported_cost_usd: null }],
  },
  {
    title: 'a negative reported cost, which is none',
    spans: () => [chat({ attributes: reported(-1) })],
    rows: [{ ...priced, reported_cost_usd: null }],
  },
  {
    title: 'NaN as a reported cost, which is none',
    spans: () => [chat({ attributes: reported(new DoubleValue(NaN)) })],
    rows: [{ ...priced, reported_cost_usd: null }],
  },
  {
    title: 'a cost that another provider reports, kept beside ours',
    spans: () => [chat({ attributes: { 'gen_ai.usage.cost': 0.0123 } })],
    rows: [{ ...priced, reported_cost_usd: '0.012300000000' }],
    metrics: { genai_cost_difference_usd_total: 0.0088 },
  },
  {
    title: 'a stream without usage',
    spans: () => [chat({ attributes: { ...NO_USAGE, 'gen_ai.request.stream': true } })],
    rows: [{ cost_status: 'missing_usage', cost_usd: null, streaming: true, usage_source: 'missing' }],
  },
  {
    title: 'a sampled trace',
    spans: () => [chat({ traceState: 'vendor=1,ot=th:c;rv:0123456789abcd' })],
    rows: [{ ...priced, sampling_ratio: 0.25 }],
    metrics: { genai_sampled_calls_total: 1 },
  },
  {
    title: 'a span that is not of GenAI, beside one that is',
    spans: () => [
      { ...chat({ spanId: SECOND }), attributes: { 'http.request.method': 'GET' } },
      chat({ spanId: FIRST }),
    ],
    rows: [{ span_id: FIRST, ...priced }],
    own: { spanmeter_receiver_skipped_spans: 1 },
  },
];

export const SPAN_CASES: readonly SpanCase[] = [...IDS, ...TIMES, ...COUNTS, ...TEXTS, ...BILLING];
