import assert from 'node:assert/strict';
import {
  createPriceBook,
  createTenantBooks,
  formatPico,
  mergeOverrides,
  parsePriceOverrides,
  priceUsage,
} from '@spanmeter/processors';
import type { PriceBook, PriceOverrides, PriceResult, Usage } from '@spanmeter/processors';

const MILLION: Usage = { input: '1000000' };

function read(file: object): PriceOverrides {
  const { overrides, faults } = parsePriceOverrides(file);
  assert.deepEqual(faults, []);
  return overrides;
}

const bookOf = (file: object): PriceBook => createPriceBook({ layers: [read(file).operator] });

interface Question {
  readonly at?: string;
  readonly usage?: Usage;
  readonly lines?: boolean;
  readonly serviceTier?: string;
  readonly durationNanos?: bigint;
}

function ask(book: PriceBook, provider: string, model: string, more: Question = {}): PriceResult {
  return priceUsage(book, {
    provider,
    responseModel: model,
    requestModel: null,
    usage: more.usage ?? MILLION,
    conditions: more.serviceTier === undefined ? {} : { serviceTier: more.serviceTier },
    atMicros: BigInt(Date.parse(more.at ?? '2026-11-20T12:00:00Z')) * 1000n,
    durationNanos: more.durationNanos ?? null,
    lines: more.lines === true,
  });
}

/** USD without the zeros at the end; null where there is no price. */
function usd(result: PriceResult): string | null {
  return result.costPicoUsd === null ? null : String(Number(formatPico(result.costPicoUsd)));
}

describe('a discount', () => {
  it('in per cent is the exact factor', () => {
    const file = { discounts: [{ provider: 'openai', percent: '12.5' }] };
    assert.equal(read(file).operator.discounts[0]?.multiply, '0.875');
    assert.equal(usd(ask(bookOf(file), 'openai', 'gpt-4o')), '2.1875');
    assert.equal(read({ discounts: [{ percent: 100 }] }).operator.discounts[0]?.multiply, '0');
  });

  it('without a provider, or with *, holds for all of them', () => {
    for (const scope of [{}, { provider: '*' }]) {
      const book = bookOf({ discounts: [{ ...scope, models: ['gpt-4o', 'claude-*'], multiply: '0.5' }] });
      assert.equal(usd(ask(book, 'openai', 'gpt-4o')), '1.25');
      assert.equal(usd(ask(book, 'anthropic', 'claude-haiku-4-5')), '0.5');
      assert.equal(usd(ask(book, 'openai', 'gpt-4o-mini')), '0.15');
    }
  });

  it('that frees something makes it priced at zero, for a while or for ever', () => {
    const book = bookOf({
      discounts: [{ provider: 'openai', free: true, from: '2026-07-01', to: '2026-08-01' }],
    });
    assert.equal(ask(book, 'openai', 'gpt-4o', { at: '2026-07-31T23:59:59.999Z' }).status, 'priced');
    assert.equal(usd(ask(book, 'openai', 'gpt-4o', { at: '2026-07-31T23:59:59.999Z' })), '0');
    assert.equal(usd(ask(book, 'openai', 'gpt-4o', { at: '2026-08-01T00:00:00Z' })), '2.5');
  });

  it('in absolute rates stands for the listed ones, in tiers and windows and with batch, too', () => {
    const price = {
      provider: 'openai',
      model: 'mine',
      input_mtok: '4',
      output_mtok: '8',
      tiers: [{ above: 1_000_000, input_mtok: '6', output_mtok: '12' }],
      conditions: [
        { tier: 'batch', multiply: '0.5' },
        { tier: 'priority', input_mtok: '9', output_mtok: '18' },
      ],
    };
    const book = bookOf({ prices: [price], discounts: [{ models: ['mine'], rates: { input_mtok: '3' } }] });
    assert.equal(usd(ask(book, 'openai', 'mine')), '3');
    assert.equal(usd(ask(book, 'openai', 'mine', { usage: { input: '2000000', output: '1000000' } })), '18');
    assert.equal(usd(ask(book, 'openai', 'mine', { serviceTier: 'batch' })), '1.5');
    // Listed at 9 of 4, so 6.75 of 3: a mode's own rates follow as a factor would.
    assert.equal(usd(ask(book, 'openai', 'mine', { serviceTier: 'priority' })), '6.75');
    // A rate that the list does not have is not added: that is what an entry of prices is for.
    const perSecond = bookOf({ discounts: [{ provider: 'openai', rates: { per_second: '1' } }] });
    const answer = ask(perSecond, 'openai', 'gpt-4o', { durationNanos: 1_000_000_000n });
    assert.equal(usd(answer), '2.5');
  });

  it('changes a mode alike, whether the list has rates or a factor for it, in a long context too', () => {
    const book = bookOf({
      discounts: [
        { provider: 'openai', models: ['gpt-5.4', 'gpt-5'], rates: { input_mtok: '1' } },
        { provider: 'openai', models: ['gpt-5.5'], subtract: { input_mtok: '9' } },
      ],
    });
    const batch = { serviceTier: 'batch' };
    assert.equal(usd(ask(book, 'openai', 'gpt-5', { ...batch, usage: { input: '1000' } })), '0.0005');
    assert.equal(usd(ask(book, 'openai', 'gpt-5.4', { ...batch, usage: { input: '1000' } })), '0.0005');
    assert.equal(usd(ask(book, 'openai', 'gpt-5.4', { ...batch, usage: { input: '300000' } })), '0.15');
    assert.equal(usd(ask(book, 'openai', 'gpt-5.5', { ...batch, usage: { input: '1000' } })), '0');
  });

  it('off a rate never makes it negative, and says in the lines that it was negotiated', () => {
    const book = bookOf({
      discounts: [{ provider: 'openai', subtract: { input_mtok: '0.1', output_mtok: '99' } }],
    });
    const answer = ask(book, 'openai', 'gpt-4o', {
      usage: { input: '1000000', output: '1000000' },
      lines: true,
    });
    assert.equal(usd(answer), '2.4');
    assert.deepEqual(
      answer.lines.map(({ rate, note }) => [rate, note]),
      [
        ['2.4', 'negotiated'],
        ['0', 'negotiated'],
      ],
    );
  });

  it("of the operator changes what lies below it and not a tenant's own price, unless it is a factor", () => {
    const { operator, tenants } = read({
      discounts: [{ provider: 'openai', rates: { input_mtok: '2' } }],
      tenants: { acme: { prices: [{ provider: 'openai', model: 'gpt-4o', input_mtok: '7' }] } },
    });
    const own = createPriceBook({ layers: [operator, tenants.get('acme')!] });
    assert.equal(usd(ask(own, 'openai', 'gpt-4o')), '7');
    assert.equal(usd(ask(own, 'openai', 'gpt-4o-mini')), '2');
  });
});

