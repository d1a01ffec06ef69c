import assert from 'node:assert/strict';
import { forecastDays } from '@spanmeter/collector/dist/forecast/daily-forecast.js';
import {
  restByDays,
  restByRunRate,
  shareOfDay,
  type PeriodQuestion,
} from '@spanmeter/collector/dist/forecast/period-forecast.js';
import { normal, seededRandom } from '@spanmeter/collector/dist/forecast/seeded-spend.js';
import { dateOfDay, dayAt, dayOfDate, startOfDayMs } from '@spanmeter/collector/dist/forecast/zone-days.js';

const at = (iso: string): number => Date.parse(iso);
const NO_HOURS = new Float64Array(48);

function month(now: string, spent: number, limit: number): PeriodQuestion {
  const bounds = { startMs: at('2026-11-01T00:00:00Z'), endMs: at('2026-12-01T00:00:00Z') };
  return { bounds, timezone: 'UTC', nowMs: at(now), spent, limit };
}

describe('days of a zone', () => {
  const STARTS: readonly (readonly [string, string, string])[] = [
    ['Asia/Kolkata', '2026-11-21', '2026-11-20T18:30:00Z'],
    ['Asia/Kathmandu', '2026-11-21', '2026-11-20T18:15:00Z'],
    ['Australia/Lord_Howe', '2026-04-05', '2026-04-04T13:00:00Z'],
    ['Australia/Lord_Howe', '2026-04-06', '2026-04-05T13:30:00Z'],
    ['Europe/Rome', '2026-03-29', '2026-03-28T23:00:00Z'],
    ['Europe/Rome', '2026-03-30', '2026-03-29T22:00:00Z'],
    ['Europe/Rome', '2026-10-26', '2026-10-25T23:00:00Z'],
    ['Pacific/Kiritimati', '2026-11-21', '2026-11-20T10:00:00Z'],
    ['America/New_York', '2026-11-02', '2026-11-02T05:00:00Z'],
    // Clocks go from 24:00 to 01:00: the day begins at one.
    ['Africa/Cairo', '2026-04-24', '2026-04-23T22:00:00Z'],
  ];
  for (const [zone, date, start] of STARTS) {
    it(`begin ${date} in ${zone} at ${start}`, () => {
      assert.equal(new Date(startOfDayMs(zone, dayOfDate(date))).toISOString(), start.replace('Z', '.000Z'));
      assert.equal(dateOfDay(dayAt(zone, at(start))), date);
      assert.equal(dayAt(zone, at(start) - 1), dayOfDate(date) - 1);
    });
  }
});

describe('rest of a period by its days', () => {
  const flat = forecastDays(new Float64Array(60).fill(10), 35, null);

  it('is the rest of today and the days after', () => {
    const rest = restByDays(month('2026-11-21T12:00:00Z', 205, 1_000), flat, { spent: 5, hours: NO_HOURS });
    assert.ok(Math.abs(rest.expected - 95) < 1e-9, String(rest.expected));
    assert.ok(rest.low <= rest.expected && rest.expected <= rest.high);
    assert.equal(rest.exhaustedAtMs, null);
  });

  it('tells when the limit is reached', () => {
    const rest = restByDays(month('2026-11-21T12:00:00Z', 205, 225), flat, { spent: 5, hours: NO_HOURS });
    assert.equal(new Date(rest.exhaustedAtMs ?? 0).toISOString(), '2026-11-23T12:00:00.000Z');
  });

  it('tells in the past where it was reached', () => {
    const question = month('2026-11-21T00:00:00Z', 200, 100);
    const rest = restByDays(question, flat, { spent: 0, hours: NO_HOURS });
    assert.equal(new Date(rest.exhaustedAtMs ?? 0).toISOString(), '2026-11-11T00:00:00.000Z');
  });

  it('expects more of a day that began dearer than usual, and less of one that began cheaper', () => {
    const of = (spent: number): number =>
      restByDays(month('2026-11-30T12:00:00Z', 295, 1_000), flat, { spent, hours: NO_HOURS }).expected;
    assert.ok(of(10) > 6 && of(5) > 4.9 && of(5) < 5.1 && of(0) < 3, `${of(10)} ${of(5)} ${of(0)}`);
  });

  it('knows from the hours how much of a day is over, weekends apart', () => {
    const hours = new Float64Array(48);
    hours.fill(1, 9, 17);
    hours.fill(1, 24, 48);
    const noon = shareOfDay(hours, 'Europe/Rome', at('2026-11-20T08:00:00Z'));
    assert.ok(noon < 0.06, String(noon));
    assert.ok(shareOfDay(hours, 'Europe/Rome', at('2026-11-20T16:00:00Z')) > 0.94);
    const weekend = shareOfDay(hours, 'Europe/Rome', at('2026-11-21T11:00:00Z'));
    assert.ok(Math.abs(weekend - 0.5) < 1e-9, String(weekend));
  });

  it('has the days of a month with a change of clocks', () => {
    const bounds = {
      startMs: startOfDayMs('Europe/Rome', dayOfDate('2026-03-01')),
      endMs: startOfDayMs('Europe/Rome', dayOfDate('2026-04-01')),
    };
    const question = { bounds, timezone: 'Europe/Rome', nowMs: bounds.startMs, spent: 0, limit: 305 };
    const rest = restByDays(question, flat, { spent: null, hours: NO_HOURS });
    assert.ok(Math.abs(rest.expected - 310) < 1e-9);
    assert.equal(new Date(rest.exhaustedAtMs ?? 0).toISOString(), '2026-03-31T10:00:00.000Z');
  });
});

