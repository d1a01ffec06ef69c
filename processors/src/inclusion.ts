import type { Scope } from './call.ts';
import type { Dialect, InclusionRule } from './dialects/dialect.ts';
import { globMatcher } from './glob.ts';
import { remembered } from './remembered.ts';
import type { Inclusion } from './usage.ts';

function versionBelow(version: string, bound: string): boolean {
  const left = version.split(/[.+-]/);
  const right = bound.split('.');
  for (let i = 0; i < right.length; i++) {
    const difference = Number.parseInt(left[i] ?? '0', 10) - Number.parseInt(right[i] ?? '0', 10);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

interface CompiledRule {
  readonly rule: InclusionRule;
  readonly scopes: readonly ((name: string) => boolean)[];
}

/** Bound on remembered scopes; a sender that makes up scope names costs time, not memory. */
const MAX_REMEMBERED = 1000;

/** What an emitter's counts include, by scope, canonical provider and model. */
export type InclusionDecider = (scope: Scope, provider: string, model: string | null) => Inclusion;

function inclusionOf(rule: InclusionRule | undefined, provider: string): Inclusion {
  return {
    inputIncludesCached: rule?.inputIncludesCached ?? true,
    outputIncludesReasoning: rule?.outputIncludesReasoning ?? true,
    inferExclusiveInput: true,
    inferExclusiveOutput: countsReasoningApart(provider),
  };
}

const ORDINARY = inclusionOf(undefined, '');
const REASONING_APART = inclusionOf(undefined, 'x_ai');

/**
 * Makes the decision of what an emitter's counts include, by (scope name, scope version, provider, model): no
 * key tells it. Counts that contradict the default prove the opposite: cached above input means exclusive;
 * reasoning above output does so only for vendors whose API counts it apart.
 */
export function inclusionDecider(dialects: readonly Dialect[]): InclusionDecider {
  const rules: CompiledRule[] = dialects.flatMap((dialect) =>
    dialect.inclusion.map((rule) => ({ rule, scopes: rule.scopes.map(globMatcher) })),
  );
  const rulesOfScope = remembered(
    (name) => rules.filter((each) => each.scopes.some((test) => test(name))).map((each) => each.rule),
    MAX_REMEMBERED,
  );

  const applies = (rule: InclusionRule, scope: Scope, provider: string, model: string | null): boolean => {
    if (rule.below !== undefined && !versionBelow(scope.version, rule.below)) return false;
    if (rule.providers !== undefined && !rule.providers.includes(provider)) return false;
    if (rule.models === undefined) return true;
    const name = model?.toLowerCase() ?? '';
    return rule.models.some((part) => name.includes(part));
  };

  return (scope, provider, model) => {
    const rule = rulesOfScope(scope.name).find((each) => applies(each, scope, provider, model));
    if (rule !== undefined) return inclusionOf(rule, provider);
    return countsReasoningApart(provider) ? REASONING_APART : ORDINARY;
  };
}

/** True for vendors whose own API leaves reasoning out of the output count (xAI chat, Gemini candidates). */
export function countsReasoningApart(provider: string): boolean {
  return provider === 'x_ai' || provider.startsWith('gcp.');
}
