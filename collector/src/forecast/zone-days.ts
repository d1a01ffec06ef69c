const MS_PER_DAY = 86_400_000;
/** There are about 600 zones. */
const MAX_ZONES = 1_000;
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat('en-u-ca-gregory-nu-latn', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
  if (formats.size >= MAX_ZONES) formats.clear();
  formats.set(zone, made);
  return made;
}

/** What a clock on the wall shows in an IANA zone, as if it were UTC: milliseconds since 1970. */
export function wallClockMs(zone: string, atMs: number): number {
  const read: Record<string, number> = {};
  for (const { type, value } of formatOf(zone).formatToParts(atMs)) read[type] = Number(value);
  const { year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = read;
  return Date.UTC(year, month - 1, day, hour, minute, second) + (((atMs % 1_000) + 1_000) % 1_000);
}

/** The civil day in a zone, as days since 1970-01-01. */
export function dayAt(zone: string, atMs: number): number {
  return Math.floor(wallClockMs(zone, atMs) / MS_PER_DAY);
}

/** When a civil day begins; where the clock skips midnight, its first instant. */
export function startOfDayMs(zone: string, day: number): number {
  const wall = day * MS_PER_DAY;
  const candidates = [wall - MS_PER_DAY / 2, wall + MS_PER_DAY / 2].map(
    (near) => wall - (wallClockMs(zone, near) - near),
  );
  const inside = candidates.filter((atMs) => dayAt(zone, atMs) >= day);
  return Math.min(...(inside.length === 0 ? candidates : inside));
}

/** `YYYY-MM-DD`. */
export function dateOfDay(day: number): string {
  return new Date(day * MS_PER_DAY).toISOString().slice(0, 10);
}

/** Days since 1970-01-01 of a `YYYY-MM-DD`. */
export function dayOfDate(date: string): number {
  return Date.parse(`${date}T00:00:00Z`) / MS_PER_DAY;
}

/** Whether a day since 1970-01-01, a Thursday, is a Saturday or Sunday. */
export function isWeekend(day: number): boolean {
  return (day + 3) % 7 >= 5;
}
