import assert from 'node:assert/strict';
import {
  checkBook,
  createPriceBook,
  createTenantBooks,
  diffBooks,
  parsePriceOverrides,
} from '@spanmeter/processors';
import type { BookFinding, PriceBook, PriceList } from '@spanmeter/processors';

const NO_OVERLAY = { entries: [], patches: [], resales: [], removals: [] };

function bookOf(entries: PriceList['entries'], file: object = {}): PriceBook {
  const { overrides, faults } = parsePriceOverrides(file);
  assert.deepEqual(faults, []);
  return createPriceBook({
    base: [{ seller: 'openai', entries }],
    overlay: NO_OVERLAY,
    layers: [overrides.operator],
  });
}

describe('the difference of two books', () => {
  const before = bookOf([
    { model: 'gone', periods: [{ rates: { input_mtok: '1' } }] },
    {
      model: 'm',
      aliases: ['old-name'],
      periods: [
        {
          rates: { input_mtok: '2.50', output_mtok: '10' },
          tiers: [{ above: 200_000, rates: { input_mtok: '5' } }],
          windows: [{ days: [1, 2], from: '01:00', to: '04:00', rates: { input_mtok: '7' } }],
          modifiers: [{ condition: 'tier', value: 'batch', multiply: '0.5' }],
        },
      ],
    },
    { model: 'same', periods: [{ rates: { input_mtok: '1.0' } }] },
  ]);
  const after = bookOf(
    [
      {
        model: 'm',
        aliases: ['new-name'],
        periods: [
          { from: '2026-07-01', rates: { input_mtok: '2' } },
          {
            to: '2026-07-01',
            rates: { input_mtok: '2.5', output_mtok: '12' },
            tiers: [{ above: 200_000, inclusive: true, rates: { input_mtok: '5' } }],
            windows: [{ days: [1, 2], from: '01:00', to: '04:00', rates: { input_mtok: '8' } }],
            modifiers: [{ condition: 'tier', value: 'batch', multiply: '0.4' }],
          },
        ],
      },
      { model: 'same', periods: [{ rates: { input_mtok: '1' } }] },
      { model: 'new', periods: [{ rates: { input_mtok: '3' } }] },
    ],
    {
      prices: [{ provider: 'openai', model: 'm', input_mtok: '1' }],
      deployments: [{ provider: 'azure', name: 'prod', model: 'm' }],
      discounts: [{ provider: 'openai', models: ['m*'], multiply: '0.9', from: '2026-07-01' }],
    },
  );

  it('names every rate, tier, window, condition, name and end that changed, and nothing that is the same', () => {
    const [gone, m, added, ...layers] = diffBooks(before, after);
    assert.deepEqual([gone?.kind, gone?.model], ['removed', 'gone']);
    assert.deepEqual([added?.kind, added?.model], ['added', 'new']);
    assert.equal(m?.kind, 'changed');
    assert.deepEqual(
      m.changes.map(({ from, what, before: left, after: right }) => [from, what, left, right]),
      [
        [null, 'valid to', 'open', '2026-07-01T00:00:00Z'],
        [null, 'output_mtok', '10', '12'],
        [null, 'input_mtok above 200000', '5', null],
        [null, 'input_mtok 01:00-04:00 on days 1,2', '7', '8'],
        [null, 'tier batch', 'x 0.5', 'x 0.4'],
        [null, 'name old-name', 'yes', null],
        [null, 'input_mtok from 200000', null, '5'],
        ['2026-07-01T00:00:00Z', 'valid to', null, 'open'],
        ['2026-07-01T00:00:00Z', 'input_mtok', null, '2'],
        [null, 'name new-name', null, 'yes'],
      ],
    );
    assert.deepEqual(
      layers.map((diff) => [diff.layer, diff.provider, diff.model, diff.changes.map((each) => each.after)]),
      [
        ['operator', 'azure.ai.openai', 'prod', ['m']],
        ['operator', 'openai', 'm', ['open', '1']],
        ['operator', 'openai', 'm*', ['x 0.9']],
      ],
    );
  });

  it('turned around says the opposite', () => {
    const there = diffBooks(before, after);
    const back = diffBooks(after, before);
    const opposite = { added: 'removed', removed: 'added', changed: 'changed' } as const;
    const kinds = (diffs: typeof there): Map<string, string> =>
      new Map(diffs.map((diff) => [`${diff.layer} ${diff.model}`, diff.kind]));
    const expected = new Map(there.map((diff) => [`${diff.layer} ${diff.model}`, opposite[diff.kind]]));
    assert.deepEqual(kinds(back), expected);
  });

  it('is nothing for a book and itself, and can be narrowed', () => {
    assert.deepEqual(diffBooks(after, after), []);
    const models = (filter: object): string[] => diffBooks(before, after, filter).map((diff) => diff.model);
    assert.deepEqual(models({ provider: 'azure_openai' }), ['prod']);
    assert.deepEqual(models({ model: 'N*' }), ['new']);
    assert.deepEqual(models({ provider: 'anthropic' }), []);
  });
});

