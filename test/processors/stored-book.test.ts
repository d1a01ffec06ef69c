import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  createPriceBook,
  createPricer,
  createTenantBooks,
  parentVersion,
  parsePriceOverrides,
  priceBookFromContent,
  priceUsage,
} from '@spanmeter/processors';
import type { Conditions, PriceBook, PriceRequest, TenantBooks, UsageBucket } from '@spanmeter/processors';

const file = new URL('../../fixtures/prices.json', import.meta.url);
const cases = JSON.parse(readFileSync(file, 'utf8')) as readonly object[];

const { overrides, faults } = parsePriceOverrides({
  currencies: { EUR: [{ from: '2026-01-01', usd: '1.1' }] },
  prices: [
    { provider: 'openai', model: 'gpt-4o', from: '2026-07-01', input_mtok: '2', output_mtok: '8' },
    { provider: 'vllm', model: 'llama', per_second: '0.00042', currency: 'EUR', from: '2026-01-01' },
  ],
  deployments: [{ provider: 'azure', name: 'prod', model: 'gpt-4o', from: '2026-02-01', to: '2026-08-01' }],
  discounts: [
    { provider: 'anthropic', models: ['claude-haiku-4-5'], multiply: '0.9' },
    { provider: 'openai', models: ['gpt-4o-mini'], rates: { input_mtok: '0.1' }, from: '2026-03-01' },
    {
      provider: 'openai',
      models: ['gpt-4.1'],
      subtract: { output_mtok: '1' },
      currency: 'EUR',
      from: '2026-01-01',
    },
  ],
  tenants: {
    acme: {
      prices: [{ provider: 'openai', model: 'gpt-4o', input_mtok: '1', output_mtok: '4' }],
      discounts: [{ provider: 'openai', multiply: '0.5' }],
    },
  },
});

/** The books of a store, made again from nothing but their texts. */
function rebuilt(books: TenantBooks): TenantBooks {
  const shared = priceBookFromContent(books.shared.content(), { version: books.shared.version });
  const acme = books.of('acme');
  const own =
    acme === books.shared
      ? shared
      : priceBookFromContent(acme.content(), { version: acme.version, parent: books.shared.content() });
  return {
    shared,
    of: (tenant) => (tenant === 'acme' ? own : shared),
    tenants: own === shared ? [] : ['acme'],
  };
}

let state = 20261121;
function pick(below: number): number {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return (((mixed ^ (mixed >>> 14)) >>> 0) % 2 ** 31) % below;
}

const BUCKETS: readonly UsageBucket[] = [
  'input',
  'cache_read',
  'cache_write_5m',
  'output',
  'reasoning',
  'images',
];
const CONDITIONS: readonly Conditions[] = [
  {},
  { serviceTier: 'flex' },
  { batch: true },
  { region: 'eu' },
  { serviceTier: 'priority', region: 'us-central1' },
  { inferenceGeo: 'us' },
];
const PROVIDERS: Readonly<Record<string, string>> = { google: 'gcp.vertex_ai', azure: 'azure.ai.openai' };

function randomRequest(names: readonly (readonly [string, string])[]): PriceRequest {
  const [seller, model] = names[pick(names.length)]!;
  const usage: Partial<Record<UsageBucket, string>> = {};
  for (let i = 0; i <= pick(4); i++) usage[BUCKETS[pick(BUCKETS.length)]!] = String(pick(400_000));
  return {
    provider: PROVIDERS[seller] ?? seller,
    responseModel: pick(10) === 0 ? `${model}-2026-01-01` : model,
    requestModel: null,
    usage,
    conditions: CONDITIONS[pick(CONDITIONS.length)]!,
    atMicros: BigInt(Date.UTC(2024 + pick(4), pick(12), 1 + pick(28), pick(24))) * 1000n,
    lines: pick(20) === 0,
  };
}

function namesOf(book: PriceBook): (readonly [string, string])[] {
  return [...book.lists.values()].flatMap((list) =>
    [...list.byName.keys()].map((name) => [list.seller, name] as const),
  );
}

