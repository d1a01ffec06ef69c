import { Refusal } from '../pipeline/refusal.ts';
import { addDays, civilDateIn, isCivilDate } from './civil-date.ts';
import type { Reading } from './reader.ts';

/** Instants [from, to) as ISO text in UTC with microseconds. */
export interface Range {
  readonly from: string;
  readonly to: string;
}

/** Dates (whole days in the tenant's zone, both inclusive) or ISO instants (`from` inclusive, `to` exclusive). */
export interface RangeRequest {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** ISO 8601 UTC with microseconds, made by the database so that nothing passes through a float. */
export function isoSql(expression: string): string {
  return `to_char((${expression}) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}

/** Midnight at the start of a date in a zone; where the clock skips midnight, the first instant of the day. */
function boundSql(bound: string, placeholder: string, zone: string, plusDays: number): string {
  if (!isCivilDate(bound)) return `${placeholder}::text::timestamptz`;
  return `((${placeholder}::text::date + ${plusDays})::timestamp AT TIME ZONE ${zone})`;
}

/** The bounds asked for; where one is missing, `days` days up to the end, which is today in the tenant's zone. */
export function boundsOf(
  request: RangeRequest,
  timezone: string,
  now: Date,
  days: number,
): { from: string; to: string } {
  const to = request.to ?? civilDateIn(timezone, now);
  return { from: request.from ?? addDays(to.slice(0, 10), 1 - days), to };
}

/**
 * Turns bounds into instants. With `quarters` they are widened to whole quarter-hours, since rollups can't be
 * cut finer. Rejects with Refusal `invalid` where nothing is between them.
 */
export async function resolveRange(
  reading: Reading,
  request: { from: string; to: string },
  quarters: boolean,
): Promise<Range> {
  const from = boundSql(request.from, '$1', '$3::text', 0);
  const to = boundSql(request.to, '$2', '$3::text', 1);
  const epoch = `timestamptz '1970-01-01 00:00:00Z'`;
  const floor = `date_bin('15 minutes', ${from}, ${epoch})`;
  const ceiling = `date_bin('15 minutes', ${to} + interval '15 minutes' - interval '1 microsecond', ${epoch})`;
  const text = `SELECT ${isoSql(quarters ? floor : from)} AS from, ${isoSql(quarters ? ceiling : to)} AS to
    WHERE $3::text IS NOT NULL`;
  const [range] = await reading.query<{ from: string; to: string }>(text, [
    request.from,
    request.to,
    reading.timezone,
  ]);
  if (range === undefined || range.from >= range.to)
    throw new Refusal('invalid', '"from" must be before "to".');
  return range;
}
