import assert from 'node:assert/strict';
import { createNormalizer, storableText } from '@spanmeter/processors';
import type { AttributeValue, Call } from '@spanmeter/processors';
import { callOf, GPT_4O, groupOf, NOW_MS, NOW_NANOS, run, spanOf } from './spans.ts';

function normalized(...args: Parameters<typeof spanOf>): Call {
  const group = groupOf([spanOf(...args)]);
  run([group], createNormalizer());
  const [call] = group.calls;
  if (call == null) throw new Error('the span was rejected');
  return call;
}

const DAY = 86_400_000n * 1_000_000n;

describe('spans of what is no request to a model', () => {
  it('are not billable where only their name tells', () => {
    const attributes = { 'gen_ai.provider.name': 'anthropic', 'gen_ai.request.model': 'claude-haiku-4-5' };
    const status = (name: string): string => normalized(attributes, { name }).costStatus;
    for (const name of ['messages.batches.create', 'messages.batches.results', 'messages.count_tokens']) {
      assert.equal(status(`anthropic.${name}`), 'not_billable', name);
    }
    assert.equal(status('anthropic.sessions.create'), 'not_billable');
    assert.equal(status('anthropic.messages.create'), 'missing_usage');
  });
});

describe('the times of a call', () => {
  it('floors the start to microseconds without passing through a float', () => {
    const start = NOW_NANOS + 123_456_999n;
    assert.equal(normalized(GPT_4O, { startUnixNano: start }).startedAtMicros, start / 1000n);
  });

  it('takes the end for a span without a start, and says so', () => {
    const call = normalized(GPT_4O, { startUnixNano: 0n });
    assert.equal(call.timeSource, 'end');
    assert.equal(call.startedAtMicros, (NOW_NANOS + 1_500_000_000n) / 1000n);
    assert.equal(call.durationNanos, null);
  });

  it('has no duration where the end is before the start, and still a price', () => {
    const call = callOf(spanOf(GPT_4O, { endUnixNano: NOW_NANOS - 1n }));
    assert.equal(call.durationNanos, null);
    assert.equal(call.costStatus, 'priced');
  });

  it('rejects spans without times and out of range, and keeps their neighbours', () => {
    const group = groupOf([
      spanOf(GPT_4O, { startUnixNano: 0n, endUnixNano: 0n }),
      spanOf(GPT_4O, { startUnixNano: 1n }),
      spanOf(GPT_4O, { startUnixNano: NOW_NANOS - 90n * DAY }),
      spanOf(GPT_4O, { startUnixNano: NOW_NANOS - 90n * DAY - 1000n }),
      spanOf(GPT_4O, { startUnixNano: NOW_NANOS + DAY }),
      spanOf(GPT_4O, { startUnixNano: NOW_NANOS + DAY + 1000n }),
    ]);
    run([group], createNormalizer());
    assert.deepEqual(group.rejections, [
      { index: 0, reason: 'time_missing' },
      { index: 1, reason: 'time_out_of_range' },
      { index: 3, reason: 'time_out_of_range' },
      { index: 5, reason: 'time_out_of_range' },
    ]);
    assert.deepEqual(
      group.calls.map((call) => call === null),
      [true, true, false, true, false, true],
    );
  });

  it('goes by its own retention', () => {
    const group = groupOf([spanOf(GPT_4O, { startUnixNano: NOW_NANOS - DAY - 1000n })]);
    run([group], createNormalizer({ retentionMs: 86_400_000 }));
    assert.equal(group.rejections[0]?.reason, 'time_out_of_range');
    assert.equal(group.context.receivedUnixMs, NOW_MS);
  });
});

