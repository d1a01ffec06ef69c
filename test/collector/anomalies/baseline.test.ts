import assert from 'node:assert/strict';
import { judgeHour, needsPeak, type HourToJudge } from '@spanmeter/collector/dist/anomalies/baseline.js';
import { anomalyOptions } from '@spanmeter/collector/dist/anomalies/options.js';
import { normal, seededRandom } from '@spanmeter/collector/dist/forecast/seeded-spend.js';

const MEDIUM = { sensitivity: 'medium', minExcess: 5, minNew: 25 } as const;
const flat = (usd: number, count: number): number[] => Array.from({ length: count }, () => usd);
const hour = (spent: number, given: Partial<HourToJudge> = {}): HourToJudge => ({
  spent,
  weeks: flat(10, 8),
  days: flat(10, 14),
  peak: null,
  ...given,
});

describe('judging an hour', () => {
  const CASES: readonly (readonly [string, HourToJudge, boolean])[] = [
    ['the usual', hour(10), false],
    ['three times the usual, without any deviation before', hour(30), true],
    ['just under two and a half times the usual', hour(24.9), false],
    ['far below the usual', hour(0), false],
    [
      'many times the usual of a cheap hour, under the floor',
      hour(4.9, { weeks: flat(0.1, 8), days: [] }),
      false,
    ],
    [
      'many times the usual of a cheap hour, over the floor',
      hour(6, { weeks: flat(0.1, 8), days: [] }),
      true,
    ],
    ['what varies as much anyway', hour(30, { weeks: [5, 24, 10, 26, 8, 22, 9, 25] }), false],
    ['an hour that was as dear once before', hour(30, { weeks: [10, 10, 40, 10, 10, 10, 10, 10] }), true],
    ['a level that lasts for two days', hour(30, { days: [30, 30, ...flat(10, 12)] }), false],
    ['the second day of a level', hour(30, { days: [30, ...flat(10, 13)] }), true],
    ['three weeks of history', hour(30, { weeks: flat(10, 3) }), true],
    ['two weeks, so that days are compared', hour(30, { weeks: flat(30, 2), days: flat(10, 14) }), true],
    ['a new model under its floor', hour(24, { weeks: [], days: [] }), false],
    ['a new model over its floor', hour(25, { weeks: [], days: [] }), true],
    [
      'a few days of history and a dear one among them',
      hour(30, { weeks: [], days: [10, 10], peak: 28 }),
      false,
    ],
    [
      'a weekly job at another hour than usual',
      hour(40, { weeks: flat(0, 8), days: flat(0, 14), peak: 38 }),
      false,
    ],
    [
      'a weekly job that costs three times as much',
      hour(120, { weeks: flat(0, 8), days: flat(0, 14), peak: 38 }),
      true,
    ],
  ];
  for (const [name, given, isAnomaly] of CASES) {
    it(`${isAnomaly ? 'finds' : 'passes'} ${name}`, () => {
      assert.equal(judgeHour(given, MEDIUM).isAnomaly, isAnomaly);
    });
  }

  it('asks for the peak where the same hours say nothing', () => {
    assert.equal(needsPeak(hour(30)), false);
    assert.equal(needsPeak(hour(30, { weeks: flat(0, 8) })), true);
    assert.equal(needsPeak(hour(30, { weeks: flat(10, 2), days: flat(10, 6) })), true);
  });

  it('is stricter the lower the sensitivity', () => {
    const of = (spent: number): boolean[] =>
      (['low', 'medium', 'high'] as const).map(
        (sensitivity) => judgeHour(hour(spent), { ...MEDIUM, sensitivity }).isAnomaly,
      );
    assert.deepEqual(of(18), [false, false, true]);
    assert.deepEqual(of(27), [false, true, true]);
    assert.deepEqual(of(45), [true, true, true]);
  });

  it('has options that do without being set', () => {
    assert.deepEqual(anomalyOptions.parse({}), {
      enabled: true,
      min_excess_usd: 5,
      min_new_usd: 25,
      sensitivity: 'medium',
    });
    assert.equal(anomalyOptions.safeParse({ min_excess_usd: 0 }).success, false);
  });
});

/** What an hour of a week costs on the mean: by day and night, office days, growth. */
function usualHour(at: number, base: number): number {
  const [day, hourOfDay] = [Math.floor(at / 24) % 7, at % 24];
  const shape = 0.15 + Math.max(0, Math.sin(((hourOfDay - 6) / 14) * Math.PI));
  return base * shape * (day > 4 ? 0.4 : 1) * 1.02 ** (at / 168);
}

function judgeAt(hours: Float64Array, at: number, spent: number): boolean {
  const before = (count: number, step: number): number[] =>
    Array.from({ length: count }, (_, index) => hours[at - (index + 1) * step]!);
  return judgeHour({ spent, weeks: before(8, 168), days: before(14, 24), peak: null }, MEDIUM).isAnomaly;
}

describe('anomalies on seeded hours', () => {
  const FIRST = 8 * 168;
  const SERIES = Array.from({ length: 24 }, (_, index) => {
    const random = seededRandom(index + 1);
    const base = [2, 8, 30, 120][index % 4]!;
    const noise = [0.15, 0.25, 0.35][index % 3]!;
    const luck = (): number => Math.exp(noise * normal(random) - noise ** 2 / 2);
    const hours = Float64Array.from({ length: 16 * 168 }, (_hour, at) => usualHour(at, base) * luck());
    return { hours, base, random: seededRandom(900 + index) };
  });

  it('raise a false alarm less than once in ten weeks of a series', () => {
    let alarms = 0;
    for (const { hours } of SERIES) {
      for (let at = FIRST; at < hours.length; at++) if (judgeAt(hours, at, hours[at]!)) alarms += 1;
    }
    const weekly = alarms / (SERIES.length * 8);
    assert.ok(weekly < 0.1, `${weekly} false alarms a week`);
  });

  it('find nine of ten spikes that add four to eight times the usual, and little else', () => {
    const count = { found: 0, missed: 0, wrong: 0 };
    for (const { hours, base, random } of SERIES) {
      for (let at = FIRST; at < hours.length; at++) {
        const added = random() < 0.01 ? usualHour(at, base) * (4 + 4 * random()) : 0;
        // What adds less than the floor is nobody's business.
        if (added > 0 && added < 2 * MEDIUM.minExcess) continue;
        const isFound = judgeAt(hours, at, hours[at]! + added);
        if (added > 0) count[isFound ? 'found' : 'missed'] += 1;
        else if (isFound) count.wrong += 1;
      }
    }
    const recall = count.found / (count.found + count.missed);
    const precision = count.found / (count.found + count.wrong);
    console.log(
      `      recall ${recall.toFixed(3)}, precision ${precision.toFixed(3)} of ${JSON.stringify(count)}`,
    );
    assert.ok(recall > 0.9 && precision > 0.95, `recall ${recall}, precision ${precision}`);
  });
});
