import assert from 'node:assert/strict';
import { createPriceBook, createPricer, OTHER_SPLITS, priceUsage } from '@spanmeter/processors';
import type { PricedLine } from '@spanmeter/processors';
import { callOf, GPT_4O, spanOf } from './spans.ts';

const price = createPricer();

const QUESTION = { id: 'q', provider: 'openai', model: 'gpt-4o', at: '2026-11-20T12:00:00Z' };

function ask(usage: object, more: object = {}): PricedLine {
  return price({ ...QUESTION, usage, ...more });
}

function outcome(usage: object, more: object = {}): string {
  const { status, costUsd } = ask(usage, more);
  return costUsd === null ? status : `${status} ${costUsd}`;
}

describe('counts', () => {
  const values: readonly (readonly [unknown, string])[] = [
    [1000, 'priced 0.002500000000'],
    ['1000', 'priced 0.002500000000'],
    [' 1000 ', 'priced 0.002500000000'],
    ['1e3', 'priced 0.002500000000'],
    ['1000.0', 'priced 0.002500000000'],
    [0, 'priced 0.000000000000'],
    [-0, 'priced 0.000000000000'],
    [2 ** 53 - 1, 'priced 22517998136.852477500000'],
    ['9007199254740991', 'priced 22517998136.852477500000'],
    [2 ** 53, 'invalid_usage'],
    ['9007199254740992', 'invalid_usage'],
    ['9007199254740991.5', 'invalid_usage'],
    [1e300, 'invalid_usage'],
    ['1e300', 'invalid_usage'],
    ['1e999999999', 'invalid_usage'],
    ['9'.repeat(100_000), 'invalid_usage'],
    [-1, 'invalid_usage'],
    ['-1', 'invalid_usage'],
    [10.5, 'invalid_usage'],
    ['10.5', 'invalid_usage'],
    ['NaN', 'invalid_usage'],
    [Number.NaN, 'invalid_usage'],
    ['Infinity', 'invalid_usage'],
    [Infinity, 'invalid_usage'],
    ['', 'invalid_usage'],
    ['many', 'invalid_usage'],
    ['0x10', 'invalid_usage'],
    ['1,000', 'invalid_usage'],
    ['１０', 'invalid_usage'],
    [true, 'invalid_usage'],
    [[1000], 'invalid_usage'],
    [{ value: 1000 }, 'invalid_usage'],
    [null, 'missing_usage'],
    [undefined, 'missing_usage'],
  ];
  for (const [value, expected] of values) {
    const shown = String(typeof value === 'string' ? JSON.stringify(value) : value).slice(0, 40);
    it(`${shown} are ${expected}`, () => {
      assert.equal(outcome({ input_tokens: value }), expected);
    });
  }

  const tooLarge: readonly object[] = [
    { input_tokens: 10, cache_read_tokens: 11 },
    { input_tokens: 10, cache_write_tokens: 11 },
    { input_tokens: 10, cache_read_tokens: 6, cache_write_tokens: 5 },
    { input_tokens: 10, cache_write_tokens: 4, cache_write_1h_tokens: 5 },
    { input_tokens: 10, input_audio_tokens: 11 },
    { input_tokens: 10, input_image_tokens: 11 },
    { input_tokens: 10, input_audio_tokens: 6, input_image_tokens: 5 },
    { input_tokens: 10, input_audio_tokens: 5, cache_read_tokens: 5, cache_read_audio_tokens: 6 },
    { input_tokens: 10, input_audio_tokens: 8, cache_read_tokens: 5, cache_read_audio_tokens: 6 },
    { input_tokens: 10, input_audio_tokens: 8, cache_read_tokens: 8, cache_read_audio_tokens: 5 },
    { input_tokens: 10, cache_read_audio_tokens: 5 },
    { output_tokens: 10, reasoning_tokens: 11 },
    { output_tokens: 10, output_audio_tokens: 11 },
    { output_tokens: 10, output_image_tokens: 11 },
    { output_tokens: 10, reasoning_tokens: 6, output_audio_tokens: 5 },
  ];
  for (const usage of tooLarge) {
    it(`of parts larger than their whole are invalid: ${JSON.stringify(usage)}`, () => {
      const answer = ask(usage, { inputIncludesCached: true, outputIncludesReasoning: true });
      assert.equal(answer.status, 'invalid_usage');
      assert.match(answer.reason ?? '', /larger than the whole/);
    });
  }

  it('whose sum is no exact count are invalid', () => {
    const usage = { input_tokens: 2 ** 53 - 1, cache_read_tokens: 1 };
    assert.equal(outcome(usage, { inputIncludesCached: false }), 'invalid_usage');
  });

  it('that include the cache and that do not come to the same price', () => {
    const claude = { provider: 'anthropic', model: 'claude-sonnet-4-5' };
    const parts = {
      cache_read_tokens: 1000,
      cache_write_tokens: 200,
      cache_write_1h_tokens: 50,
      output_tokens: 9,
    };
    const included = outcome({ input_tokens: 1500, ...parts }, { ...claude, inputIncludesCached: true });
    assert.equal(
      included,
      outcome({ input_tokens: 300, ...parts }, { ...claude, inputIncludesCached: false }),
    );
    // 300 x 3 + 1000 x 0.3 + 150 x 3.75 + 50 x 6 + 9 x 15
    assert.equal(included, 'priced 0.002197500000');
  });

  it('of reasoning apart from output are so where the API or the emitter says it', () => {
    const grok = { provider: 'x_ai', model: 'grok-4.5' };
    const apart = outcome({ input_tokens: 0, output_tokens: 10, reasoning_tokens: 40 }, grok);
    assert.equal(apart, outcome({ input_tokens: 0, output_tokens: 50 }, grok));
    const gemini = { provider: 'gcp.gemini', model: 'gemini-2.5-flash', outputIncludesReasoning: false };
    assert.equal(
      outcome({ input_tokens: 0, output_tokens: 30, reasoning_tokens: 20 }, gemini),
      outcome({ input_tokens: 0, output_tokens: 50 }, gemini),
    );
    assert.equal(outcome({ input_tokens: 0, output_tokens: 10, reasoning_tokens: 40 }), 'invalid_usage');
  });

  it('of reasoning are apart where the total of a span proves it', () => {
    const grok = {
      ...GPT_4O,
      'gen_ai.provider.name': 'xai',
      'gen_ai.request.model': 'grok-4.5',
      'gen_ai.usage.reasoning.output_tokens': 200,
    };
    const output = (total: number): number | null =>
      callOf(spanOf({ ...grok, 'gen_ai.usage.total_tokens': total })).outputTokens;
    assert.equal(output(1500), 500);
    assert.equal(output(1700), 700);
    assert.equal(output(1600), 500);
  });

  it('of a total alone are no usage, save for an embedding', () => {
    const { 'gen_ai.usage.input_tokens': _, 'gen_ai.usage.output_tokens': __, ...bare } = GPT_4O;
    assert.equal(callOf(spanOf({ ...bare, 'gen_ai.usage.total_tokens': 1500 })).costStatus, 'missing_usage');
  });
});

