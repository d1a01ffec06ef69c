import type { FieldReader } from './field-reader.ts';
import type { Place } from './place.ts';
import { pathOf } from './place.ts';

/** Something that holds for one name, for a stretch of time in microseconds since the epoch. */
export interface Claim {
  /** Two claims with one key are about the same thing. */
  readonly key: string;
  /** What it is about, for people. */
  readonly what: string;
  readonly from: number;
  readonly to: number;
  readonly place: Place;
}

/** When something begins, for people. */
function starting(micros: number): string {
  return micros === -Infinity ? 'without a start' : `from ${new Date(micros / 1000).toISOString()}`;
}

const byStart = (a: Claim, b: Claim): number => (a.from === b.from ? 0 : a.from < b.from ? -1 : 1);

function grouped(claims: readonly Claim[]): Iterable<readonly Claim[]> {
  const found = new Map<string, Claim[]>();
  for (const claim of claims) {
    const known = found.get(claim.key);
    if (known === undefined) found.set(claim.key, [claim]);
    else known.push(claim);
  }
  return found.values();
}

/** Reports claims about one thing that begin at once: nothing says which of them applies. */
export function reportSameStart(reader: FieldReader, claims: readonly Claim[]): void {
  // An entry with several names would say the same of each.
  const reported = new Set<Place>();
  for (const group of grouped(claims)) {
    const seen = new Map<number, Claim>();
    for (const claim of group) {
      const other = seen.get(claim.from);
      if (other === undefined) seen.set(claim.from, claim);
      else if (other.place !== claim.place && !reported.has(claim.place)) {
        reported.add(claim.place);
        const first = pathOf(other.place);
        const message = `is the second for ${claim.what} ${starting(claim.from)}: ${first} says another`;
        reader.fault(claim.place, message, other.place);
      }
    }
  }
}

/**
 * Reports what begins at once, and stretches that cross: the one that began last applies, so a passing entry
 * lies within another and a new one follows an open one, but of two that both have an end, the later must not
 * begin before the end of the earlier and outlast it.
 */
export function reportContradictions(reader: FieldReader, claims: readonly Claim[]): void {
  reportSameStart(reader, claims);
  const reported = new Set<Place>();
  for (const group of grouped(claims)) {
    if (group.length < 2) continue;
    const open: Claim[] = [];
    for (const claim of group.filter(({ to }) => to !== Infinity).toSorted(byStart)) {
      while ((open.at(-1)?.to ?? Infinity) <= claim.from) open.pop();
      const around = open.at(-1);
      if (around === undefined || around.from === claim.from || claim.to <= around.to) open.push(claim);
      else if (!reported.has(claim.place)) {
        reported.add(claim.place);
        const message = `begins before the end of ${pathOf(around.place)} and outlasts it: end that one earlier`;
        reader.fault(claim.place, message, around.place);
      }
    }
  }
}
