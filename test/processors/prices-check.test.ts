import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import {
  ACCEPTED_FINDINGS,
  BASE_PRICES,
  checkGolden,
  checkOverlay,
  compareWithMap,
  createPriceBook,
  createPricer,
  isFatal,
  newFindings,
  OVERLAY,
} from '@spanmeter/processors';
import type { Overlay, PriceFinding, PriceList } from '@spanmeter/processors';

const BASE: readonly PriceList[] = [
  {
    seller: 'openai',
    entries: [
      { model: 'm', periods: [{ rates: { input_mtok: '2', output_mtok: '8' } }] },
      { model: 'n', periods: [{ rates: { input_mtok: '1' } }] },
    ],
  },
];
const NOTHING: Overlay = { entries: [], patches: [], resales: [], removals: [] };
const REVIEWED = { source: 'a price page', reviewed: '2026-11-21' };

function found(overlay: Partial<Overlay>): [string, string][] {
  return checkOverlay(BASE, { ...NOTHING, ...overlay }).map(({ kind, subject }) => [kind, subject]);
}

function textOf(overlay: Partial<Overlay>): string {
  return checkOverlay(BASE, { ...NOTHING, ...overlay })
    .map(({ text }) => text)
    .join('\n');
}

describe('a check of the prices', () => {
  it('finds nothing new in the prices that ship', () => {
    const all = checkOverlay(BASE_PRICES, OVERLAY);
    assert.deepEqual(newFindings(all, ACCEPTED_FINDINGS), []);
    assert.notEqual(all.length, 0);
  });

  it('has no accepted difference that is there no more', () => {
    const all = checkOverlay(BASE_PRICES, OVERLAY);
    const stale = ACCEPTED_FINDINGS.filter(
      (accepted) => accepted.kind !== 'map' && newFindings(all, [accepted]).length === all.length,
    );
    assert.deepEqual(stale, []);
  });

  it('says which golden case is not met, and how', () => {
    const file = new URL('../../fixtures/prices.json', import.meta.url);
    const cases = JSON.parse(readFileSync(file, 'utf8')) as { expectedUsd: string }[];
    assert.deepEqual(checkGolden(cases, createPricer()), []);
    const wrong = { ...cases[0], id: 'first', expectedUsd: '1.000000000000' };
    const [finding] = checkGolden([wrong, ...cases.slice(1)], createPricer());
    assert.equal(finding?.kind, 'golden');
    assert.equal(finding?.subject, 'first');
    assert.match(finding?.text ?? '', /expected priced 1\.000000000000, got priced 0\.007500000000/);
    assert.equal(checkGolden([7], createPricer()).length, 1);
  });

  it('calls broken what has no source, no day, no price or no model', () => {
    const entry = { seller: 'openai', model: 'x', periods: [{ rates: { input_mtok: '1' } }], ...REVIEWED };
    const patch = { sellers: ['openai'], models: ['m'], modifiers: [], ...REVIEWED };
    assert.deepEqual(found({ entries: [entry], patches: [patch] }), []);
    assert.match(textOf({ entries: [{ ...entry, source: ' ' }] }), /has no source/);
    assert.match(textOf({ patches: [{ ...patch, reviewed: 'soon' }] }), /has no day of review/);
    assert.match(
      textOf({ entries: [{ ...entry, periods: [{ rates: { input_mtok: 'cheap' } }] }] }),
      /"cheap"/,
    );
    const backwards = [{ from: '2026-02-01', to: '2026-01-01', rates: {} }];
    assert.match(textOf({ entries: [{ ...entry, periods: backwards }] }), /ends before it begins/);
    assert.deepEqual(found({ patches: [{ ...patch, models: ['m', 'gone-*'] }] }), [
      ['broken', 'openai gone-*'],
    ]);
    assert.deepEqual(found({ removals: [{ seller: 'openai', models: ['gone'], ...REVIEWED }] }), [
      ['broken', 'openai gone'],
    ]);
    assert.deepEqual(found({ removals: [{ seller: 'openai', models: ['n'], ...REVIEWED }] }), []);
    assert.deepEqual(found({ resales: [{ seller: 'azure', of: 'openai', models: ['gone'], ...REVIEWED }] }), [
      ['broken', 'azure of openai gone'],
    ]);
  });

  it('lists every rate that differs at the same time, with both values and the source', () => {
    const periods = [{ to: '2026-01-01', rates: { input_mtok: '3', output_mtok: '8' } }];
    const entries = [{ seller: 'openai', model: 'm', periods, ...REVIEWED }];
    assert.deepEqual(found({ entries }), [['difference', 'openai m input_mtok']]);
    assert.match(textOf({ entries }), /2 in the base, 3 here at 2025-12-31T23:59:59.*\(a price page\)/);
  });

  it('calls redundant what the base has by now', () => {
    const periods = [{ from: '2026-01-01', rates: { input_mtok: '2', output_mtok: '8' } }];
    const entries = [{ seller: 'openai', model: 'm', periods, ...REVIEWED }];
    assert.deepEqual(found({ entries }), [['redundant', 'openai m']]);
    const tiers = [{ above: 200_000, rates: { input_mtok: '4' } }];
    const withTier = [{ ...entries[0]!, periods: [{ ...periods[0]!, tiers }] }];
    assert.deepEqual(found({ entries: withTier }), []);
  });

  it('calls shadowed a condition that never applies', () => {
    const batch = (multiply: string) => ({ condition: 'tier', value: 'batch', multiply }) as const;
    const patch = (models: string[], multiply: string) => ({
      sellers: ['openai'],
      models,
      modifiers: [batch(multiply)],
      ...REVIEWED,
    });
    assert.deepEqual(found({ patches: [patch(['m'], '0.5'), patch(['*'], '0.4')] }), []);
    assert.deepEqual(found({ patches: [patch(['*'], '0.5'), patch(['m'], '0.4')] }), [
      ['shadowed', 'openai m tier batch'],
    ]);
  });

  it('stops a release for golden cases and broken entries alone', () => {
    const kinds: PriceFinding['kind'][] = ['golden', 'broken', 'redundant', 'shadowed', 'difference'];
    const fatal = kinds.filter((kind) => isFatal({ kind, subject: '', text: '' }));
    assert.deepEqual(fatal, ['golden', 'broken']);
  });

  it('keeps quiet about what is accepted, by kind and subject', () => {
    const finding: PriceFinding = { kind: 'difference', subject: 'openai m input_mtok', text: '' };
    const accept = (kind: 'difference' | 'map', subject: string) => [{ kind, subject, reason: 'known' }];
    assert.deepEqual(newFindings([finding], accept('difference', 'openai m *')), []);
    assert.deepEqual(newFindings([finding], accept('map', 'openai m *')), [finding]);
    assert.deepEqual(newFindings([finding], accept('difference', 'openai n *')), [finding]);
  });
});