describe('cached tokens of an unknown kind', () => {
  const usage = { input_tokens: 1000, cache_read_tokens: 400, output_tokens: 0 };

  it('have no price where it depends on how they overlap', () => {
    const realtime = { model: 'gpt-realtime', inputIncludesCached: true };
    const answer = ask({ ...usage, input_audio_tokens: 700 }, realtime);
    assert.equal(answer.status, 'unpriced_dimension');
    assert.match(answer.reason ?? '', /overlap/);
    // 300 x 4 + 300 x 32 + 400 x 0.4, and 0 x 4 + 600 x 32 + 300 x 0.4 + 100 x 0.4
    const told = { ...usage, input_audio_tokens: 700, cache_read_audio_tokens: 400 };
    assert.equal(outcome(told, realtime), 'priced 0.010960000000');
    assert.equal(outcome({ ...told, cache_read_audio_tokens: 100 }, realtime), 'priced 0.019360000000');
    assert.equal(outcome({ ...usage, input_audio_tokens: 1000 }, realtime), 'priced 0.019360000000');
  });

  it('have one where every overlap costs the same', () => {
    const whole = outcome(usage);
    assert.equal(whole, 'priced 0.002000000000');
    // What a chat model sees is input, so it does not matter which of it was cached.
    for (const images of [0, 1, 300, 600, 601, 1000]) {
      assert.equal(outcome({ ...usage, input_image_tokens: images }), whole, String(images));
    }
  });

  it('have one where audio costs what text does, and images may have been written to the cache', () => {
    const price1 = { input_mtok: '2', cache_read_mtok: '1', cache_write_mtok: '3', output_mtok: '0' };
    const rates = { ...price1, input_audio_mtok: '2', cache_read_audio_mtok: '1' };
    const attrs = { 'tenantConfig.price': rates };
    const counts = { ...usage, input_audio_tokens: 500, cache_write_tokens: 200, input_image_tokens: 300 };
    assert.equal(outcome(counts, { attrs, inputIncludesCached: true }), 'priced 0.001800000000');
    const dearer = { 'tenantConfig.price': { ...rates, input_audio_mtok: '2.000001' } };
    assert.equal(outcome(counts, { attrs: dearer, inputIncludesCached: true }), 'unpriced_dimension');
  });

  it('keep the other ways with a call, so that it can be priced again', () => {
    const seen = {
      ...GPT_4O,
      'gen_ai.usage.cache_read.input_tokens': 400,
      'gen_ai.usage.image.input_tokens': 300,
    };
    const call = callOf(spanOf(seen));
    assert.equal(call.costStatus, 'priced');
    const others: unknown = JSON.parse(String(call.attributes[OTHER_SPLITS]));
    assert.deepEqual(others, call.usageAlternatives);
    assert.equal(callOf(spanOf(GPT_4O)).attributes[OTHER_SPLITS], undefined);
  });
});