describe('a price in another currency', () => {
  const currencies = {
    EUR: [
      { from: '2026-01-01', usd: '1.08' },
      { from: '2026-07-01T00:00:00Z', usd: '1.10' },
    ],
  };
  const price = { provider: 'vllm', model: 'm', currency: 'EUR', input_mtok: '0.333333333333333333' };
  const book = bookOf({ prices: [price], currencies });

  it('is converted exactly at the rate of the instant, and the lines say so', () => {
    const answer = ask(book, 'vllm', 'm', { at: '2026-06-30T23:59:59.999Z', lines: true });
    assert.equal(answer.lines[0]?.rate, '0.35999999999999999964');
    assert.equal(answer.lines[0]?.note, 'own price, since 2026-01-01T00:00:00Z, EUR x 1.08');
    assert.equal(formatPico(answer.costPicoUsd ?? 0n), '0.360000000000');
    assert.equal(usd(ask(book, 'vllm', 'm', { at: '2026-07-01T00:00:00Z' })), '0.366666666667');
  });

  it('is none before the first rate, and never the list price instead', () => {
    const own = bookOf({ prices: [{ ...price, provider: 'openai', model: 'gpt-4o' }], currencies });
    const answer = ask(own, 'openai', 'gpt-4o', { at: '2025-12-31T23:59:59Z' });
    assert.deepEqual([answer.status, answer.reason], ['unpriced_model', 'no rate of EUR at that time']);
  });

  it("of a tenant goes by the tenant's own rates, or by the operator's where it has none", () => {
    const { operator, tenants } = read({
      currencies,
      tenants: {
        own: { prices: [price], currencies: { EUR: [{ usd: '2' }] } },
        other: { prices: [{ ...price, input_mtok: '1' }] },
      },
    });
    const of = (tenant: string): PriceBook => createPriceBook({ layers: [operator, tenants.get(tenant)!] });
    assert.equal(usd(ask(of('own'), 'vllm', 'm')), '0.666666666667');
    assert.equal(usd(ask(of('other'), 'vllm', 'm')), '1.1');
  });
});