describe('a comparison with another table', () => {
  const book = createPriceBook({
    base: [
      {
        seller: 'openai',
        entries: [
          {
            model: 'm',
            periods: [
              {
                rates: { input_mtok: '0.30002', output_mtok: '8' },
                tiers: [{ above: 200_000, rates: { input_mtok: '4' } }],
                modifiers: [{ condition: 'tier', value: 'batch', multiply: '0.5' }],
              },
            ],
          },
        ],
      },
    ],
    overlay: NOTHING,
  });
  const AT = '2026-11-20T12:00:00Z';

  function compared(fields: string): ReturnType<typeof compareWithMap> {
    return compareWithMap(book, `{"openai/m": {"litellm_provider": "openai", ${fields}}}`, AT);
  }

  it('takes a number for the decimal that a double stands for', () => {
    const { sellers, differences } = compared('"input_cost_per_token": 3.0001999999999996e-07');
    assert.deepEqual(differences, []);
    assert.deepEqual(sellers.get('openai'), { agree: 1, differ: 0, partly: 0, unknown: 0 });
    assert.equal(compared('"input_cost_per_token": 3.00021e-07').differences.length, 1);
  });

  it('asks for modes and context tiers as the book would be asked', () => {
    const fine = compared(
      '"input_cost_per_token_above_200k_tokens": 4e-06, "output_cost_per_token_batches": 0.000004',
    );
    assert.deepEqual(fine.differences, []);
    const off = compared('"input_cost_per_token_above_200k_tokens_batches": 4e-06');
    assert.deepEqual(off.differences, [
      {
        kind: 'map',
        subject: 'openai openai/m input_cost_per_token_above_200k_tokens_batches',
        theirs: '0.004000000000',
        ours: '0.002000000000',
        reason: null,
      },
    ]);
  });

  it('tells a price that is missing from one that differs, and both from an unknown model', () => {
    assert.deepEqual(compared('"input_cost_per_token_flex": 1e-06').sellers.get('openai')?.partly, 1);
    assert.deepEqual(compared('"output_cost_per_token": 1e-06').sellers.get('openai')?.differ, 1);
    const other = '{"x": {"litellm_provider": "openai", "input_cost_per_token": 1e-06}}';
    assert.equal(compareWithMap(book, other, AT).sellers.get('openai')?.unknown, 1);
  });

  it('leaves out sellers, models and prices that it cannot ask for', () => {
    const text = `{
      "sample_spec": {"litellm_provider": "openai", "input_cost_per_token": 1},
      "moon/m": {"litellm_provider": "moon", "input_cost_per_token": 1},
      "m": {"litellm_provider": "openai", "input_cost_per_token": 0, "output_cost_per_second": 3},
      "list": []
    }`;
    const { sellers, differences } = compareWithMap(book, text, AT);
    assert.equal(sellers.size, 0);
    assert.deepEqual(differences, []);
  });

  it('refuses what is no table', () => {
    assert.throws(() => compareWithMap(book, '[1, 2]', AT), /no JSON object/);
    assert.throws(() => compareWithMap(book, '{', AT));
  });
});
