import type { CostLine, Usage, UsageBucket } from './call.ts';
import { modelNames } from './match.ts';
import type { Rational } from './money.ts';
import { formatRational, parseDecimal } from './money.ts';
import type { NearModel } from './nearest-models.ts';
import { nearestModels } from './nearest-models.ts';
import type { ModelMatch, PriceBook } from './price-book.ts';
import { resolveConditions } from './price-conditions.ts';
import type { Modifier, RateName, TimeWindow } from './price-entry.ts';
import type { ListedPrice } from './price-listing.ts';
import { listedPrice, periodInForce } from './price-listing.ts';
import type { CompiledPeriod } from './price-period.ts';
import { windowAt } from './price-period.ts';
import type { PriceRequest, PriceResult } from './price.ts';
import { contextTokens, matchModel, priceUsage } from './price.ts';
import { sellerOf } from './providers.ts';
import { BUCKET_INDEX, RATE_MEANINGS, RATE_NAMES } from './rate-table.ts';

/** How a name on a span led to a model: as it is, without its wrapping, by another name, without its date. */
export type MatchKind = 'exact' | 'unwrapped' | 'alias' | 'dated';

/** How a model was recognised. */
export interface ExplainedMatch {
  /** The name on the span, and which of its two models it is. */
  readonly name: string;
  readonly of: 'response' | 'request';
  /** What a deployment of that name stands for; null where none has it. */
  readonly deployedAs: string | null;
  readonly kind: MatchKind;
  /** The name that the price was found by. */
  readonly foundBy: string;
  readonly model: string;
  readonly profile: string | null;
  readonly location: string | null;
}

/** How input with everything cached stands to the price's bounds. */
export interface ExplainedContext {
  readonly tokens: number;
  /** Bound of the tier that applies; null for the price below all of them. */
  readonly tier: { readonly above: number; readonly inclusive: boolean } | null;
  readonly bounds: readonly { readonly above: number; readonly inclusive: boolean }[];
}

/** The whole reasoning behind an amount, or behind there being none. */
export interface PriceExplanation {
  readonly version: string;
  readonly provider: string;
  /** Whose price list the provider is billed by. */
  readonly seller: string;
  /** Whether the book has anything of this seller. */
  readonly isKnownSeller: boolean;
  /** The model that was asked for: of the response, else of the request. */
  readonly asked: string | null;
  readonly result: PriceResult;
  readonly match: ExplainedMatch | null;
  readonly price: ListedPrice | null;
  /** Null where the price has no tiers of context size. */
  readonly context: ExplainedContext | null;
  /** The window of hours that the call started in. */
  readonly window: TimeWindow | null;
  readonly conditions: readonly Modifier[];
  /** Exact decimal USD: the sum of the lines before the one rounding; null without an amount. */
  readonly sumUsd: string | null;
  /** Rates that the usage would need and the price does not have. */
  readonly missingRates: readonly RateName[];
  /** For a model without a price: what somebody may have meant. */
  readonly nearest: readonly NearModel[];
}

interface Asked {
  readonly name: string;
  readonly of: 'response' | 'request';
  readonly match: ModelMatch;
}

function askedOf(book: PriceBook, request: PriceRequest): Asked | null {
  const { provider, responseModel, requestModel } = request;
  const at = Number(request.atMicros);
  const match = matchModel(book, provider, responseModel, requestModel, at);
  if (match === null) return null;
  // A book remembers its matches, so that the same match is the same object.
  if (responseModel !== null && book.match(provider, responseModel, at) === match)
    return { name: responseModel, of: 'response', match };
  return { name: requestModel ?? responseModel ?? match.lookedUp, of: 'request', match };
}

function kindOf(seller: string, lookedUp: string, foundBy: string, model: string): MatchKind {
  const plain = lookedUp.trim().toLowerCase();
  if (plain === foundBy) return foundBy === model ? 'exact' : 'alias';
  const isExact = modelNames(seller, lookedUp).exact.some((candidate) => candidate.name === foundBy);
  if (!isExact) return 'dated';
  return foundBy === model ? 'unwrapped' : 'alias';
}