describe('a deployment', () => {
  const ARN = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123';
  const file = {
    deployments: [
      { provider: 'azure', name: 'chat', model: 'gpt-4o-mini', to: '2026-07-01' },
      { provider: 'azure', name: 'Chat', model: 'gpt-4o', from: '2026-07-01' },
      { provider: 'azure', name: 'trial', model: 'gpt-4o', from: '2026-07-01', to: '2026-08-01' },
      { provider: 'bedrock', name: ARN, model: 'anthropic.claude-haiku-4-5-20251001-v1:0' },
      { provider: 'azure', name: 'claude', model: 'claude-haiku-4-5', model_provider: 'anthropic' },
    ],
  };
  const book = bookOf(file);
  const AZURE = 'azure.ai.openai';

  it('that was pointed elsewhere means what it meant at the time', () => {
    const before = ask(book, AZURE, 'chat', { at: '2026-06-30T23:59:59Z' });
    const after = ask(book, AZURE, 'CHAT', { at: '2026-07-01T00:00:00Z' });
    assert.deepEqual([before.model, usd(before)], ['gpt-4o-mini', '0.15']);
    assert.deepEqual([after.model, usd(after)], ['gpt-4o', '2.5']);
  });

  it('is an unknown model outside its time, and without an instant what it is last', () => {
    assert.equal(ask(book, AZURE, 'trial', { at: '2026-07-15T00:00:00Z' }).model, 'gpt-4o');
    assert.equal(ask(book, AZURE, 'trial', { at: '2026-08-01T00:00:00Z' }).status, 'unpriced_model');
    assert.equal(book.match(AZURE, 'chat')?.model, 'gpt-4o');
  });

  it('can be the ARN of an application inference profile', () => {
    assert.equal(
      ask(book, 'aws.bedrock', ARN).model,
      ask(book, 'aws.bedrock', file.deployments[3]!.model).model,
    );
    assert.equal(ask(book, 'aws.bedrock', ARN.replace('abc123', 'abc124')).status, 'unpriced_model');
  });

  it("can have the prices of another provider's list", () => {
    assert.equal(usd(ask(book, AZURE, 'claude')), usd(ask(book, 'anthropic', 'claude-haiku-4-5')));
  });
});

describe('a deployment on a gateway', () => {
  it('has the prices that the other provider has for its own callers', () => {
    const book = bookOf({
      deployments: [
        { provider: 'my-gw', name: 'flash', model: 'gemini-2.0-flash', model_provider: 'gcp.vertex_ai' },
        { provider: 'my-gw', name: 'flash-api', model: 'gemini-2.0-flash', model_provider: 'gcp.gemini' },
      ],
    });
    assert.equal(usd(ask(book, 'my-gw', 'flash')), '0.15');
    assert.equal(usd(ask(book, 'my-gw', 'flash-api')), '0.1');
  });
});