describe('a stored price book', () => {
  const books = createTenantBooks(overrides);
  const again = rebuilt(books);

  it('is made of prices without a fault', () => assert.deepEqual(faults, []));

  it('made again has the same version, content and names', () => {
    for (const tenant of ['', 'acme']) {
      const [before, after] = [books.of(tenant), again.of(tenant)];
      assert.equal(after.version, before.version);
      assert.equal(after.content(), before.content());
      assert.equal(after.source, before.source);
      for (const [seller, list] of before.lists) {
        const other = after.lists.get(seller)!;
        const ids = (names: typeof list): string[] =>
          [...names.byName].map(([name, entry]) => `${name} ${entry.model}`).toSorted();
        assert.deepEqual(ids(other), ids(list), seller);
      }
    }
  });

  it("keeps a name with the entry that it leads to, even where it is another entry's id", () => {
    const priced = (input: string) => [{ rates: { input_mtok: input } }];
    const book = createPriceBook({
      base: [{ seller: 'openai', entries: [{ model: 'taken', periods: priced('1') }] }],
      overlay: {
        entries: [
          {
            seller: 'openai',
            model: 'taker',
            aliases: ['taken'],
            periods: priced('2'),
            source: 'a test',
            reviewed: '2026-11-20',
          },
        ],
        patches: [],
        resales: [],
        removals: [],
      },
    });
    const made = priceBookFromContent(book.content(), { version: book.version });
    for (const each of [book, made]) assert.equal(each.match('openai', 'taken')?.model, 'taker');
  });

  it('prices every golden case as the book did that was stored', () => {
    const shipped = createTenantBooks();
    const before = createPricer({ books: shipped });
    const after = createPricer({ books: rebuilt(shipped) });
    for (const each of cases) assert.deepEqual(after(each), before(each));
  });

  it('prices 10,000 random calls of the shared book and of a tenant as they did', () => {
    const names = [
      ...namesOf(books.shared),
      ['openai', 'gpt-4o'],
      ['anthropic', 'claude-haiku-4-5'],
    ] as const;
    const statuses = new Set<string>();
    for (let i = 0; i < 10_000; i++) {
      const tenant = i % 2 === 0 ? '' : 'acme';
      const request = randomRequest(names);
      const expected = priceUsage(books.of(tenant), request);
      assert.deepEqual(priceUsage(again.of(tenant), request), expected);
      statuses.add(expected.status);
    }
    assert.deepEqual([...statuses].toSorted(), ['priced', 'unpriced_dimension', 'unpriced_model']);
  });

  it('names the version that it extends, and needs its content', () => {
    const acme = books.of('acme');
    assert.equal(parentVersion(acme.content()), books.shared.version);
    assert.equal(parentVersion(books.shared.content()), null);
    assert.throws(() => priceBookFromContent(acme.content()), /extends [0-9a-f]{64}, which is missing/);
    const other = createTenantBooks().shared.content();
    assert.throws(() => priceBookFromContent(acme.content(), { parent: other }), /has been changed/);
  });

  it('is refused where a single letter of it was changed', () => {
    const { version } = books.shared;
    const changed = books.shared.content().replace('"0.15"', '"0.16"');
    assert.notEqual(changed, books.shared.content());
    assert.throws(() => priceBookFromContent(changed, { version }), /has been changed: its digest is/);
  });

  it('is refused with a reason where it cannot be read', () => {
    const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
    const refused: readonly (readonly [string, RegExp])[] = [
      ['', /no JSON/],
      ['[]', /it is no object/],
      ['{"format":2,"layers":[],"lists":[]}', /format 2, which this version cannot read/],
      ['{"format":1,"layers":[]}', /"lists" is no list/],
      ['{"format":1,"layers":[{}],"lists":[]}', /"prices" of a layer is no list/],
      [
        '{"format":1,"layers":[],"lists":[{"seller":"x","entries":[{"model":3}]}]}',
        /a model of x is no text/,
      ],
      [
        '{"format":1,"layers":[],"lists":[{"seller":"x","entries":[{"model":"m","periods":[{"rates":{"input_mtok":"a"}}]}]}]}',
        /x m: "a" of input_mtok is not a price/,
      ],
      [
        '{"format":1,"layers":[],"lists":[{"seller":"x","entries":[{"model":"m","periods":[{"from":"yesterday","rates":{}}]}]}]}',
        /x m: "yesterday" is not an instant/,
      ],
      // The right digest of a text that no collector writes.
      ['{"lists":[],"layers":[],"format":1,"source":null}', /not in its canonical form/],
    ];
    for (const [text, reason] of refused) {
      assert.throws(() => priceBookFromContent(text, { version: digest(text) }), reason, text);
    }
    assert.throws(() => priceBookFromContent(' '.repeat(17 * 1024 * 1024)), /at most 16777216 characters/);
  });
});
