import { instantText } from './iso-instant.ts';
import type { CostLine } from './call.ts';
import type { Rational } from './money.ts';
import { formatRational } from './money.ts';
import type { AppliedDiscount, ModelMatch } from './price-book.ts';
import type { CompiledModifier, CompiledPeriod } from './price-period.ts';
import type { RateTable } from './rate-table.ts';
import { BUCKETS, RATE_SCALE } from './rate-table.ts';

/** What an amount is multiplied by. */
export interface Factors {
  /** On token rates. */
  readonly token: Rational;
  /** On everything. */
  readonly all: Rational;
}

/** The factor that changes nothing; compared by identity. */
export const ONE: Rational = { numerator: 1n, denominator: 1n };
/** No factors at all. */
export const NO_FACTORS: Factors = { token: ONE, all: ONE };

/** The exact product. */
export function times(a: Rational, b: Rational): Rational {
  return { numerator: a.numerator * b.numerator, denominator: a.denominator * b.denominator };
}

/** A bucket, by its index, with what was counted in it. */
export interface Counted {
  readonly index: number;
  readonly count: Rational | bigint;
}

function timeOfDay(minute: number): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}

/** Which of a model's prices these rates are: whose, since when, of which context size, at which hours. */
export function tableNotes(
  match: ModelMatch,
  period: CompiledPeriod,
  modifiers: readonly CompiledModifier[],
  table: RateTable,
): string[] {
  const all = [period, ...modifiers.flatMap(({ tables }) => tables ?? [])];
  const tier = all.flatMap(({ tiers }) => tiers).find((each) => each.table === table);
  const window = all.flatMap(({ windows }) => windows).find((each) => each.table === table);
  return [
    match.periods.indexOf(period) < match.ownPeriods ? 'own price' : '',
    period.from === -Infinity ? '' : `since ${instantText(period.from) ?? ''}`,
    tier === undefined ? '' : `from ${tier.from} input tokens on`,
    period.note ?? '',
    window === undefined ? '' : `${timeOfDay(window.fromMinute)}-${timeOfDay(window.toMinute)} UTC`,
  ].filter((note) => note !== '');
}

/** A product of decimals in full: its denominator is a power of ten, which bounds its digits. */
function exactDecimal(value: Rational): string {
  return formatRational(value, value.denominator.toString().length);
}

/** The lines of a sum, in the order of the buckets. */
export function linesOf(
  counted: readonly Counted[],
  table: RateTable,
  factors: Factors,
  notes: readonly string[],
): readonly CostLine[] {
  return counted
    .toSorted((a, b) => a.index - b.index)
    .flatMap(({ index, count }) => {
      const rate = table.byBucket[index];
      const bucket = BUCKETS[index];
      if (rate == null || bucket === undefined) return [];
      const exact: Rational = typeof count === 'bigint' ? { numerator: count, denominator: 1n } : count;
      const factor = !rate.token || factors.token === ONE ? factors.all : times(factors.token, factors.all);
      const amount = times(times(exact, factor), {
        numerator: rate.scaled,
        denominator: table.denominator * RATE_SCALE,
      });
      const note = [rate.insteadOf === null ? '' : `at ${rate.insteadOf}`, ...notes].filter(
        (text) => text !== '',
      );
      return {
        bucket,
        count: formatRational(exact),
        rate: rate.usd,
        per: rate.per,
        ...(factor.numerator === factor.denominator ? {} : { factor: exactDecimal(factor) }),
        amount: formatRational(amount),
        ...(note.length === 0 ? {} : { note: note.join(', ') }),
      };
    });
}

/** What conditions and discounts do to an amount. */
export function conditionNotes(
  modifiers: readonly CompiledModifier[],
  discounts: readonly AppliedDiscount[],
  at: number,
): string[] {
  return [
    ...modifiers.map(({ modifier }) =>
      modifier.multiply === undefined
        ? `${modifier.condition} ${modifier.value}`
        : `${modifier.condition} ${modifier.value} x ${modifier.multiply}`,
    ),
    ...discounts.filter((each) => at >= each.from && at < each.to).map((each) => `negotiated x ${each.text}`),
  ];
}