describe("a condition of one's own price", () => {
  const mine = (more: object): object => ({
    provider: 'openai',
    model: 'mine',
    input_mtok: '4',
    cache_read_mtok: '1',
    output_mtok: '8',
    ...more,
  });
  const refused = (condition: object): readonly string[] =>
    parsePriceOverrides({ prices: [mine({ conditions: [condition] })] }).faults.map(
      ({ path, message }) => `${path} ${message}`,
    );

  it('can have factors of single rates, and tiers of its own, as the shipped lists do', () => {
    const book = bookOf({
      prices: [
        mine({
          tiers: [{ above: 1_000_000, input_mtok: '6' }],
          conditions: [
            { tier: 'flex', multiply: '0.5', factors: { cache_read_mtok: '1' } },
            { tier: 'batch', input_mtok: '2', tiers: [{ above: 1_000_000, input_mtok: '2.5' }] },
          ],
        }),
      ],
    });
    const flex = { serviceTier: 'flex', usage: { input: '500000', cache_read: '500000' } };
    assert.equal(usd(ask(book, 'openai', 'mine', flex)), '1.5');
    assert.equal(usd(ask(book, 'openai', 'mine', { serviceTier: 'batch' })), '2');
    const long = { serviceTier: 'batch', usage: { input: '2000000' } };
    assert.equal(usd(ask(book, 'openai', 'mine', long)), '5');
  });

  it('that changes nothing, or says two things, is a fault', () => {
    assert.match(refused({ tier: 'batch' })[0] ?? '', /^prices\[0\]\.conditions\[0\] changes no price/);
    assert.match(
      refused({ tier: 'batch', input_mtok: '1', factors: { input_mtok: '2' } })[0] ?? '',
      /the same thing twice/,
    );
    assert.match(
      refused({ tier: 'batch', multiply: '1', tiers: [{ above: 1, input_mtok: '1' }] })[0] ?? '',
      /need/,
    );
    assert.deepEqual(refused({ tier: 'batch', multiply: '1' }), []);
  });

  it('stands beside the least seconds of audio that are billed', () => {
    const price = { provider: 'vllm', model: 'ears', audio_hour: '3.6', least_seconds: 10 };
    const book = bookOf({ prices: [price] });
    assert.equal(usd(ask(book, 'vllm', 'ears', { usage: { audio_seconds: '3' } })), '0.01');
    assert.equal(usd(ask(book, 'vllm', 'ears', { usage: { audio_seconds: '11' } })), '0.011');
    const { faults } = parsePriceOverrides({ prices: [{ ...price, least_seconds: 1.5 }] });
    assert.equal(faults[0]?.path, 'prices[0].least_seconds');
  });
});

describe('entries of files and database together', () => {
  const price = (usdPerMillion: string, from?: string): object => ({
    prices: [
      {
        provider: 'openai',
        model: 'gpt-4o',
        input_mtok: usdPerMillion,
        ...(from === undefined ? {} : { from }),
      },
    ],
  });

  it('are one layer: the one that began last applies, and of two that begin at once the stored one', () => {
    const told: string[] = [];
    const file = read(price('1', '2026-07-01'));
    const merged = mergeOverrides(file, read(price('2', '2026-07-01')), ({ kind, what }) =>
      told.push(`${kind} ${what}`),
    );
    const at = (overrides: PriceOverrides, day: string): string | null =>
      usd(
        ask(createPriceBook({ layers: [overrides.operator] }), 'openai', 'gpt-4o', {
          at: `${day}T00:00:00Z`,
        }),
      );
    assert.equal(at(merged, '2026-07-02'), '2');
    assert.deepEqual(told, ['price openai gpt-4o']);
    const later = mergeOverrides(file, read(price('3', '2026-08-01')));
    assert.deepEqual([at(later, '2026-07-31'), at(later, '2026-08-01')], ['1', '3']);
    const earlier = mergeOverrides(file, read(price('4')));
    assert.deepEqual([at(earlier, '2026-06-30'), at(earlier, '2026-07-01')], ['4', '1']);
  });

  it('keep tenants apart', () => {
    const file = read({ tenants: { acme: price('1') } });
    const stored = read({
      tenants: { globex: price('2') },
      discounts: [{ provider: 'openai', multiply: '0.5' }],
    });
    const books = createTenantBooks(mergeOverrides(file, stored));
    const of = (tenant: string): string | null => usd(ask(books.of(tenant), 'openai', 'gpt-4o'));
    assert.deepEqual([of('acme'), of('globex'), of('other')], ['0.5', '1', '1.25']);
  });

  it('of the database replace a discount of the file, whose factor would apply twice', () => {
    const discount = (multiply: string): PriceOverrides =>
      read({ discounts: [{ provider: 'openai', multiply }] });
    const { operator } = mergeOverrides(discount('0.5'), discount('0.9'));
    assert.equal(usd(ask(createPriceBook({ layers: [operator] }), 'openai', 'gpt-4o')), '2.25');
  });
});

describe('a self-hosted model', () => {
  it('can be priced by second, token and request at once', () => {
    const price = { provider: 'vllm', model: 'm', per_second: '0.01', input_mtok: '1', requests_k: '5' };
    const answer = ask(bookOf({ prices: [price] }), 'vllm', 'm', { durationNanos: 1_500_000_000n });
    assert.equal(usd(answer), '1.02');
  });
});