const AT = Date.parse('2026-11-20T12:00:00Z') * 1000;

describe('the check of a book', () => {
  function findings(book: PriceBook, options = {}): [string, string, string][] {
    return checkBook(book, { atMicros: AT, ...options }).map(
      ({ level, code, model }: BookFinding): [string, string, string] => [level, code, model],
    );
  }

  it('has nothing to say of the book that ships', () => {
    assert.deepEqual(checkBook(createTenantBooks().shared, { atMicros: AT }), []);
  });

  it('finds stretches of time without a price, prices that ended and prices to come', () => {
    const rates = { input_mtok: '1' };
    const book = bookOf([
      {
        model: 'gap',
        periods: [
          { from: '2026-03-01', rates },
          { to: '2026-02-01', rates },
        ],
      },
      { model: 'ended', periods: [{ to: '2026-02-01', rates }] },
      { model: 'coming', periods: [{ from: '2027-02-01', rates }] },
      { model: 'never', periods: [{ from: '2026-02-01', to: '2026-01-01', rates }] },
      { model: 'fine', periods: [{ from: '2026-03-01', rates }, { rates }] },
    ]);
    assert.deepEqual(findings(book), [
      ['error', 'unreadable', 'never'],
      ['warning', 'gap', 'gap'],
      ['warning', 'expired', 'ended'],
      ['note', 'future', 'coming'],
    ]);
    const [never] = checkBook(book, { atMicros: AT });
    assert.match(never?.message ?? '', /from 2026-02-01T00:00:00Z to 2026-01-01T00:00:00Z, which is never/);
  });

  it("finds typing errors, deployments without a price and discounts of nothing in a layer of one's own", () => {
    const { overrides } = parsePriceOverrides({
      prices: [
        { provider: 'openai', model: 'gpt-4o-minii', input_mtok: '1' },
        { provider: 'openai', model: 'our-own-thing', input_mtok: '1' },
        { provider: 'openai', model: 'gpt-4o', input_mtok: '1', to: '2026-01-01' },
        { provider: 'vllm', model: 'llama', per_second: '1', to: '2026-01-01' },
      ],
      deployments: [
        { provider: 'azure', name: 'good', model: 'gpt-4o-2024-08-06' },
        { provider: 'azure', name: 'bad', model: 'gpt-4p' },
      ],
      discounts: [
        { provider: 'anthropic', models: ['claude-*', 'clod-*'], multiply: '0.9' },
        { provider: 'openai', models: ['gpt-4o-2024-08-06'], multiply: '0.9' },
      ],
      tenants: { acme: { prices: [{ provider: 'openai', model: 'gpt-4o-mnii', input_mtok: '1' }] } },
    });
    const books = createTenantBooks(overrides);
    assert.deepEqual(findings(books.shared), [
      ['error', 'deployment_without_price', 'bad'],
      ['warning', 'unknown_model', 'gpt-4o-minii'],
      ['warning', 'expired', 'llama'],
      ['warning', 'discount_of_nothing', 'clod-*'],
      ['note', 'expired', 'gpt-4o'],
    ]);
    assert.match(
      checkBook(books.shared, { atMicros: AT }).find((each) => each.code === 'unknown_model')?.message ?? '',
      /was gpt-4o-mini meant\?/,
    );
    assert.deepEqual(findings(books.of('acme'), { lastLayerOnly: true }), [
      ['warning', 'unknown_model', 'gpt-4o-mnii'],
    ]);
  });
});
