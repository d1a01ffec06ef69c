import type { ContextTier, ListedPrice, Rates } from '@spanmeter/processors';
import { z } from 'zod';
import { USD } from './parameters.ts';

const RATES = z
  .record(z.string(), USD)
  .describe('USD as exact decimal text, by rate: `input_mtok` is per million input tokens.');

const TIERS = z.array(z.object({ above: z.int(), inclusive: z.boolean(), rates: RATES }));

const CONDITION = z.object({
  condition: z.string().describe('`tier`, `speed`, `geo`, `region`, `profile` or `search_context`.'),
  value: z.string().describe('`*` is every value without a price of its own.'),
  multiply: z.string().nullable().describe('Factor on all token rates but those with a factor of their own.'),
  factors: RATES.describe('Factors of single rates.'),
  rates: RATES.describe('Rates instead of those of the same name.'),
  tiers: TIERS.describe('Rates of the whole request under this condition, by its total input.'),
  standard: z.boolean().describe('Whether it applies to calls that do not say.'),
});

/** One model's price as the API shows it. */
export const PRICE_ANSWER: z.ZodType<PriceAnswer> = z.object({
  provider: z.string(),
  model: z.string().describe("The book's id."),
  aliases: z.array(z.string()).describe('Other names that are priced as this.'),
  layer: z
    .enum(['tenant', 'operator', 'overlay', 'base', 'list'])
    .describe('Whose price it is; a tenant goes before the operator, and both before the list.'),
  from: z.string().nullable().describe('Valid from, inclusive; null: always was.'),
  to: z.string().nullable().describe('Valid to, exclusive; null: until further notice.'),
  free: z.boolean(),
  least_seconds: z.number().nullable().describe('Seconds of audio that a call is billed for at least.'),
  rates: RATES,
  tiers: TIERS.describe('Rates of the whole request once its total input, cache included, passes a bound.'),
  windows: z
    .array(
      z.object({
        days: z.array(z.int()).describe('1 Monday to 7 Sunday; every day where empty.'),
        except: z.array(z.string()),
        from: z.string().describe('Time of day in UTC, inclusive.'),
        to: z.string().describe('Time of day in UTC, exclusive.'),
        rates: RATES,
      }),
    )
    .describe('Rates at certain hours.'),
  conditions: z.array(CONDITION),
  discounts: z.array(z.string()).describe('Negotiated factors on everything; all of them multiply.'),
  source: z.string().nullable().describe('Where a listed price was taken from.'),
  reviewed: z.string().nullable().describe('Date on which somebody checked it.'),
});

interface AnsweredTier {
  readonly above: number;
  readonly inclusive: boolean;
  readonly rates: Rates;
}

function tiersOf(tiers: readonly ContextTier[] | undefined): readonly AnsweredTier[] {
  return (tiers ?? []).map(({ above, inclusive, rates }) => ({
    above,
    inclusive: inclusive === true,
    rates,
  }));
}

interface AnsweredCondition {
  readonly condition: string;
  readonly value: string;
  readonly multiply: string | null;
  readonly factors: Rates;
  readonly rates: Rates;
  readonly tiers: readonly AnsweredTier[];
  readonly standard: boolean;
}

/** One model's price at one instant. Money is exact decimal text. */
export interface PriceAnswer {
  readonly provider: string;
  readonly model: string;
  readonly aliases: readonly string[];
  readonly layer: ListedPrice['layer'];
  readonly from: string | null;
  readonly to: string | null;
  readonly free: boolean;
  readonly least_seconds: number | null;
  readonly rates: Rates;
  readonly tiers: readonly AnsweredTier[];
  readonly windows: readonly {
    readonly days: readonly number[];
    readonly except: readonly string[];
    readonly from: string;
    readonly to: string;
    readonly rates: Rates;
  }[];
  readonly conditions: readonly AnsweredCondition[];
  readonly discounts: readonly string[];
  readonly source: string | null;
  readonly reviewed: string | null;
}

/** A price as programs read it; the same from the API and the command line. */
export function priceAnswer(listed: ListedPrice): PriceAnswer {
  const { price, provenance } = listed;
  return {
    provider: listed.provider,
    model: listed.model,
    aliases: listed.aliases,
    layer: listed.layer,
    from: listed.from,
    to: listed.to,
    free: price.free === true,
    least_seconds: price.leastSeconds ?? null,
    rates: price.rates,
    tiers: tiersOf(price.tiers),
    windows: (price.windows ?? []).map(({ days, except, from, to, rates }) => ({
      days: days ?? [],
      except: except ?? [],
      from,
      to,
      rates,
    })),
    conditions: listed.modifiers.map(({ condition, value, multiply, factors, rates, tiers, standard }) => ({
      condition,
      value,
      multiply: multiply ?? null,
      factors: factors ?? {},
      rates: rates ?? {},
      tiers: tiersOf(tiers),
      standard: standard === true,
    })),
    discounts: listed.discounts.map((discount) => discount.text),
    source: provenance?.source ?? null,
    reviewed: provenance?.reviewed ?? null,
  };
}
