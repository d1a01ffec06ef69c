import assert from 'node:assert/strict';
import { Client } from 'pg';
import { periodBoundsAt } from '@spanmeter/collector/dist/budgets/period.js';
import { testServer } from '../../support/database.ts';

const ZONES = [
  'UTC',
  'Europe/Rome',
  'America/New_York',
  'America/Sao_Paulo',
  'America/Asuncion',
  'America/Santiago',
  'America/Havana',
  'America/St_Johns',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Asia/Beirut',
  'Asia/Tehran',
  'Africa/Cairo',
  'Africa/Casablanca',
  'Atlantic/Azores',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'Pacific/Chatham',
  'Pacific/Kiritimati',
];

/**
 * Every half-hour of two days and a half around each change of a zone's clock, and around the ends of years. Of years
 * past only: Node and PostgreSQL bring time zone data of their own, and laws of this year may be in one of them alone.
 */
const INSTANTS = `
  WITH hours AS (
    SELECT z.zone, h.at, h.at AT TIME ZONE z.zone - h.at AT TIME ZONE 'UTC' AS shift
    FROM unnest($1::text[]) AS z (zone),
      generate_series(timestamptz '2011-01-01 00:00:00Z', '2026-01-01 00:00:00Z', '6 hours') AS h (at)
  ), changes AS (
    SELECT zone, at FROM (SELECT zone, at, shift, lag(shift) OVER (PARTITION BY zone ORDER BY at) AS was FROM hours) h
    WHERE shift <> was AND (extract(year FROM at) IN (2011, 2024) OR zone = 'Pacific/Apia')
    UNION ALL
    SELECT z.zone, y.at::timestamptz FROM unnest($1::text[]) AS z (zone),
      (VALUES ('2020-12-31 12:00Z'), ('2024-02-29 12:00Z'), ('2025-11-21 12:00Z')) AS y (at)
  ), instants AS (
    SELECT DISTINCT c.zone, t.at FROM changes c,
      generate_series(c.at - interval '30 hours', c.at + interval '30 hours', '30 minutes') AS t (at)
  )
  SELECT i.zone, p.period, ms(i.at) AS at, ms(b.start) AS start, ms(b.finish) AS finish
  FROM instants i CROSS JOIN (VALUES ('day'), ('week'), ('month')) AS p (period)
  CROSS JOIN LATERAL (
    SELECT date_trunc(p.period, i.at AT TIME ZONE i.zone) AS wall
  ) w
  CROSS JOIN LATERAL (
    -- The hour between two midnights of one date is not behind the second.
    SELECT CASE WHEN w.wall AT TIME ZONE i.zone <= i.at THEN w.wall
      ELSE w.wall - ('1 ' || p.period)::interval END AS wall
  ) f
  CROSS JOIN LATERAL (
    SELECT f.wall AT TIME ZONE i.zone AS start, (f.wall + ('1 ' || p.period)::interval) AT TIME ZONE i.zone AS finish
  ) b`;

interface Expected {
  readonly zone: string;
  readonly period: 'day' | 'week' | 'month';
  readonly at: number;
  readonly start: number;
  readonly finish: number;
}

