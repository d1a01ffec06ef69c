import assert from 'node:assert/strict';
import { accumulatePrices } from '@spanmeter/processors';
import type { PriceEntry, PriceList, PricePeriod } from '@spanmeter/processors';

const TODAY = '2026-11-21T00:00:00Z';
const LATER = '2026-12-05T00:00:00Z';

function list(...entries: PriceEntry[]): PriceList[] {
  return [{ seller: 'openai', entries }];
}

function at(input: string, more: Partial<PricePeriod> = {}): PricePeriod {
  return { ...more, rates: { input_mtok: input } };
}

function model(name: string, periods: PricePeriod[], aliases: string[] = []): PriceEntry {
  return { model: name, ...(aliases.length === 0 ? {} : { aliases }), periods };
}

/** The one entry of that name after the update. */
function updated(base: PriceList[], source: PriceList[], name: string, when = TODAY): PriceEntry | undefined {
  return accumulatePrices(base, source, when)[0]?.entries.find((entry) => entry.model === name);
}

describe('an update of the base prices', () => {
  it('closes a price that has changed at the day of the update and begins the new one there', () => {
    const found = updated(list(model('m', [at('2')])), list(model('m', [at('3')])), 'm');
    assert.deepEqual(found?.periods, [at('2', { to: TODAY }), at('3', { from: TODAY })]);
  });

  it('changes nothing where the source says the same, down to the bytes', () => {
    const base = list(model('m', [at('2', { to: '2026-01-01T00:00:00Z' }), at('3', { from: '2026-01-01' })]));
    const again = accumulatePrices(base, structuredClone(base), TODAY);
    assert.equal(JSON.stringify(again), JSON.stringify(base));
    const equalNeighbours = list(model('m', [at('2', { to: TODAY }), at('2', { from: TODAY })]));
    assert.equal(
      JSON.stringify(accumulatePrices(equalNeighbours, list(model('m', [at('2')])), LATER)),
      JSON.stringify(equalNeighbours),
    );
  });

  it('run again later with the same source adds nothing', () => {
    const source = list(model('m', [at('3')]), model('new', [at('1')]));
    const once = accumulatePrices(list(model('m', [at('2')])), source, TODAY);
    assert.deepEqual(accumulatePrices(once, source, LATER), once);
    assert.deepEqual(accumulatePrices(once, source, TODAY), once);
  });

  it('keeps every earlier change when a price changes again', () => {
    const once = accumulatePrices(list(model('m', [at('2')])), list(model('m', [at('3')])), TODAY);
    const twice = accumulatePrices(once, list(model('m', [at('2')])), LATER);
    assert.deepEqual(twice[0]?.entries[0]?.periods, [
      at('2', { to: TODAY }),
      at('3', { from: TODAY, to: LATER }),
      at('2', { from: LATER }),
    ]);
  });

  it('adds models and sellers that are new, and keeps those that are gone', () => {
    const base = list(model('gone', [at('2')], ['gone-latest']));
    const source = [
      ...list(model('new', [at('1')], ['new-latest'])),
      { seller: 'fresh', entries: [model('n', [at('9')])] },
    ];
    const merged = accumulatePrices(base, source, TODAY);
    assert.deepEqual(merged, [
      {
        seller: 'openai',
        entries: [model('gone', [at('2')], ['gone-latest']), model('new', [at('1')], ['new-latest'])],
      },
      { seller: 'fresh', entries: [model('n', [at('9')])] },
    ]);
    assert.deepEqual(accumulatePrices(base, [], TODAY), base);
  });

  it('dates a change of a tier, a window or a free price like any other', () => {
    const tier = (above: number): Partial<PricePeriod> => ({
      tiers: [{ above, rates: { input_mtok: '4' } }],
    });
    const found = updated(
      list(model('m', [at('2', tier(200_000))])),
      list(model('m', [at('2', tier(272_000))])),
      'm',
    );
    assert.deepEqual(found?.periods, [
      { to: TODAY, ...at('2', tier(200_000)) },
      { from: TODAY, ...at('2', tier(272_000)) },
    ]);
    const free = updated(list(model('m', [at('2')])), list(model('m', [{ free: true, rates: {} }])), 'm');
    assert.deepEqual(free?.periods, [at('2', { to: TODAY }), { from: TODAY, free: true, rates: {} }]);
  });

  it('takes the day that the source names for a change', () => {
    const cut = '2026-10-19T00:00:00Z';
    const found = updated(
      list(model('m', [at('2')])),
      list(model('m', [at('2', { to: cut }), at('3', { from: cut })])),
      'm',
    );
    assert.deepEqual(found?.periods, [at('2', { to: cut }), at('3', { from: cut })]);
  });

  it('lets no source rewrite a past that the base has dated', () => {
    const first = '2026-09-01T00:00:00Z';
    const base = list(model('m', [at('2', { to: first }), at('3', { from: first })]));
    const found = updated(base, list(model('m', [at('9', { to: first }), at('3', { from: first })])), 'm');
    assert.deepEqual(found?.periods, base[0]?.entries[0]?.periods);
    const reverted = updated(base, list(model('m', [at('2')])), 'm');
    assert.deepEqual(reverted?.periods, [
      at('2', { to: first }),
      at('3', { from: first, to: TODAY }),
      at('2', { from: TODAY }),
    ]);
  });

  it('takes announced prices, and takes them back when the source does', () => {
    const rise = '2027-01-01T00:00:00Z';
    const announced = list(model('m', [at('2', { to: rise }), at('3', { from: rise })]));
    const plain = list(model('m', [at('2')]));
    assert.deepEqual(accumulatePrices(plain, announced, TODAY), announced);
    assert.deepEqual(accumulatePrices(announced, plain, TODAY), plain);
  });

  it('gives a name that moves to another model a history of its own', () => {
    const base = list(model('large-2', [at('2')], ['large-2407', 'large-latest']));
    const source = list(
      model('large-2', [at('2')], ['large-2407']),
      model('large-3', [at('0.5')], ['large-latest']),
    );
    const merged = accumulatePrices(base, source, TODAY);
    assert.deepEqual(merged[0]?.entries, [
      model('large-2', [at('2')], ['large-2407']),
      model('large-3', [at('0.5')]),
      model('large-latest', [at('2', { to: TODAY }), at('0.5', { from: TODAY })]),
    ]);
    assert.deepEqual(accumulatePrices(merged, source, LATER), merged);
  });

  it('follows a model whose id has become another name of it', () => {
    const base = list(model('old-id', [at('2')], ['nick']));
    const source = list(model('new-id', [at('3')], ['nick', 'old-id']));
    assert.deepEqual(accumulatePrices(base, source, TODAY)[0]?.entries, [
      model('old-id', [at('2', { to: TODAY }), at('3', { from: TODAY })], ['new-id', 'nick']),
    ]);
  });

  it('adds the names that a known model has got', () => {
    const found = updated(
      list(model('m', [at('2')])),
      list(model('m', [at('2')], ['m-latest', 'm-2026'])),
      'm',
    );
    assert.deepEqual(found?.aliases, ['m-2026', 'm-latest']);
  });
});
