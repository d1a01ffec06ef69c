import type { Conditions } from './call.ts';
import { profileOfRegion } from './match.ts';
import type { ModelMatch } from './price-book.ts';
import type { ConditionName } from './price-entry.ts';
import type { CompiledModifier, CompiledPeriod } from './price-period.ts';

/** Values that mean the ordinary price. */
const NEUTRAL: Readonly<Record<ConditionName, ReadonlySet<string>>> = {
  tier: new Set(['default', 'standard', 'standard_only', 'on_demand', 'regular']),
  speed: new Set(['standard', 'normal', 'default']),
  geo: new Set(['global', 'not_available', 'default']),
  region: new Set(['global']),
  profile: new Set(),
  search_context: new Set(),
};

const CONDITION_NAMES: readonly ConditionName[] = [
  'tier',
  'speed',
  'geo',
  'region',
  'profile',
  'search_context',
];

/** True where nothing can change the price of this period: the common case, worth testing for first. */
export function isUnconditional(conditions: Conditions, match: ModelMatch, period: CompiledPeriod): boolean {
  return (
    (match.profile === null || match.profile === '' || period.ofProfile === true) &&
    match.location === null &&
    conditions.serviceTier === undefined &&
    conditions.batch === undefined &&
    conditions.speed === undefined &&
    conditions.inferenceGeo === undefined &&
    conditions.region === undefined &&
    conditions.searchContextSize === undefined &&
    !period.hasStandard
  );
}

/** The region that this provider's price goes by. */
function regionValue(
  provider: string,
  conditions: Conditions,
  match: ModelMatch,
  period: CompiledPeriod,
): string | null {
  // A resource name with a location is Vertex AI's, whatever the SDK calls itself.
  if (match.location !== null) return match.location;
  const region = conditions.region ?? null;
  switch (provider) {
    case 'gcp.vertex_ai':
    case 'openai':
    case 'x_ai':
      return region;
    case 'aws.bedrock':
      // Where the name states no profile, a region with a price of its own goes before its geography's.
      return match.profile === null && hasRegion(period, region) ? region : null;
    default:
      return null;
  }
}

function hasRegion(period: CompiledPeriod, region: string | null): boolean {
  return period.modifiers.get('region')?.some((each) => each.modifier.value === region) === true;
}

/** The profile whose prices a region follows; none where the region has prices of its own. */
function profileValue(
  provider: string,
  conditions: Conditions,
  match: ModelMatch,
  period: CompiledPeriod,
): string | null {
  if (match.profile !== null) return match.profile || null;
  const region = conditions.region ?? null;
  if (region === null || provider !== 'aws.bedrock' || hasRegion(period, region)) return null;
  return profileOfRegion(region);
}

function valueOf(
  name: ConditionName,
  provider: string,
  conditions: Conditions,
  match: ModelMatch,
  period: CompiledPeriod,
): string | null {
  switch (name) {
    case 'tier': {
      const tier = conditions.serviceTier ?? null;
      if (conditions.batch !== true) return tier;
      // Batch of a tier of its own is no price that anybody lists.
      return tier === null || tier === 'batch' || NEUTRAL.tier.has(tier) ? 'batch' : `batch ${tier}`;
    }
    case 'speed':
      return conditions.speed ?? null;
    case 'geo':
      return conditions.inferenceGeo ?? null;
    case 'search_context':
      return conditions.searchContextSize ?? null;
    case 'region':
      return regionValue(provider, conditions, match, period);
    case 'profile':
      return profileValue(provider, conditions, match, period);
    default:
      return name satisfies never;
  }
}

function fits(modifier: CompiledModifier, value: string, provider: string, at: number): boolean {
  if (at < modifier.from || at >= modifier.to) return false;
  const { value: own, providers } = modifier.modifier;
  return (own === value || own === '*') && (providers === undefined || providers.includes(provider));
}

/** The modifiers that hold, or the name of a condition that has a value nobody priced. */
export type ResolvedConditions =
  | { readonly modifiers: readonly CompiledModifier[]; readonly unpriced: null }
  | { readonly modifiers: null; readonly unpriced: string };

/** Finds what the conditions of a call do to its price. An unknown value is never ignored. */
export function resolveConditions(
  provider: string,
  conditions: Conditions,
  match: ModelMatch,
  period: CompiledPeriod,
  at: number,
): ResolvedConditions {
  const modifiers: CompiledModifier[] = [];
  // Through a gateway's deployment the prices are another provider's: those for its own callers.
  const seller = match.listedBy;
  for (const name of CONDITION_NAMES) {
    const isCovered = name === 'profile' && period.ofProfile === true;
    const value = isCovered ? null : valueOf(name, provider, conditions, match, period);
    const known = period.modifiers.get(name) ?? [];
    if (value === null) {
      const standard = known.find(
        (each) => each.modifier.standard === true && fits(each, each.modifier.value, seller, at),
      );
      if (standard !== undefined) modifiers.push(standard);
      continue;
    }
    const exact = known.find((each) => each.modifier.value === value && fits(each, value, seller, at));
    // A neutral value has its own modifier at most, never the one for all others.
    const found =
      exact ?? (NEUTRAL[name].has(value) ? undefined : known.find((each) => fits(each, value, seller, at)));
    // A call in a region is not one through its geography's profile: they agree only where neither costs more.
    const isOther = name === 'profile' && match.profile === null && found?.modifier.multiply !== '1';
    if (found !== undefined && !isOther) modifiers.push(found);
    else if (!NEUTRAL[name].has(value)) return { modifiers: null, unpriced: `${name} ${value}` };
  }
  return { modifiers, unpriced: null };
}