function explainMatch(asked: Asked, seller: string): ExplainedMatch {
  const { name, of, match } = asked;
  const part = match.parts.find((each) => each.layer === null) ?? match.parts[0];
  const foundBy = part?.name ?? match.model;
  return {
    name,
    of,
    deployedAs: match.lookedUp === name ? null : match.lookedUp,
    kind: kindOf(seller, match.lookedUp, foundBy, part?.entry.model ?? match.model),
    foundBy,
    model: match.model,
    profile: match.profile === '' ? null : match.profile,
    location: match.location,
  };
}

/** Adds up the lines exactly. */
export function sumOfLines(lines: readonly CostLine[]): string {
  let sum: Rational = { numerator: 0n, denominator: 1n };
  for (const line of lines) {
    const amount = parseDecimal(line.amount);
    if (amount === null) continue;
    sum = {
      numerator: sum.numerator * amount.denominator + amount.numerator * sum.denominator,
      denominator: sum.denominator * amount.denominator,
    };
  }
  return formatRational(sum);
}

/** Where a request is unpriced though its model and conditions are: what was used without a rate. */
function missingRates(period: CompiledPeriod, usage: Usage): RateName[] {
  return RATE_NAMES.filter((name) => {
    const { bucket } = RATE_MEANINGS[name];
    const isUsed = usage[bucket] !== undefined && !/^[0.]*$/.test(usage[bucket] ?? '');
    const isAmbient = period.table.hasTokens && AMBIENT.has(bucket);
    return isUsed && !isAmbient && period.table.byBucket[BUCKET_INDEX.get(bucket) ?? -1] === null;
  });
}

/** What only measures a call that tokens count already. */
const AMBIENT: ReadonlySet<UsageBucket> = new Set(['requests', 'duration_seconds']);

/**
 * Prices a request as `priceUsage` does, and says step by step why it came to that. For people: it takes many
 * times as long.
 */
export function explainPrice(book: PriceBook, request: PriceRequest): PriceExplanation {
  const { provider } = request;
  const seller = sellerOf(provider);
  const at = Number(request.atMicros);
  const result = priceUsage(book, { ...request, lines: true });
  const asked = askedOf(book, request);
  const found = asked === null ? null : periodInForce(asked.match, at);
  const named = request.responseModel ?? request.requestModel;
  const bounds = (found?.price.tiers ?? []).map(({ above, inclusive }) => ({
    above,
    inclusive: inclusive === true,
  }));
  const tokens = contextTokens(request.usage);
  const window = found === null ? null : windowAt(found.compiled, at);
  const windowIndex = window === null ? -1 : (found?.compiled.windows.indexOf(window) ?? -1);
  const resolved =
    asked === null || found === null
      ? null
      : resolveConditions(provider, request.conditions, asked.match, found.compiled, at);
  return {
    version: book.version,
    provider,
    seller,
    isKnownSeller:
      book.lists.has(seller) ||
      book.layers.some((layer) => layer.prices.some((price) => price.provider === provider)),
    asked: named,
    result,
    match: asked === null ? null : explainMatch(asked, seller),
    price: asked === null ? null : listedPrice(book, provider, asked.match, at),
    context:
      bounds.length === 0
        ? null
        : {
            tokens,
            tier:
              bounds
                .toSorted((a, b) => b.above - a.above)
                .find(({ above, inclusive }) => (inclusive ? tokens >= above : tokens > above)) ?? null,
            bounds,
          },
    window: found?.price.windows?.[windowIndex] ?? null,
    conditions: resolved?.modifiers?.map(({ modifier }) => modifier) ?? [],
    sumUsd: result.costPicoUsd === null ? null : sumOfLines(result.lines),
    missingRates:
      result.status === 'unpriced_dimension' && found !== null
        ? missingRates(found.compiled, request.usage)
        : [],
    nearest: asked === null && named !== null ? nearestModels(book, provider, named) : [],
  };
}
