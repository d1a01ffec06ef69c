import assert from 'node:assert/strict';
import {
  createAttribution,
  createCost,
  createCountOnce,
  createNormalizer,
  createUsageEstimator,
  encodingOf,
  estimateKeys,
  tokensOfSize,
  WANTED_KEYS,
  type Call,
  type ContentPart,
  type GenAiSpan,
  type TokenCounter,
} from '@spanmeter/processors';
import { groupOf, run, spanOf, type AttributeRecord } from './spans.ts';

const CHAT: AttributeRecord = {
  'gen_ai.operation.name': 'chat',
  'gen_ai.provider.name': 'openai',
  'gen_ai.request.model': 'gpt-4o',
};

/** 440 letters in and 44 out: 100 and 10 tokens. */
const CHARACTERS: AttributeRecord = {
  'spanmeter.usage.estimate.input_characters': 440,
  'spanmeter.usage.estimate.output_characters': 44,
};

/** One token for each character, so that what was counted shows. */
const COUNTER: TokenCounter = { begin() {}, count: (_encoding, text) => text.length };

interface Options {
  readonly mode?: 'off' | 'characters' | 'content';
  readonly counter?: TokenCounter;
}

function callsOf(spans: readonly GenAiSpan[], { mode = 'content', counter = COUNTER }: Options = {}): Call[] {
  const group = groupOf(spans);
  const estimator = mode === 'off' ? {} : { estimator: createUsageEstimator(mode, counter) };
  run([group], createNormalizer(), createAttribution(), createCountOnce(), createCost(estimator));
  return group.calls.filter((call) => call !== null);
}

function callOf(
  attributes: AttributeRecord,
  options: Options & { content?: Record<string, string> } = {},
): Call {
  const parts: ContentPart[] = Object.entries(options.content ?? {}).map(([key, text]) => ({
    key,
    bytes: Buffer.byteLength(text),
    text: (maxBytes) => text.slice(0, maxBytes),
  }));
  const span = spanOf({ ...CHAT, ...attributes }, { content: { parts, complete: true } });
  return callsOf([span], options)[0]!;
}

function brief({ costStatus, usageSource, usage, costPicoUsd }: Call): unknown {
  return [costStatus, usageSource, usage, costPicoUsd];
}