describe('budgets: the period that contains an instant', () => {
  const at = (text: string): number => Date.parse(text);
  const iso = (bounds: { startMs: number; endMs: number } | null): [string, string] | null =>
    bounds && [new Date(bounds.startMs).toISOString(), new Date(bounds.endMs).toISOString()];

  it('has the bounds that PostgreSQL has, over changes of the clock and ends of years in many zones', async () => {
    const client = new Client({ connectionString: (await testServer()).adminUrl });
    await client.connect();
    try {
      await client.query(`CREATE FUNCTION pg_temp.ms(timestamptz) RETURNS float8 LANGUAGE sql
        AS 'SELECT (extract(epoch FROM $1) * 1000)::float8'`);
      const text = INSTANTS.replaceAll(/\bms\(/g, 'pg_temp.ms(');
      const { rows } = await client.query<Expected>(text, [ZONES]);
      assert.ok(rows.length > 30_000, `only ${rows.length} instants`);
      for (const { zone, period, at: instant, start, finish } of rows) {
        const bounds = periodBoundsAt(period, zone, null, null, instant);
        if (bounds?.startMs !== start || bounds.endMs !== finish) {
          const expected = [new Date(start).toISOString(), new Date(finish).toISOString()];
          assert.deepEqual(
            iso(bounds),
            expected,
            `${period} of ${zone} at ${new Date(instant).toISOString()}`,
          );
        }
      }
    } finally {
      await client.end();
    }
  });

  it('begins with the first instant of a day whose midnight the clock skips', () => {
    const cairo = periodBoundsAt('day', 'Africa/Cairo', null, null, at('2024-04-26T09:00:00Z'));
    assert.deepEqual(iso(cairo), ['2024-04-25T22:00:00.000Z', '2024-04-26T21:00:00.000Z']);
  });

  it('keeps a day of 23, 25 and 23.5 hours', () => {
    const hours = (zone: string, instant: string): number => {
      const bounds = periodBoundsAt('day', zone, null, null, at(instant));
      assert.ok(bounds);
      return (bounds.endMs - bounds.startMs) / 3_600_000;
    };
    assert.equal(hours('Europe/Rome', '2026-03-29T12:00:00Z'), 23);
    assert.equal(hours('Europe/Rome', '2026-10-25T12:00:00Z'), 25);
    assert.equal(hours('Australia/Lord_Howe', '2026-10-04T02:00:00Z'), 23.5);
    assert.equal(hours('Asia/Kathmandu', '2026-10-04T02:00:00Z'), 24);
  });

  it('passes over a date that a zone never had', () => {
    const before = periodBoundsAt('day', 'Pacific/Apia', null, null, at('2011-12-30T09:59:59.999Z'));
    const after = periodBoundsAt('day', 'Pacific/Apia', null, null, at('2011-12-30T10:00:00Z'));
    assert.equal(before?.endMs, after?.startMs);
    assert.deepEqual(iso(after), ['2011-12-30T10:00:00.000Z', '2011-12-31T10:00:00.000Z']);
    assert.equal(
      periodBoundsAt('custom', 'Pacific/Apia', '2011-12-30', '2011-12-30', at('2011-12-30T10:00:00Z')),
      null,
    );
  });

  it('holds a custom window from its first day to the end of its last, and nothing outside of it', () => {
    const window = (instant: string): [string, string] | null =>
      iso(periodBoundsAt('custom', 'Asia/Kolkata', '2026-11-01', '2026-12-15', at(instant)));
    const bounds = ['2026-10-31T18:30:00.000Z', '2026-12-15T18:30:00.000Z'];
    assert.equal(window('2026-10-31T18:29:59.999Z'), null);
    assert.deepEqual(window('2026-10-31T18:30:00Z'), bounds);
    assert.deepEqual(window('2026-12-15T18:29:59.999Z'), bounds);
    assert.equal(window('2026-12-15T18:30:00Z'), null);
    assert.equal(periodBoundsAt('custom', 'UTC', null, null, 0), null);
  });

  it('answers alike in whatever order instants come', () => {
    const instants = [0, 400, -1, 31, 7, 365, -400].map(
      (days) => at('2026-03-29T00:30:00Z') + days * 86_400_000,
    );
    for (const period of ['day', 'week', 'month'] as const) {
      for (const instant of [...instants, ...instants.toReversed()]) {
        const bounds = periodBoundsAt(period, 'Europe/Rome', null, null, instant);
        assert.ok(bounds && bounds.startMs <= instant && instant < bounds.endMs);
      }
    }
  });

  it('throws for a zone that does not exist', () => {
    assert.throws(() => periodBoundsAt('day', 'Europe/Atlantis', null, null, 0), RangeError);
  });
});
