import type { Modifier, PriceExplanation, Rates } from '@spanmeter/processors';
import { stringify } from 'yaml';

/** Stands where somebody has to put a figure; a file that still has it is refused. */
const PLACEHOLDER = '?';

function snippet(prices: object): string {
  return stringify({ prices: [prices] }, { singleQuote: true });
}

/** The file names rates beside what they are of. */
function flat({ rates, ...rest }: { readonly rates: Rates }): object {
  return { ...rest, ...rates };
}

/** What a prices file can say of a condition: no factors of single rates, no tiers of its own. */
function conditionOf({ condition, value, multiply, standard, from, to, rates }: Modifier): object {
  const says = { multiply, standard, from, to };
  const known = Object.entries(says).filter(([, each]) => each !== undefined);
  return { [condition]: value, ...Object.fromEntries(known), ...rates };
}

/**
 * A prices file that would price what has no price, with `?` where the figures go. A price of one's own replaces
 * the list's, so it repeats what is listed. Null where no price would help.
 */
export function overrideSnippet(explanation: PriceExplanation): string | null {
  const { result, provider, match, price, missingRates } = explanation;
  const model = match?.model ?? explanation.asked;
  if (model === null) return null;
  if (result.status === 'unpriced_model') {
    return snippet({ provider, model, input_mtok: PLACEHOLDER, output_mtok: PLACEHOLDER });
  }
  if (result.status !== 'unpriced_dimension' || price === null) return null;
  const missing = Object.fromEntries(missingRates.map((name) => [name, PLACEHOLDER]));
  const [condition, ...value] = (result.reason ?? '').split(' ');
  const isCondition = ['tier', 'speed', 'geo', 'region', 'profile', 'search_context'].includes(
    condition ?? '',
  );
  if (missingRates.length === 0 && !isCondition) return null;
  const { rates, tiers = [], windows = [] } = price.price;
  const conditions = [
    ...price.modifiers
      .filter((each) => each.multiply !== undefined || each.rates !== undefined)
      .map(conditionOf),
    ...(isCondition && condition !== undefined
      ? [{ [condition]: value.join(' '), multiply: PLACEHOLDER }]
      : []),
  ];
  return snippet({
    provider,
    model,
    ...rates,
    ...missing,
    ...(tiers.length === 0 ? {} : { tiers: tiers.map(flat) }),
    ...(windows.length === 0 ? {} : { windows: windows.map(flat) }),
    ...(conditions.length === 0 ? {} : { conditions }),
  });
}