describe('the instant of a price', () => {
  const forms = [
    '2026-08-16T16:00:00Z',
    '2026-08-16t16:00:00z',
    '2026-08-16 16:00:00Z',
    '2026-08-16T16:00Z',
    '2026-08-16T16Z',
    '2026-08-16T16:00:00.000Z',
    '2026-08-16T16:00:00,000000Z',
    '2026-08-16T16:00:00.000000999Z',
    '2026-08-17T00:00:00+08:00',
    '2026-08-17T00:00:00+0800',
    '2026-08-17T00:00+08',
    '2026-08-16T11:30:00-04:30',
    '20260816T160000Z',
    '20260817T000000+0800',
    ' 2026-08-16T16:00:00Z ',
  ];
  const flash = { provider: 'deepseek', model: 'deepseek-v4-flash' };
  for (const at of forms) {
    it(`is read from ${JSON.stringify(at)}`, () => {
      assert.equal(
        outcome({ input_tokens: 1_000_000, output_tokens: 0 }, { ...flash, at }),
        'priced 0.220000000000',
      );
    });
  }

  it('is not a microsecond early', () => {
    const before = { ...flash, at: '2026-08-16T15:59:59.999999999Z' };
    assert.equal(outcome({ input_tokens: 1_000_000, output_tokens: 0 }, before), 'priced 0.140000000000');
  });

  for (const at of [
    '2026-08-16T16:00:00',
    '2026-08-16T25:00:00Z',
    '2026-02-30',
    '2026-08-16T16:00:00+99:00',
    '16/08/2026',
    '1755360000',
    1755360000,
    null,
    '',
    'now',
  ]) {
    it(`is not guessed from ${JSON.stringify(at)}`, () => {
      const answer = ask({ input_tokens: 1 }, { at });
      assert.equal(answer.status, 'invalid_usage');
      assert.match(answer.reason ?? '', /at|date|instant/);
    });
  }

  it('before any price leaves the call without one, and says when prices begin', () => {
    const answer = ask(
      { input_tokens: 1 },
      { provider: 'deepseek', model: 'deepseek-flash', at: '2026-09-10T03:59:59Z' },
    );
    assert.equal(answer.status, 'unpriced_model');
    assert.match(
      answer.reason ?? '',
      /deepseek-flash at 2026-09-10T03:59:59Z.*begins at 2026-09-10T04:00:00Z/,
    );
  });
});

describe('the lines of a price', () => {
  it('name the rate, the factor, the period, the tier and whose price it is', () => {
    const [first] = ask(
      { input_tokens: 300_000, output_tokens: 0 },
      { model: 'gpt-5.5', attrs: { 'openai.response.service_tier': 'batch' } },
    ).lines;
    assert.equal(first?.factor, '0.5');
    assert.equal(first?.rate, '10');
    assert.match(first?.note ?? '', /from 272001 input tokens on, tier batch x 0.5/);
    const peak = ask(
      { input_tokens: 1_000_000, output_tokens: 0 },
      { provider: 'deepseek', model: 'deepseek-flash', at: '2026-11-18T01:00:00Z' },
    );
    assert.match(peak.lines[0]?.note ?? '', /since 2026-09-10T04:00:00Z, 01:00-04:00 UTC/);
    const own = ask({ input_tokens: 1 }, { attrs: { 'tenantConfig.price': { input_mtok: '1' } } });
    assert.match(own.lines[0]?.note ?? '', /own price/);
  });

  it('say which bucket has no rate', () => {
    assert.equal(ask({ input_tokens: 1, audio_seconds: 3 }).reason, 'no rate for audio_seconds');
  });
});

