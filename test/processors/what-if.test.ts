import assert from 'node:assert/strict';
import {
  createTenantBooks,
  formatPico,
  priceWhatIf,
  whatIfProvider,
  withoutCache,
} from '@spanmeter/processors';
import type { StoredUse, WhatIf } from '@spanmeter/processors';

const book = createTenantBooks().shared;

function use(more: Partial<StoredUse> = {}): StoredUse {
  return {
    provider: 'openai',
    requestModel: null,
    responseModel: 'gpt-4o',
    operation: 'chat',
    usage: { input: '1000000', output: '0' },
    usageAlternatives: [],
    conditions: {},
    durationNanos: 1_000_000_000n,
    inputTokens: 1_000_000,
    outputTokens: 0,
    errorType: null,
    startedAtMicros: BigInt(Date.parse('2026-11-10T10:00:00Z')) * 1000n,
    costPicoUsd: 2_500_000_000_000n,
    ...more,
  };
}

function model(name: string, provider: string | null = null): WhatIf {
  return { kind: 'model', model: name, provider };
}

function usd(call: StoredUse, change: WhatIf): string {
  const { picoUsd, status, reason } = priceWhatIf(book, call, change);
  return picoUsd === null ? `${status}: ${reason}` : formatPico(picoUsd);
}

describe('a what-if of one call', () => {
  it('is priced at the instant of the call', () => {
    const at = (instant: string): string =>
      usd(
        use({ startedAtMicros: BigInt(Date.parse(instant)) * 1000n }),
        model('deepseek-v4-flash', 'deepseek'),
      );
    assert.equal(at('2026-08-16T15:59:59.999Z'), '0.140000000000');
    assert.equal(at('2026-08-16T16:00:00Z'), '0.220000000000');
  });

  it('keeps the conditions, but no region or host of another provider', () => {
    const flex = use({ conditions: { serviceTier: 'flex' } });
    assert.equal(usd(flex, model('gpt-5.5')), '5.000000000000');
    assert.equal(usd(flex, model('gpt-4o-mini')), 'unpriced_dimension: tier flex');
    const eu = use({ conditions: { region: 'eu', serverAddress: 'eu.api.openai.com' } });
    assert.equal(usd(eu, model('gpt-5.4-mini')), '0.825000000000');
    assert.equal(usd(eu, model('claude-sonnet-4-5', 'gcp.vertex_ai')), '6.000000000000');
  });

  it("is sold by the call's own provider if it sells the model, else by the model's vendor", () => {
    assert.equal(whatIfProvider(book, 'azure.ai.openai', model('gpt-4o-mini')), 'azure.ai.openai');
    assert.equal(whatIfProvider(book, 'openai', model('claude-haiku-4-5')), 'anthropic');
    assert.equal(whatIfProvider(book, 'aws.bedrock', model('gpt-4o')), 'openai');
    assert.equal(whatIfProvider(book, 'openai', model('gpt-4o', 'azure.ai.openai')), 'azure.ai.openai');
    assert.equal(whatIfProvider(book, 'openai', { kind: 'no_cache' }), 'openai');
  });

  it('has no price where a side that the other model charges for is unknown', () => {
    const half = use({ usage: { input: '1000000' }, outputTokens: null });
    assert.equal(usd(half, model('gpt-4o-mini')), 'missing_usage: one side of the tokens is unknown');
    assert.equal(usd({ ...half, errorType: 'timeout' }, model('gpt-4o-mini')), '0.150000000000');
    assert.equal(usd(half, model('text-embedding-3-small')), '0.020000000000');
    assert.equal(usd(use({ usage: {} }), model('gpt-4o-mini')), 'missing_usage: no usage');
  });

  it('moves only the cached tokens that the other model has no price for', () => {
    const cached = use({
      usage: { input: '0', cache_read: '1000000', cache_write_5m: '1000000', output: '0' },
    });
    // Reads at half the price, writes as input.
    assert.deepEqual(
      { ...priceWhatIf(book, cached, model('gpt-4o')) },
      { status: 'priced', picoUsd: 3_750_000_000_000n, reason: null, cacheAsInput: true },
    );
    // No price for reads either.
    assert.equal(usd(cached, model('gpt-4-turbo')), '20.000000000000');
    const claude = priceWhatIf(book, cached, model('claude-haiku-4-5'));
    assert.deepEqual([claude.picoUsd, claude.cacheAsInput], [1_350_000_000_000n, false]);
  });

  it('without a cache keeps the amount of a call that used none', () => {
    const odd = use({ costPicoUsd: 7n });
    assert.equal(usd(odd, { kind: 'no_cache' }), formatPico(7n));
    const cached = use({ usage: { input: '500000', cache_read: '500000', output: '0' }, costPicoUsd: 7n });
    assert.equal(usd(cached, { kind: 'no_cache' }), '2.500000000000');
  });

  it('counts cached tokens as what they are: audio as audio, all of them once', () => {
    assert.deepEqual(
      withoutCache({
        input: '1',
        cache_read: '20',
        cache_write_5m: '300',
        cache_write_1h: '4000',
        cache_read_audio: '50000',
        input_audio: '600000',
        output: '7',
      }),
      { input: '4321', input_audio: '650000', output: '7' },
    );
    assert.deepEqual(withoutCache({ cache_read: '9007199254740993' }), { input: '9007199254740993' });
    assert.deepEqual(withoutCache({ input: 'x', cache_read: '1' }), { input: 'x', cache_read: '1' });
    const none = { input: '1', cache_read: '0' };
    assert.equal(withoutCache(none), none);
  });
});
