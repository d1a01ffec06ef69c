import type { Scope } from './call.ts';
import type { Dialect, InclusionRule } from './dialects/dialect.ts';
import type { Inclusion } from './usage.ts';

/** Makes a test for a glob pattern in which `*` stands for any run of characters. */
export function globMatcher(pattern: string): (text: string) => boolean {
  if (!pattern.includes('*')) return (text) => text === pattern;
  const parts = pattern.split('*');
  const first = parts[0] ?? '';
  const last = parts[parts.length - 1] ?? '';
  const middle = parts.slice(1, -1);
  return (text) => {
    if (text.length < first.length + last.length) return false;
    if (!text.startsWith(first) || !text.endsWith(last)) return false;
    const end = text.length - last.length;
    let at = first.length;
    for (const part of middle) {
      const found = text.indexOf(part, at);
      if (found < 0 || found + part.length > end) return false;
      at = found + part.length;
    }
    return true;
  };
}

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

/**
 * Makes the decision of what an emitter's counts include, by (scope name, scope version, provider, model): no
 * key tells it. Counts that contradict the default prove the opposite: cached above input means exclusive;
 * reasoning above output does so only for vendors whose API counts it apart.
 */
export function inclusionDecider(
  dialects: readonly Dialect[],
): (scope: Scope, provider: string, model: string | null) => Inclusion {
  const rules: CompiledRule[] = dialects.flatMap((dialect) =>
    dialect.inclusion.map((rule) => ({ rule, scopes: rule.scopes.map(globMatcher) })),
  );
  const remembered = new Map<string, readonly InclusionRule[]>();

  const rulesOfScope = (scope: Scope): readonly InclusionRule[] => {
    const known = remembered.get(scope.name);
    if (known !== undefined) return known;
    const found = rules
      .filter((each) => each.scopes.some((test) => test(scope.name)))
      .map((each) => each.rule);
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    remembered.set(scope.name, found);
    return found;
  };

  const applies = (rule: InclusionRule, scope: Scope, provider: string, model: string | null): boolean => {
    if (rule.below !== undefined && !versionBelow(scope.version, rule.below)) return false;
    if (rule.providers !== undefined && !rule.providers.includes(provider)) return false;
    if (rule.models === undefined) return true;
    const name = model?.toLowerCase() ?? '';
    return rule.models.some((part) => name.includes(part));
  };

  return (scope, provider, model) => {
    const rule = rulesOfScope(scope).find((each) => applies(each, scope, provider, model));
    return {
      inputIncludesCached: rule?.inputIncludesCached ?? true,
      outputIncludesReasoning: rule?.outputIncludesReasoning ?? true,
      inferExclusiveInput: true,
      inferExclusiveOutput: countsReasoningApart(provider),
    };
  };
}

/** True for vendors whose own API leaves reasoning out of the output count (xAI chat, Gemini candidates). */
export function countsReasoningApart(provider: string): boolean {
  return provider === 'x_ai' || provider.startsWith('gcp.');
}
