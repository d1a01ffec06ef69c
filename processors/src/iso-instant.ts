import { instantMicros } from './price-period.ts';

/** ISO 8601 in its extended and its basic form; what follows the time is the zone. */
const DATE = /^(\d{4})(-?)(\d{2})\2(\d{2})(?:[T ](.+))?$/i;
const TIME = /^(\d{2})(?::?(\d{2})(?::?(\d{2})(?:[.,](\d+))?)?)?(Z|[+-]\d{2}(?::?\d{2})?)$/i;
const MAX_LENGTH = 64;
/** What a Date holds at most (ECMA-262, time values). */
const MAX_DATE_MS = 8.64e15;

/** ISO text of microseconds since the epoch, as short as is exact; null where they are unbounded. */
export function instantText(micros: number): string | null {
  if (!Number.isFinite(micros)) return null;
  const millis = Math.floor(micros / 1000);
  if (Math.abs(millis) > MAX_DATE_MS) return `${micros} microseconds`;
  const text = new Date(millis).toISOString();
  const rest = ((micros % 1000) + 1000) % 1000;
  if (rest !== 0) return `${text.slice(0, -1)}${String(rest).padStart(3, '0')}Z`;
  return text.endsWith('.000Z') ? `${text.slice(0, -5)}Z` : text;
}

/**
 * Microseconds since the epoch of an instant in any form of ISO 8601 that names its zone, or of a UTC date; throws
 * where the text is neither. A time without a zone could be any of 26 hours, so it is refused.
 */
export function isoMicros(text: string): number {
  const [, year, , month, day, rest] = DATE.exec(text.trim().slice(0, MAX_LENGTH)) ?? [];
  if (year === undefined)
    throw new Error(`"${text.slice(0, MAX_LENGTH)}" is not an instant (2026-08-16T16:00:00Z)`);
  if (rest === undefined) return instantMicros(`${year}-${month}-${day}`);
  const time = TIME.exec(rest);
  if (time === null) {
    throw new Error(`"${text.slice(0, MAX_LENGTH)}" is not an instant with its zone (2026-08-16T16:00:00Z)`);
  }
  const [, hour, minute = '00', second = '00', fraction = '0', stated = 'Z'] = time;
  const zone = stated.toUpperCase();
  const offset = zone === 'Z' ? 'Z' : `${zone.slice(0, 3)}:${zone.slice(3).replace(':', '') || '00'}`;
  return instantMicros(
    `${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction.slice(0, 6)}${offset}`,
  );
}