describe('the counts of a call', () => {
  const INPUT = 'gen_ai.usage.input_tokens';

  const read: readonly (readonly [string, AttributeValue, number])[] = [
    ['an integer', 1000, 1000],
    ['a bigint', 1000n, 1000],
    ['decimal text', '1000', 1000],
    ['decimal text with a zero fraction', '1000.0', 1000],
    ['an integral double', 1e3, 1000],
    ['zero', 0, 0],
    ['the largest exact integer', BigInt(Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER],
  ];
  for (const [what, value, count] of read) {
    it(`are read from ${what}`, () => {
      const call = normalized({ ...GPT_4O, [INPUT]: value });
      assert.equal(call.inputTokens, count);
      assert.equal(call.costStatus, 'unpriced_model');
    });
  }

  const invalid: readonly (readonly [string, AttributeValue, string])[] = [
    ['negative', -5, '-5'],
    ['fractional', 10.5, '10.5'],
    ['NaN', Number.NaN, 'NaN'],
    ['infinite', Infinity, 'Infinity'],
    ['above 2^53 - 1', 9_007_199_254_740_992n, '9007199254740992'],
    ['text that is no number', 'many', 'many'],
    ['a boolean', true, 'true'],
    ['a list', [1], 'not a number'],
  ];
  for (const [what, value, kept] of invalid) {
    it(`that are ${what} make invalid usage, and what was there is kept as text`, () => {
      const call = callOf(spanOf({ ...GPT_4O, [INPUT]: value }));
      assert.equal(call.costStatus, 'invalid_usage');
      assert.equal(call.inputTokens, null);
      assert.equal(call.outputTokens, 500);
      assert.equal(call.costPicoUsd, null);
      assert.deepEqual(call.usage, {});
      assert.equal(call.attributes[INPUT], kept);
    });
  }

  it('that contradict each other make invalid usage', () => {
    const call = callOf(spanOf({ ...GPT_4O, 'gen_ai.usage.reasoning_tokens': 501 }));
    assert.equal(call.costStatus, 'invalid_usage');
    assert.equal(call.outputTokens, 500);
  });

  it('split into disjoint buckets whose sum is all tokens', () => {
    const call = normalized({
      ...GPT_4O,
      'gen_ai.usage.cache_read.input_tokens': 300,
      'gen_ai.usage.cache_write.input_tokens': 200,
      'anthropic.usage.cache_creation.ephemeral_1h_input_tokens': 50,
      'gen_ai.usage.reasoning.output_tokens': 120,
    });
    assert.deepEqual(call.usage, {
      input: '500',
      cache_read: '300',
      cache_write_5m: '150',
      cache_write_1h: '50',
      output: '380',
      reasoning: '120',
    });
    assert.equal(call.inputTokens, 1000);
    assert.equal(call.outputTokens, 500);
    assert.equal(call.cacheWriteTokens, 200);
  });

  it('with more cached than input are exclusive, whoever sent them', () => {
    const call = normalized({ ...GPT_4O, 'gen_ai.usage.cache_read.input_tokens': 4000 });
    assert.equal(call.inputTokens, 5000);
    assert.deepEqual(call.usage, { input: '1000', cache_read: '4000', output: '500' });
  });

  it('mean what the emitter of that version means', () => {
    const attributes = {
      ...GPT_4O,
      'gen_ai.provider.name': 'anthropic',
      'gen_ai.request.model': 'claude-haiku-4-5',
      'gen_ai.usage.cache_read.input_tokens': 400,
    };
    const total = (name: string, version: string): number | null =>
      normalized(attributes, { scope: { name, version } }).inputTokens;
    assert.equal(total('com.anthropic.sdk.typescript', '1.11.0'), 1000);
    assert.equal(total('@traceloop/instrumentation-anthropic', '0.27.0'), 1400);
    assert.equal(total('@traceloop/instrumentation-anthropic', '0.28.0'), 1000);
    assert.equal(total('opentelemetry.instrumentation.anthropic', '0.50.0'), 1000);
    assert.equal(total('openlit.otel', '1.15.0'), 1400);
  });

  it('of cached audio are unpriced where the overlap is unknown, and exact where it is certain', () => {
    const audio = {
      ...GPT_4O,
      'gen_ai.request.model': 'gpt-realtime',
      'gen_ai.usage.cache_read.input_tokens': 400,
      'gen_ai.usage.audio.input_tokens': 700,
    };
    assert.equal(callOf(spanOf(audio)).costStatus, 'unpriced_dimension');
    const certain = normalized({ ...audio, 'gen_ai.usage.audio.input_tokens': 1000 });
    assert.deepEqual(certain.usage, {
      input: '0',
      cache_read_audio: '400',
      input_audio: '600',
      output: '500',
    });
    const told = normalized({ ...audio, 'gen_ai.usage.audio.cache_read.input_tokens': 100 });
    assert.deepEqual(told.usage, {
      input: '0',
      cache_read: '300',
      cache_read_audio: '100',
      input_audio: '600',
      output: '500',
    });
  });
});

describe('what a span is', () => {
  const cases: readonly (readonly [string, Parameters<typeof spanOf>, string, string])[] = [
    ['a chat', [GPT_4O], 'chat', 'unpriced_model'],
    [
      'an agent, which repeats its children',
      [{ ...GPT_4O, 'gen_ai.operation.name': 'invoke_agent' }],
      'invoke_agent',
      'not_billable',
    ],
    ['a tool', [{ 'gen_ai.operation.name': 'execute_tool' }], 'execute_tool', 'not_billable'],
    ['a workflow', [{ 'gen_ai.operation.name': 'invoke_workflow' }], 'workflow', 'not_billable'],
    ['a retrieval', [{ 'gen_ai.operation.name': 'retrieval' }], 'retrieval', 'not_billable'],
    [
      'an error that used nothing',
      [{ 'gen_ai.operation.name': 'chat' }, { statusCode: 2 }],
      'chat',
      'not_billable',
    ],
    ['an error that used something', [GPT_4O, { statusCode: 2 }], 'chat', 'unpriced_model'],
    [
      'a stream cut before its usage',
      [{ 'gen_ai.operation.name': 'chat', 'gen_ai.request.stream': true }],
      'chat',
      'missing_usage',
    ],
    [
      'a response that goes on in the background, whose usage comes with another span',
      [{ 'gen_ai.operation.name': 'chat', 'spanmeter.usage.deferred': true }],
      'chat',
      'not_billable',
    ],
    [
      'usage that is told after all',
      [{ ...GPT_4O, 'spanmeter.usage.deferred': true }],
      'chat',
      'unpriced_model',
    ],
    [
      'a name without an operation',
      [{ 'gen_ai.request.model': 'm' }, { name: 'embeddings m' }],
      'embeddings',
      'missing_usage',
    ],
    ['a dotted name', [{ 'gen_ai.request.model': 'm' }, { name: 'openai.chat' }], 'chat', 'missing_usage'],
    [
      'an unknown operation that used something',
      [{ ...GPT_4O, 'gen_ai.operation.name': 'Dream' }],
      'dream',
      'unpriced_model',
    ],
    [
      'an unknown operation that used nothing',
      [{ 'gen_ai.operation.name': 'dream' }],
      'dream',
      'not_billable',
    ],
    [
      'a span that tells nothing',
      [{ 'gen_ai.conversation.id': 'c' }, { name: 'work', kind: 1 }],
      'unknown',
      'not_billable',
    ],
  ];
  for (const [what, args, operation, status] of cases) {
    it(`is read from ${what}`, () => {
      const call = normalized(...args);
      assert.equal(call.operation, operation);
      assert.equal(call.costStatus, status);
    });
  }

  it('takes a Vertex host for Vertex, whose location has a price, whatever the SDK says', () => {
    const of = (provider: string, host: string): string => {
      const { 'gen_ai.provider.name': _, ...anonymous } = GPT_4O;
      const named = provider === '' ? {} : { 'gen_ai.provider.name': provider };
      const model = { 'gen_ai.request.model': 'gemini-3.5-flash', 'server.address': host };
      const call = callOf(spanOf({ ...anonymous, ...named, ...model }));
      return `${call.provider} ${call.costPicoUsd}`;
    };
    const regional = 'us-central1-aiplatform.googleapis.com';
    for (const provider of ['gcp.gemini', 'gcp.gen_ai', 'gcp.vertex_ai', 'openai', '']) {
      assert.equal(of(provider, regional), 'gcp.vertex_ai 6600000000', provider);
    }
    assert.equal(of('gcp.gemini', 'aiplatform.eu.rep.googleapis.com'), 'gcp.vertex_ai 6600000000');
    assert.equal(of('gcp.gemini', 'aiplatform.googleapis.com'), 'gcp.vertex_ai 6000000000');
    assert.equal(of('gcp.gen_ai', 'generativelanguage.googleapis.com'), 'gcp.gen_ai 6000000000');
  });

  it('names the provider by its host where an SDK was pointed elsewhere', () => {
    const at = (address: string): [string, unknown] => {
      const call = normalized({ ...GPT_4O, 'server.address': address });
      return [call.provider, call.attribution['provider']];
    };
    assert.deepEqual(at('api.groq.com'), ['groq', 'mapping']);
    assert.deepEqual(at('acme.openai.azure.com'), ['azure.ai.openai', 'mapping']);
    assert.deepEqual(at('https://openrouter.ai/api/v1'), ['openrouter', 'mapping']);
    assert.deepEqual(at('eu.api.openai.com'), ['openai', undefined]);
    assert.deepEqual(at('proxy.internal'), ['openai', undefined]);
    assert.deepEqual(at('notapi.groq.com.evil.example'), ['openai', undefined]);
  });

  it('reads finish reasons from lists and from text', () => {
    const reasons = (value: AttributeValue): readonly string[] | null =>
      normalized({ ...GPT_4O, 'gen_ai.response.finish_reasons': value }).finishReasons;
    assert.deepEqual(reasons(['stop']), ['stop']);
    assert.deepEqual(reasons(['stop', 'length']), ['stop', 'length']);
    assert.deepEqual(reasons('stop'), ['stop']);
    assert.deepEqual(reasons('["stop", "tool_calls"]'), ['stop', 'tool_calls']);
    assert.deepEqual(reasons("('end_turn',)"), ['end_turn']);
    assert.equal(reasons([]), null);
    assert.equal(reasons(Array.from({ length: 5000 }, () => 'x'.repeat(5000)))?.length, 16);
  });

  it('reads the time to the first token, which only streams have', () => {
    const call = normalized({ ...GPT_4O, 'gen_ai.response.time_to_first_chunk': 0.25 });
    assert.equal(call.ttftNanos, 250_000_000n);
    assert.equal(call.streaming, true);
    assert.equal(normalized({ ...GPT_4O, 'gen_ai.response.time_to_first_chunk': -1 }).ttftNanos, null);
  });

  it('bills the tier that served a call, and takes auto for none', () => {
    const tier = (request: string, response?: string): unknown =>
      normalized({
        ...GPT_4O,
        'openai.request.service_tier': request,
        ...(response === undefined ? {} : { 'openai.response.service_tier': response }),
      }).conditions.serviceTier;
    assert.equal(tier('priority', 'default'), 'default');
    assert.equal(tier('flex'), 'flex');
    assert.equal(tier('auto'), undefined);
    assert.equal(tier('auto', 'priority'), 'priority');
    assert.equal(tier('SERVICE_TIER_FLEX'), 'flex');
    assert.equal(tier('flex', 'ON_DEMAND'), 'on_demand');
    assert.equal(tier('flex', 'ON_DEMAND_PRIORITY'), 'priority');
    assert.equal(tier('flex', 'PROVISIONED_THROUGHPUT'), 'provisioned_throughput');
  });

  it('tells how many calls it stands for', () => {
    const ratio = (attributes: Record<string, AttributeValue>, traceState = ''): number | null =>
      normalized({ ...GPT_4O, ...attributes }, { traceState }).samplingRatio;
    assert.equal(ratio({}), null);
    assert.equal(ratio({}, 'ot=th:8'), 0.5);
    assert.equal(ratio({}, 'vendor=x, ot=rv:abcdef;th:c'), 0.25);
    assert.equal(ratio({}, 'ot=p:3;r:5'), 0.125);
    assert.equal(ratio({ SampleRate: 4 }), 0.25);
    assert.equal(ratio({ 'sampling.ratio': 0.1 }), 0.1);
    assert.equal(ratio({ 'sampling.ratio': 7 }), null);
    assert.equal(ratio({}, 'other=th:8'), null);
  });
});

describe('text that goes into rows', () => {
  it('loses NUL and lone surrogates, and is cut at a character', () => {
    assert.equal(storableText('a\u0000b', 256), 'ab');
    assert.equal(storableText('a\ud800b', 256), 'a\ufffdb');
    assert.equal(storableText('ééé', 5), 'éé');
    assert.equal(storableText('a😀', 4), 'a');
    assert.equal(storableText('a😀', 5), 'a😀');
    assert.equal(storableText('x'.repeat(1_000_000), 256).length, 256);
    assert.equal(storableText('plain', 5), 'plain');
  });

  it('is bounded in every field of a call', () => {
    const long = 'ü'.repeat(3000);
    const call = callOf(
      spanOf(
        {
          ...GPT_4O,
          'gen_ai.request.model': long,
          'gen_ai.response.model': long,
          'gen_ai.response.id': long,
          'gen_ai.provider.name': long,
          'gen_ai.operation.name': long,
          'error.type': long,
          'tenant.id': long,
          'user.id': long,
          'server.address': long,
        },
        { resource: { 'service.name': long }, scope: { name: long, version: long } },
      ),
    );
    for (const [name, value] of Object.entries(call)) {
      if (typeof value === 'string') assert.ok(Buffer.byteLength(value) <= 512, name);
    }
    assert.match(call.tenantId, /~[0-9a-f]{16}$/);
    assert.equal(Buffer.byteLength(call.userId ?? ''), 256);
    assert.equal(Buffer.byteLength(call.provider), 256);
  });

  it('is counted where an attribute was over the size limit', () => {
    const call = normalized(GPT_4O, { oversizedAttributes: 2 });
    assert.equal(call.attributes['spanmeter.oversized_attributes'], 2);
  });
});
