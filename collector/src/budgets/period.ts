import type { BudgetPeriod, PeriodBounds } from './budget.ts';

const DAY_MS = 86_400_000;
/** Zones, and custom windows of a zone, that are remembered; beyond it all are forgotten at once. */
const MAX_REMEMBERED = 1000;
/** Bounds remembered for a zone and period: calls mostly start in the current period or the one before. */
const MAX_RECENT = 4;

type CalendarPeriod = Exclude<BudgetPeriod, 'custom'>;

/** One IANA zone: its clock, and the bounds that were asked for lately. */
interface Zone {
  readonly clock: Intl.DateTimeFormat;
  readonly day: PeriodBounds[];
  readonly week: PeriodBounds[];
  readonly month: PeriodBounds[];
  readonly custom: Map<string, PeriodBounds>;
}

const zones = new Map<string, Zone>();

function zoneOf(timezone: string): Zone {
  const known = zones.get(timezone);
  if (known !== undefined) return known;
  const clock = new Intl.DateTimeFormat('en-u-ca-gregory-nu-latn', {
    timeZone: timezone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  if (zones.size >= MAX_REMEMBERED) zones.clear();
  const zone: Zone = { clock, day: [], week: [], month: [], custom: new Map() };
  zones.set(timezone, zone);
  return zone;
}

/** What the zone's clock shows at an instant, as if it were UTC, in whole seconds. */
function wallMs({ clock }: Zone, atMs: number): number {
  const shown: Record<string, number> = {};
  // Instants between seconds would be cut towards 1970 and not downwards.
  for (const { type, value } of clock.formatToParts(Math.floor(atMs / 1000) * 1000))
    shown[type] = Number(value);
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = shown;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

function offsetMs(zone: Zone, atMs: number): number {
  return wallMs(zone, atMs) - Math.floor(atMs / 1000) * 1000;
}

/**
 * The instant of a midnight, as PostgreSQL's `timestamp AT TIME ZONE`: of one that the clock skips, by the offset
 * before (which is the first instant of the day); of one that it shows twice, the second.
 */
function midnight(zone: Zone, day: number): number {
  const wall = day * DAY_MS;
  // Offsets are between -12 and +14 hours, so a change that matters to this midnight lies between the two.
  const before = offsetMs(zone, wall - DAY_MS);
  const after = offsetMs(zone, wall + DAY_MS);
  if (before === after) return wall - before;
  if (offsetMs(zone, wall - after) === after) return wall - after;
  return wall - before;
}

/** The first day of the period that a day is in; days are counted from 1970-01-01. */
function firstDay(period: CalendarPeriod, day: number): number {
  switch (period) {
    case 'day':
      return day;
    case 'week':
      // 1970-01-01 was a Thursday; ISO weeks begin on Monday.
      return day - ((((day + 3) % 7) + 7) % 7);
    case 'month': {
      const date = new Date(day * DAY_MS);
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1) / DAY_MS;
    }
    default:
      return period satisfies never;
  }
}

/** More days than the period has, and fewer than two of them have. */
const DAYS_INTO_NEXT = { day: 1, week: 7, month: 31 } as const;

function calendarBounds(zone: Zone, period: CalendarPeriod, atMs: number): PeriodBounds {
  let first = firstDay(period, Math.floor(wallMs(zone, atMs) / DAY_MS));
  let startMs = midnight(zone, first);
  // Where midnight is shown twice, the hour between the two still belongs to the period before.
  while (startMs > atMs) {
    first = firstDay(period, first - 1);
    startMs = midnight(zone, first);
  }
  return { startMs, endMs: midnight(zone, firstDay(period, first + DAYS_INTO_NEXT[period])) };
}

function dayOf(date: string): number {
  return Date.parse(`${date}T00:00:00Z`) / DAY_MS;
}

function customBounds(zone: Zone, startsOn: string, endsOn: string): PeriodBounds {
  const key = `${startsOn}/${endsOn}`;
  const known = zone.custom.get(key);
  if (known !== undefined) return known;
  const bounds = { startMs: midnight(zone, dayOf(startsOn)), endMs: midnight(zone, dayOf(endsOn) + 1) };
  if (zone.custom.size >= MAX_REMEMBERED) zone.custom.clear();
  zone.custom.set(key, bounds);
  return bounds;
}

/**
 * The period that contains an instant: the calendar day, ISO week or month of an IANA zone, or the custom window of
 * whole days from `startsOn` to `endsOn` (YYYY-MM-DD, both inclusive). Null outside a custom window. Every bound is
 * the instant that PostgreSQL has for that date's midnight (`date::timestamp AT TIME ZONE zone`). Bounds are
 * remembered, so that it can be asked once per call. Throws RangeError for a zone that JavaScript does not know.
 */
export function periodBoundsAt(
  period: BudgetPeriod,
  timezone: string,
  startsOn: string | null,
  endsOn: string | null,
  atMs: number,
): PeriodBounds | null {
  const zone = zoneOf(timezone);
  if (period === 'custom') {
    if (startsOn === null || endsOn === null) return null;
    const bounds = customBounds(zone, startsOn, endsOn);
    return atMs >= bounds.startMs && atMs < bounds.endMs ? bounds : null;
  }
  const recent = zone[period];
  for (const bounds of recent) if (atMs >= bounds.startMs && atMs < bounds.endMs) return bounds;
  const bounds = calendarBounds(zone, period, atMs);
  recent.unshift(bounds);
  if (recent.length > MAX_RECENT) recent.pop();
  return bounds;
}
