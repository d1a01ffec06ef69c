import assert from 'node:assert/strict';
import { cleanSeries } from '@spanmeter/collector/dist/forecast/clean-series.js';
import { forecastDays } from '@spanmeter/collector/dist/forecast/daily-forecast.js';
import type { DailyForecast } from '@spanmeter/collector/dist/forecast/daily-forecast.js';
import { runRate } from '@spanmeter/collector/dist/forecast/run-rate.js';
import { createTimeSeriesModel } from '@spanmeter/collector/dist/forecast/time-series-model.js';
import { SILENT_LOG } from '@spanmeter/collector/dist/pipeline/silent.js';

const model = createTimeSeriesModel(SILENT_LOG);
const WEEK = [10, 12, 12, 11, 10, 3, 2];
const weeks = (count: number): Float64Array =>
  Float64Array.from({ length: count * 7 }, (_, day) => WEEK[day % 7]!);

function assertSound(forecast: DailyForecast): void {
  for (const [day, expected] of forecast.expected.entries()) {
    const { low, high } = forecast.dayBounds(day);
    assert.ok(Number.isFinite(expected) && expected >= 0, `day ${day}: ${expected}`);
    assert.ok(
      low >= 0 && low <= expected && expected <= high && Number.isFinite(high),
      `${low} ${expected} ${high}`,
    );
  }
  const sum = forecast.expected.reduce((one, two) => one + two, 0);
  const { low, high } = forecast.sumBounds(sum, forecast.expected.length);
  assert.ok(low <= sum && sum <= high && Number.isFinite(high));
}

describe('forecast of days', () => {
  it('carries a weekly season on', () => {
    const forecast = forecastDays(weeks(12), 14, model);
    assert.equal(forecast.method, 'model');
    forecast.expected.forEach((usd, day) =>
      assert.ok(Math.abs(usd - WEEK[day % 7]!) < 0.5, `day ${day}: ${usd}`),
    );
  });

  it('goes by run-rate where there are less than three weeks', () => {
    assert.equal(forecastDays(weeks(2), 14, model).method, 'run_rate');
    assert.equal(forecastDays(weeks(3), 14, model).method, 'model');
  });

  it('does not count the days before the first spend as history', () => {
    const late = new Float64Array(120);
    late.set([4, 5, 6], 117);
    const { method, expected } = forecastDays(late, 14, model);
    assert.equal(method, 'run_rate');
    assert.equal(expected[0], 5);
  });

  const ODD: readonly (readonly [string, Float64Array])[] = [
    ['nothing', new Float64Array()],
    ['zeros', new Float64Array(60)],
    ['one day', Float64Array.of(3)],
    ['one call a month ago', Float64Array.from({ length: 30 }, (_, day) => (day === 0 ? 3 : 0))],
    ['one value', new Float64Array(60).fill(5)],
    ['a spike in nothing', Float64Array.from({ length: 40 }, (_, day) => (day === 20 ? 1e6 : 0))],
    ['a huge spike', Float64Array.from({ length: 60 }, (_, day) => (day === 50 ? 1e12 : 5))],
    ['NaN and infinity', Float64Array.from({ length: 60 }, (_, day) => [NaN, Infinity, 5][day % 3]!)],
    ['negative days', Float64Array.from({ length: 60 }, (_, day) => (day % 9 === 0 ? -4 : 5))],
    ['tiny amounts', Float64Array.from({ length: 60 }, (_, day) => 1e-12 * (1 + (day % 3)))],
    ['huge amounts', Float64Array.from({ length: 60 }, (_, day) => 1e15 * (1 + (day % 3)))],
    ['doubling every day', Float64Array.from({ length: 60 }, (_, day) => 2 ** day)],
    ['the end of all spend', Float64Array.from({ length: 90 }, (_, day) => (day < 50 ? 5 : 0))],
  ];
  for (const [name, days] of ODD) {
    it(`stays finite, ordered and not negative for ${name}`, () => {
      assertSound(forecastDays(days, 90, model));
      assertSound(forecastDays(days, 90, null));
    });
  }

  it('expects nothing where there was never anything, or nothing for a month', () => {
    for (const days of [new Float64Array(60), ODD.at(-1)![1]]) {
      assert.ok(forecastDays(days, 14, model).expected.every((usd) => usd === 0));
    }
  });

  it('does not let growth go on for ever', () => {
    const growing = Float64Array.from({ length: 100 }, (_, day) => 1.05 ** day);
    const { expected } = forecastDays(growing, 90, model);
    assert.ok(expected[13]! > growing[99]!, 'it still grows');
    assert.ok(Math.max(...expected) <= 3 * growing[99]! * 1.1, String(Math.max(...expected)));
  });

  it('is not drawn up by a spike, and follows a step that lasts', () => {
    const [plain, spiky, stepped] = [weeks(12), weeks(12), weeks(12)];
    spiky[75] = 200;
    for (let day = 56; day < 84; day++) stepped[day]! *= 2;
    const sum = (days: Float64Array): number =>
      forecastDays(days, 14, model).expected.reduce((a, b) => a + b);
    assert.ok(sum(spiky) < 1.05 * sum(plain), `${sum(spiky)} ${sum(plain)}`);
    assert.ok(Math.abs(sum(stepped) / sum(plain) - 2) < 0.2, `${sum(stepped)} ${sum(plain)}`);
  });

  it('widens the interval of what was hard to forecast before', () => {
    const wild = weeks(12).map((usd, day) => usd * [0.3, 2.4, 1, 0.5, 1.9][day % 5]!);
    const width = (days: Float64Array): number => {
      const forecast = forecastDays(days, 14, model);
      const { low, high } = forecast.dayBounds(0);
      return (high - low) / forecast.expected[0]!;
    };
    assert.ok(width(wild) > 2 * width(weeks(12)));
  });
});

describe('cleaning of a series', () => {
  it('leaves a season alone', () => {
    const { logarithms, offset } = cleanSeries(weeks(8));
    logarithms.forEach((value, day) => assert.ok(Math.abs(Math.exp(value) - offset - WEEK[day % 7]!) < 1e-9));
  });
});

describe('run-rate', () => {
  it('is the plain mean of a few days, with a zero day counted', () => {
    assert.deepEqual([...runRate(Float64Array.of(6, 0, 3), 2)], [3, 3]);
  });

  it('tells weekdays apart once there are two of each', () => {
    const expected = runRate(weeks(4), 7);
    assert.ok(expected[1]! > 11 && expected[6]! < 4, [...expected].join(' '));
  });
});

describe('the forecast library', () => {
  const days = weeks(8);

  it('is dropped for good, and told of once, where it traps', () => {
    const told: string[] = [];
    const trapping = createTimeSeriesModel({ warn: (_fields, message) => told.push(message) }, () => {
      throw Object.assign(new Error('unreachable'), { name: 'RuntimeError' });
    });
    assert.equal(trapping(days, 14), null);
    assert.equal(trapping(days, 14), null);
    assert.equal(told.length, 1);
    assert.equal(forecastDays(days, 14, trapping).method, 'run_rate');
  });

  it('answers null for a series that it cannot fit, and goes on with the next', () => {
    assert.equal(model(Float64Array.of(1, 2, 3), 14), null);
    assert.equal(model(new Float64Array(30).fill(NaN), 14), null);
    assert.equal(model(days, 14)?.length, 14);
  });
});