describe('an estimate of missing usage', () => {
  it('is made by nobody who did not ask for it: the call stays missing_usage without a cost', () => {
    const call = callOf(CHARACTERS, { mode: 'off', content: { 'gen_ai.prompt.0.content': 'hello' } });
    assert.deepEqual(brief(call), ['missing_usage', 'missing', {}, null]);
    assert.deepEqual(call.attributes, {});
    assert.deepEqual(estimateKeys('off'), { keys: [], content: { keys: [], prefixes: [] } });
    assert.ok(!WANTED_KEYS.keys.some((key) => key.startsWith('spanmeter.usage.estimate.')));
  });

  it('comes from character counts, is priced as any usage, and says what it is', () => {
    const call = callOf(CHARACTERS, { mode: 'characters' });
    // 100 x 2.50 and 10 x 10 USD per million.
    assert.deepEqual(brief(call), ['priced', 'estimated', { input: '100', output: '10' }, 350_000_000n]);
    assert.deepEqual([call.inputTokens, call.outputTokens], [100, 10]);
    assert.deepEqual(call.attributes, {
      'spanmeter.usage.estimate': 'characters',
      'spanmeter.usage.estimate.sides': 'input,output',
    });
  });

  it('counts digits, punctuation and CJK apart from letters, and Claude by its own rate', () => {
    const size = { characters: 640, symbols: 100, wide: 100 };
    assert.equal(tokensOfSize(size, 'openai', 'gpt-4o'), 230);
    assert.equal(tokensOfSize(size, 'openai', 'gpt-4-turbo'), Math.ceil(440 / 4.3 + 50 + 115));
    assert.equal(tokensOfSize(size, 'anthropic', 'claude-haiku-4-5'), Math.ceil((230 * 4) / 3.5));
    for (const later of [
      'claude-opus-4-7',
      'claude-opus-4-10-20261001',
      'claude-sonnet-5',
      'claude-opus-5',
    ]) {
      assert.equal(tokensOfSize(size, 'anthropic', later), Math.ceil(((230 * 4) / 3.5) * 1.3), later);
    }
    assert.equal(tokensOfSize(size, 'anthropic', 'claude-opus-4-20250514'), Math.ceil((230 * 4) / 3.5));
  });

  it('uses a public tokenizer only for the models that it is the tokenizer of', () => {
    const named = (model: string): string | null => encodingOf('openai', model);
    for (const model of ['gpt-4o-mini', 'gpt-4.1', 'gpt-5.2', 'o3', 'o4-mini', 'ft:gpt-4o:acme::1']) {
      assert.equal(named(model), 'o200k_base', model);
    }
    for (const model of ['gpt-4', 'gpt-4-turbo', 'gpt-3.5-turbo', 'text-embedding-3-large']) {
      assert.equal(named(model), 'cl100k_base', model);
    }
    for (const model of ['davinci-002', 'gpt-9', 'o3x', 'whisper-1']) assert.equal(named(model), null, model);
    assert.equal(encodingOf('anthropic', 'gpt-4o'), null);
  });

  it('counts recorded content by the tokenizer, in every way that it is recorded', () => {
    const input = JSON.stringify([
      { role: 'system', parts: [{ type: 'text', content: 'abcde' }] },
      { role: 'user', parts: [{ type: 'text', content: '12345"\n' }] },
    ]);
    const output = JSON.stringify([
      { role: 'assistant', parts: [{ type: 'text', content: 'xyz' }], finish_reason: 'stop' },
    ]);
    const ways: Record<string, string>[] = [
      { 'gen_ai.input.messages': input, 'gen_ai.output.messages': output },
      {
        'gen_ai.prompt.0.role': 'system',
        'gen_ai.prompt.0.content': 'abcde',
        'gen_ai.prompt.1.role': 'user',
        'gen_ai.prompt.1.content': '12345"\n',
        'gen_ai.completion.0.role': 'assistant',
        'gen_ai.completion.0.content': 'xyz',
      },
      {
        'llm.input_messages.0.message.role': 'system',
        'llm.input_messages.0.message.content': 'abcde',
        'llm.input_messages.1.message.role': 'user',
        'llm.input_messages.1.message.contents.0.message_content.type': 'text',
        'llm.input_messages.1.message.contents.0.message_content.text': '12345"\n',
        'llm.output_messages.0.message.content': 'xyz',
      },
      {
        'input.value': JSON.stringify({
          model: 'gpt-4o',
          messages: [
            { role: 'system', content: 'abcde' },
            { role: 'user', content: [{ type: 'text', text: '12345"\n' }] },
          ],
        }),
        'output.value': JSON.stringify({
          id: 'chatcmpl-1',
          object: 'chat.completion',
          choices: [{ message: { role: 'assistant', content: 'xyz' } }],
        }),
      },
    ];
    for (const content of ways) {
      const call = callOf({}, { content });
      // Twelve characters, four tokens around each of two messages, three before the answer.
      assert.deepEqual([call.inputTokens, call.outputTokens], [12 + 8 + 3, 3], Object.keys(content)[0]);
      assert.equal(call.attributes['spanmeter.usage.estimate'], 'tokenizer:o200k_base');
    }
  });

  it('takes the first way alone where a span says everything twice', () => {
    const messages = JSON.stringify([{ role: 'user', content: 'abcd' }]);
    const once = callOf(CHARACTERS, { content: { 'gen_ai.input.messages': messages } });
    const twice = callOf(CHARACTERS, {
      content: {
        'gen_ai.input.messages': messages,
        'input.value': 'abcd',
        'gen_ai.prompt.0.content': 'abcd',
      },
    });
    assert.equal(once.inputTokens, 11);
    assert.equal(twice.inputTokens, 11);
  });

  it('reads tool calls with their arguments, and leaves out ids, roles and types', () => {
    const parts = [
      { type: 'tool_call', id: 'call_0123456789', name: 'find', arguments: { q: 'tea', n: 12 } },
    ];
    const output = JSON.stringify([{ role: 'assistant', parts }]);
    const call = callOf(CHARACTERS, { content: { 'gen_ai.output.messages': output } });
    assert.equal(call.outputTokens, 'find'.length + 'q'.length + 'tea'.length + 'n'.length + '12'.length);
  });

  it('takes text that only looks like JSON for what it is', () => {
    for (const text of ['{not json', '[1, 2, 3]', '{"a": 1}', '[[[[', '"', '{"a":']) {
      const call = callOf(CHARACTERS, { content: { 'gen_ai.completion.0.content': text } });
      assert.equal(call.outputTokens, text.length, text);
    }
  });

  it('is not made where images, audio or files are a part of it, or a part was left out', () => {
    for (const part of [
      { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
      { type: 'blob', mime_type: 'image/png', content: 'iVBORw0KGgo=' },
      { type: 'text', text: 'data:image/png;base64,iVBORw0KGgo=' },
    ]) {
      const call = callOf(CHARACTERS, {
        content: { 'gen_ai.input.messages': JSON.stringify([{ role: 'user', content: [part] }]) },
      });
      assert.deepEqual(brief(call), ['missing_usage', 'missing', {}, null], part.type);
    }
    const cut = spanOf(
      { ...CHAT, ...CHARACTERS },
      {
        content: { parts: [{ key: 'gen_ai.prompt.0.content', bytes: 2, text: () => 'hi' }], complete: false },
      },
    );
    assert.equal(callsOf([cut])[0]!.costStatus, 'missing_usage');
  });

  it('goes by characters where no tokenizer is public, or the batch has had its share of work', () => {
    const content = {
      'gen_ai.prompt.0.content': 'a'.repeat(440),
      'gen_ai.completion.0.content': 'b'.repeat(44),
    };
    const claude = { 'gen_ai.provider.name': 'anthropic', 'gen_ai.request.model': 'claude-haiku-4-5' };
    const call = callOf(claude, { content });
    assert.deepEqual([call.inputTokens, call.outputTokens], [Math.ceil(400 / 3.5), Math.ceil(40 / 3.5)]);
    assert.equal(call.attributes['spanmeter.usage.estimate'], 'characters');
    const tired = callOf({}, { content, counter: { begin() {}, count: () => null } });
    assert.deepEqual([tired.outputTokens, tired.attributes['spanmeter.usage.estimate']], [10, 'characters']);
  });

  it('completes the missing side alone and never changes what was reported', () => {
    const reported = { 'gen_ai.usage.input_tokens': 7, 'gen_ai.usage.cache_read.input_tokens': 3 };
    const call = callOf({ ...CHARACTERS, ...reported }, { mode: 'characters' });
    assert.deepEqual(call.usage, { input: '4', cache_read: '3', output: '10' });
    assert.deepEqual([call.costStatus, call.usageSource, call.inputTokens], ['priced', 'estimated', 7]);
    assert.equal(call.attributes['spanmeter.usage.estimate.sides'], 'output');
    const whole = callOf({ ...CHARACTERS, ...reported, 'gen_ai.usage.output_tokens': 2 });
    assert.deepEqual([whole.usageSource, whole.outputTokens, whole.attributes], ['reported', 2, {}]);
  });

  it('keeps reported parts of a side: cached tokens inside, reasoning on top', () => {
    const call = callOf({
      ...CHARACTERS,
      'gen_ai.usage.cache_read.input_tokens': 30,
      'gen_ai.usage.reasoning.output_tokens': 5,
    });
    assert.deepEqual(call.usage, { input: '70', cache_read: '30', output: '10', reasoning: '5' });
    assert.deepEqual([call.inputTokens, call.outputTokens], [100, 15]);
  });

  it('is not made where one side cannot be known, for errors, or for operations without such tokens', () => {
    const input = { 'spanmeter.usage.estimate.input_characters': 44 };
    assert.deepEqual(brief(callOf(input)), ['missing_usage', 'missing', {}, null]);
    assert.equal(callOf({ ...CHARACTERS, 'error.type': '500' }).costStatus, 'not_billable');
    const cut = { ...CHARACTERS, 'error.type': 'timeout', 'gen_ai.usage.input_tokens': 10 };
    assert.equal(callOf(cut).usageSource, 'reported');
    assert.equal(callOf({ ...CHARACTERS, 'gen_ai.operation.name': 'speech' }).costStatus, 'missing_usage');
    for (const wrong of [-1, 1.5, Number.NaN, 1e300, 'many', true]) {
      const bad = { ...CHARACTERS, 'spanmeter.usage.estimate.input_characters': wrong };
      assert.equal(callOf(bad).costStatus, 'missing_usage', String(wrong));
    }
  });

  it('is not made where the provider says what it charged', () => {
    const router = { 'gen_ai.provider.name': 'openrouter', 'gen_ai.usage.cost': 0.25 };
    const call = callOf({ ...CHARACTERS, ...router });
    assert.deepEqual([call.costStatus, call.usageSource], ['reported', 'missing']);
    assert.equal(call.costPicoUsd, 250_000_000_000n);
  });

  it('needs only the input of an embedding, and prices nothing that has no price', () => {
    const embedding = {
      'gen_ai.operation.name': 'embeddings',
      'gen_ai.request.model': 'text-embedding-3-large',
    };
    const call = callOf({ ...embedding, 'spanmeter.usage.estimate.input_characters': 430 });
    assert.deepEqual([call.costStatus, call.usage], ['priced', { input: '100' }]);
    const unknown = callOf({ ...CHARACTERS, 'gen_ai.request.model': 'house-blend' });
    assert.deepEqual(
      [unknown.costStatus, unknown.usageSource, unknown.costPicoUsd],
      ['unpriced_model', 'estimated', null],
    );
  });

  it('is never made for a span around a call that tells its usage, nor for one inside of it', () => {
    const usage = { 'gen_ai.usage.input_tokens': 10, 'gen_ai.usage.output_tokens': 5 };
    const trace = { traceId: 'a'.repeat(32) };
    const nested = (outer: AttributeRecord, inner: AttributeRecord): Call[] =>
      callsOf([
        spanOf({ ...CHAT, ...outer }, { ...trace, spanId: '1'.repeat(16) }),
        spanOf({ ...CHAT, ...inner }, { ...trace, spanId: '2'.repeat(16), parentSpanId: '1'.repeat(16) }),
      ]);
    const sources = (calls: Call[]): string[] => calls.map((call) => call.usageSource);
    assert.deepEqual(sources(nested(CHARACTERS, usage)), ['missing', 'reported']);
    assert.deepEqual(sources(nested(usage, CHARACTERS)), ['reported', 'missing']);
    assert.deepEqual(sources(nested(CHARACTERS, CHARACTERS)), ['missing', 'estimated']);
  });

  it('scales content past its bound by what was read, and ends with any depth and length', () => {
    const long = callOf(
      {},
      { content: { 'gen_ai.prompt.0.content': 'a'.repeat(1_000_000), 'gen_ai.completion.0.content': '' } },
    );
    assert.equal(long.inputTokens, 1_000_007);
    for (const text of [
      '['.repeat(200_000),
      '{"content":'.repeat(20_000),
      '\\'.repeat(100_000),
      '["'.repeat(90_000),
    ]) {
      const call = callOf({}, { content: { 'gen_ai.input.messages': text, 'gen_ai.output.messages': text } });
      assert.equal(call.usageSource, 'estimated');
    }
  });
});
