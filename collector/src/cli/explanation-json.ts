import type { PriceExplanation } from '@spanmeter/processors';
import { priceAnswer } from '../api/price-answer.ts';

/** The reasoning for programs. */
export function explanationJson(explanation: PriceExplanation): Readonly<Record<string, unknown>> {
  const { match, price, context, window, conditions, result } = explanation;
  return {
    provider: explanation.provider,
    seller: explanation.seller,
    status: result.status,
    reason: result.reason,
    match:
      match === null
        ? null
        : {
            name: match.name,
            of: match.of,
            deployed_as: match.deployedAs,
            kind: match.kind,
            found_by: match.foundBy,
            model: match.model,
            profile: match.profile,
            location: match.location,
          },
    price: price === null ? null : priceAnswer(price),
    context,
    window,
    conditions,
    sum_usd: explanation.sumUsd,
    missing_rates: explanation.missingRates,
    nearest: explanation.nearest,
    price_version: explanation.version,
  };
}
