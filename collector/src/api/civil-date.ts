/** A day of the Gregorian calendar without a time zone: `YYYY-MM-DD`. */
export type CivilDate = string;

const DAY_MS = 86_400_000;

function utc(date: CivilDate): Date {
  return new Date(`${date}T00:00:00Z`);
}

function civil(at: Date): CivilDate {
  return at.toISOString().slice(0, 10);
}

/** Whether `text` is a day that exists, from 1970 to 2999. */
export function isCivilDate(text: string): text is CivilDate {
  if (!/^(19[7-9]\d|2\d{3})-\d{2}-\d{2}$/.test(text)) return false;
  const at = utc(text);
  // JavaScript reads 2026-02-30 as the 2nd of March.
  return !Number.isNaN(at.getTime()) && civil(at) === text;
}

/** The date `days` later, or earlier where negative. */
export function addDays(date: CivilDate, days: number): CivilDate {
  return civil(new Date(utc(date).getTime() + days * DAY_MS));
}

/** The Monday of the ISO week that `date` is in. */
export function startOfWeek(date: CivilDate): CivilDate {
  return addDays(date, -((utc(date).getUTCDay() + 6) % 7));
}

/** The first day of the month that `date` is in. */
export function startOfMonth(date: CivilDate): CivilDate {
  return `${date.slice(0, 8)}01`;
}

/** The first day of the month after the one that `date` is in. */
export function startOfNextMonth(date: CivilDate): CivilDate {
  // Day 1 + 31 is in the next month, whatever the month.
  return startOfMonth(addDays(startOfMonth(date), 31));
}

/** The date that a clock on the wall shows in an IANA time zone. */
export function civilDateIn(timezone: string, at: Date): CivilDate {
  const options = { timeZone: timezone, year: 'numeric', month: '2-digit', day: '2-digit' } as const;
  const parts = new Intl.DateTimeFormat('en-u-ca-gregory-nu-latn', options).formatToParts(at);
  const part = (type: string): string => parts.find((found) => found.type === type)?.value ?? '';
  return `${part('year')}-${part('month')}-${part('day')}`;
}

/** [contract] Periods of the compatibility endpoint and the report. */
export const PERIODS = ['day', 'week', 'month'] as const;
export type Period = (typeof PERIODS)[number];

/** The days of the period that `date` is in, both inclusive: the day, the ISO week or the calendar month. */
export function periodDays(period: Period, date: CivilDate): { from: CivilDate; to: CivilDate } {
  switch (period) {
    case 'day':
      return { from: date, to: date };
    case 'week':
      return { from: startOfWeek(date), to: addDays(startOfWeek(date), 6) };
    case 'month':
      return { from: startOfMonth(date), to: addDays(startOfNextMonth(date), -1) };
    default:
      return period satisfies never;
  }
}