describe('a hostile line', () => {
  const deep = JSON.parse(`${'{"a":'.repeat(2000)}1${'}'.repeat(2000)}`) as object;
  const lines: readonly (readonly [string, unknown])[] = [
    ['nothing', undefined],
    ['null', null],
    ['a number', 7],
    ['text', 'gpt-4o'],
    ['a list', [QUESTION]],
    ['an empty object', {}],
    ['a count named as the prototype', { ...QUESTION, usage: JSON.parse('{"__proto__":1}') as object }],
    ['a count named constructor', { ...QUESTION, usage: { constructor: 1 } }],
    ['a provider that is a number', { ...QUESTION, provider: 5, usage: { input_tokens: 1 } }],
    ['a model that is an object', { ...QUESTION, model: {}, usage: { input_tokens: 1 } }],
    ['a tenant that is a list', { ...QUESTION, tenant: [], usage: { input_tokens: 1 } }],
    ['a flag that is text', { ...QUESTION, inputIncludesCached: 'false', usage: { input_tokens: 1 } }],
    ['attributes that are text', { ...QUESTION, attrs: 'x', usage: { input_tokens: 1 } }],
    ['usage that is a list', { ...QUESTION, usage: [1] }],
    ['deep usage', { ...QUESTION, usage: { input_tokens: deep } }],
    ['an unknown configuration', { ...QUESTION, usage: { input_tokens: 1 }, attrs: { 'tenantConfig.x': 1 } }],
    [
      'a price that is none',
      { ...QUESTION, usage: { input_tokens: 1 }, attrs: { 'tenantConfig.price': { input_mtok: -1 } } },
    ],
  ];
  for (const [what, line] of lines) {
    it(`is answered with a reason: ${what}`, () => {
      const answer = price(line);
      assert.equal(answer.status, 'invalid_usage');
      assert.equal(answer.costUsd, null);
      assert.ok((answer.reason ?? '').length > 3);
    });
  }

  it('does not change what the next one gets', () => {
    assert.equal(outcome({ input_tokens: 1000 }, { attrs: { deep, usage: deep } }), 'priced 0.002500000000');
    price({ ...QUESTION, provider: 'openrouter', usage: {}, attrs: { 'gen_ai.usage.cost': 9 } });
    assert.equal(
      outcome({ input_tokens: 1000 }, { provider: 'openrouter', model: 'openai/gpt-4o' }),
      'priced 0.002500000000',
    );
    assert.equal(({} as Record<string, unknown>)['usage'], undefined);
  });

  it('lends nothing by its prototype', () => {
    const line: unknown = JSON.parse('{"__proto__":{"usage":{"input_tokens":1}},"at":"2026-01-01"}');
    assert.equal(price(line).status, 'missing_usage');
  });

  it('keeps its id, whatever that is', () => {
    assert.equal(price({ id: 'x' }).id, 'x');
    assert.equal(price({ id: '' }).id, '');
    assert.equal(price({ id: 7 }).id, 7);
    assert.equal(price({ id: {} }).id, null);
    assert.equal(price([]).id, null);
  });
});

describe('a price asked for directly', () => {
  it('is the same for alternatives that agree, and none for those that do not', () => {
    const book = createPriceBook();
    const request = {
      provider: 'openai',
      responseModel: 'gpt-4o',
      requestModel: null,
      usage: { input: '10' },
      conditions: {},
      atMicros: 1_795_176_000_000_000n,
    };
    const status = (alternatives: readonly object[]): string =>
      priceUsage(book, { ...request, alternatives }).status;
    assert.equal(status([]), 'priced');
    assert.equal(status([{ input: '5', input_image: '5' }]), 'priced');
    assert.equal(status([{ input: '9' }]), 'unpriced_dimension');
    assert.equal(status([{ input: '10', audio_seconds: '1' }]), 'unpriced_dimension');
  });
});