/** What an hour of a day costs somebody who works, who is at home in the evening, whose jobs run at night. */
const HOURS: readonly ((hour: number) => number)[] = [
  (hour) => (hour >= 9 && hour < 17 ? 1 : hour >= 7 && hour < 20 ? 0.2 : 0.03),
  (hour) => (hour >= 17 && hour < 23 ? 1.4 : hour >= 7 ? 0.7 : 0.1),
  (hour) => (hour >= 1 && hour < 4 ? 3 : 0.3),
  () => 1,
];

/** How many of many days came to what was foretold at an hour of them, by what they showed alone. */
function covered(hour: number, previous: boolean): number {
  const random = seededRandom(7);
  let hits = 0;
  const days = 400;
  for (let day = 0; day < days; day++) {
    const lumps = Array.from({ length: 24 }, (_, at) => {
      return (HOURS[day % HOURS.length]?.(at) ?? 0) * Math.exp(0.5 * normal(random));
    });
    const of = (from: number, to: number): number => lumps.slice(from, to).reduce((sum, usd) => sum + usd, 0);
    const startMs = at('2026-11-02T00:00:00Z') + (day % 5) * 86_400_000;
    const bounds = { startMs, endMs: startMs + 86_400_000 };
    const nowMs = startMs + hour * 3_600_000;
    const question = { bounds, timezone: 'UTC', nowMs, spent: of(0, hour), limit: 1e9 };
    const before = previous ? of(0, 24) * Math.exp(0.3 * normal(random)) : null;
    const rest = restByRunRate(question, before, null);
    assert.ok(rest !== null && rest.low >= 0 && rest.low <= rest.expected && rest.expected <= rest.high);
    if (rest.low <= of(hour, 24) && of(hour, 24) <= rest.high) hits++;
  }
  return hits / days;
}

describe('the interval of a day without history', () => {
  for (const hour of [1, 2, 4, 6, 9, 12, 15, 18, 22]) {
    it(`holds what is to come at least as often as it says after ${hour} hours`, () => {
      for (const previous of [false, true]) {
        const part = covered(hour, previous);
        assert.ok(part >= 0.8, `${part} ${previous}`);
      }
    });
  }

  it('holds quiet weekends and begins of months', () => {
    // Friday evening: who works in an office spends little on the two days that are left.
    const week = { startMs: at('2026-11-02T00:00:00Z'), endMs: at('2026-11-09T00:00:00Z') };
    const nowMs = at('2026-11-07T00:00:00Z');
    const rest = restByRunRate({ bounds: week, timezone: 'UTC', nowMs, spent: 500, limit: 1e9 }, null, null);
    assert.ok(rest!.low < 50 && rest!.high > 200, `${rest!.low} ${rest!.high}`);
    const first = restByRunRate(month('2026-11-02T06:00:00Z', 1, 1e9), null, null);
    assert.ok(first!.high > 50, String(first!.high));
  });
});

describe('rest of a period by run-rate', () => {
  it('is the plain mean for a month with one call', () => {
    const rest = restByRunRate(month('2026-11-11T00:00:00Z', 1, 100), null, null);
    assert.ok(Math.abs(rest!.expected - 2) < 1e-9);
    assert.ok(rest!.low < 1.9 && rest!.high > 2.1 && rest!.low > 0);
    assert.equal(rest!.method, 'run_rate');
  });

  it('does not take the first minute for what every minute costs', () => {
    const rest = restByRunRate(month('2026-11-01T00:01:00Z', 1, 100), null, null);
    assert.ok(rest!.expected < 31, String(rest!.expected));
  });

  it('says nothing where there is nothing to go by, and goes by the last period where that is known', () => {
    assert.equal(restByRunRate(month('2026-11-11T00:00:00Z', 0, 100), null, null), null);
    const rest = restByRunRate(month('2026-11-01T00:00:00Z', 0, 100), 60, null);
    assert.ok(Math.abs(rest!.expected - 60) < 1e-9);
  });

  it('expects nothing more of a period that is over', () => {
    assert.equal(restByRunRate(month('2026-12-05T00:00:00Z', 7, 100), null, null)!.expected, 0);
  });

  it('narrows as the period goes on', () => {
    const width = (now: string): number => {
      const rest = restByRunRate(month(now, 10, 100), null, null)!;
      return rest.high - rest.low;
    };
    assert.ok(width('2026-11-05T00:00:00Z') > width('2026-11-15T00:00:00Z'));
    assert.ok(width('2026-11-15T00:00:00Z') > width('2026-11-29T00:00:00Z'));
  });
});
