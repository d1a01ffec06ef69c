import assert from 'node:assert/strict';
import { backtest, backtestMonthEnds } from '@spanmeter/collector/dist/forecast/backtest.js';
import { seededTenants } from '@spanmeter/collector/dist/forecast/seeded-spend.js';
import { createTimeSeriesModel } from '@spanmeter/collector/dist/forecast/time-series-model.js';
import { SILENT_LOG } from '@spanmeter/collector/dist/pipeline/silent.js';

describe('back-test of forecasts', () => {
  const model = createTimeSeriesModel(SILENT_LOG);
  const seeded = seededTenants();

  it('uses the same data at every run', () => {
    assert.deepEqual(seededTenants(), seeded);
    assert.notDeepEqual(seededTenants(2), seeded);
    assert.ok(seeded.length >= 12 && seeded.every(({ days }) => days.length >= 60));
  });

  it('has 14-day sums within 15 % on the mean of tenants, and better than naive forecasts', () => {
    const { total } = backtest(seeded, model);
    assert.ok(total.model.mape <= 0.15, `MAPE ${total.model.mape}`);
    assert.ok(total.model.mape < total.runRate.mape && total.model.mape < total.lastWeek.mape);
    assert.ok(total.model.mape < total.flatMean.mape);
    for (const coverage of [total.model.sumCoverage, total.model.dayCoverage]) {
      assert.ok(coverage >= 0.75 && coverage <= 0.9, `coverage ${coverage}`);
    }
  });

  it('does so on other draws of the same habits, and its fallback stays within 20 %', () => {
    const { total } = backtest(seededTenants(7), model, 14);
    assert.ok(total.model.mape <= 0.15, `MAPE ${total.model.mape}`);
    assert.ok(
      total.model.sumCoverage >= 0.75 && total.model.sumCoverage <= 0.92,
      `${total.model.sumCoverage}`,
    );
    assert.ok(total.runRate.mape <= 0.2, `fallback's MAPE ${total.runRate.mape}`);
    assert.ok(total.runRate.sumCoverage >= 0.65 && total.runRate.sumCoverage <= 0.95);
  });

  it('falls back to run-rate forecasts where the library fails', () => {
    const { total } = backtest(seeded.slice(0, 3), () => null, 21);
    assert.deepEqual(total.model, total.runRate);
  });

  it('forecasts the month the better, the more of it is over', () => {
    const scores = backtestMonthEnds(seeded.slice(0, 4), model);
    assert.deepEqual(
      scores.map(({ day }) => day),
      [5, 10, 15, 20, 25],
    );
    assert.ok(scores.at(-1)!.mape < scores[0]!.mape && scores[0]!.mape < 0.15, JSON.stringify(scores));
  });
});
