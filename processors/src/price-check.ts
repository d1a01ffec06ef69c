import { instantText } from './iso-instant.ts';
import { globMatcher } from './glob.ts';
import type { Overlay, OverlayEntry, OverlayPatch } from './overlay-entry.ts';
import type { Modifier, PriceEntry, PriceList, PricePeriod, RateName } from './price-entry.ts';
import { mergeLists } from './price-lists.ts';
import type { PricedLine } from './price-line.ts';
import { compilePeriod, instantMicros } from './price-period.ts';
import { RATE_NAMES } from './rate-table.ts';

/** What a check of the prices found. */
export interface PriceFinding {
  /** `golden`: a case is not met. `broken`: a reviewed entry cannot be right. The others are to be looked at. */
  readonly kind: 'golden' | 'broken' | 'redundant' | 'shadowed' | 'difference';
  /** What it is about, stable over runs: `openai o3 cache_read_mtok`. */
  readonly subject: string;
  /** What is the matter, for a person. */
  readonly text: string;
}

/** A finding that somebody has looked at and decided to live with. */
export interface AcceptedFinding {
  readonly kind: PriceFinding['kind'] | 'map';
  /** Subject, with `*` for any run of characters. */
  readonly subject: string;
  readonly reason: string;
}

/** The findings that no accepted one covers. */
export function newFindings<T extends { readonly kind: string; readonly subject: string }>(
  found: readonly T[],
  accepted: readonly AcceptedFinding[],
): readonly T[] {
  const tests = accepted.map(({ kind, subject }) => ({ kind, matches: globMatcher(subject) }));
  return found.filter((each) => !tests.some((test) => test.kind === each.kind && test.matches(each.subject)));
}

/** True where a finding makes a book that should not be shipped. */
export function isFatal(finding: PriceFinding): boolean {
  return finding.kind === 'golden' || finding.kind === 'broken';
}

function fieldOf(line: unknown, name: string): string | null {
  const value =
    line !== null && typeof line === 'object' ? (line as Readonly<Record<string, unknown>>)[name] : null;
  return typeof value === 'string' ? value : null;
}

/** Compares cases, each a question with `status` and `expectedUsd`, with what a pricer answers. */
export function checkGolden(
  cases: readonly unknown[],
  price: (line: unknown) => PricedLine,
): readonly PriceFinding[] {
  return cases.flatMap((each) => {
    const answer = price(each);
    const [status, usd] = [fieldOf(each, 'status'), fieldOf(each, 'expectedUsd')];
    if (answer.status === status && answer.costUsd === usd) return [];
    const text = `expected ${status} ${usd ?? 'no amount'}, got ${answer.status} ${answer.costUsd ?? 'no amount'}`;
    const reason = answer.reason === undefined ? '' : ` (${answer.reason})`;
    return [{ kind: 'golden', subject: fieldOf(each, 'id') ?? '', text: `${text}${reason}` }];
  });
}

function sourceFault(reviewed: { readonly source: string; readonly reviewed: string }): string | null {
  if (reviewed.source.trim() === '') return 'has no source';
  return /^\d{4}-\d{2}-\d{2}$/.test(reviewed.reviewed) ? null : 'has no day of review (2026-11-21)';
}

function periodFault(entry: OverlayEntry): string | null {
  for (const period of entry.periods) {
    try {
      const { from, to } = compilePeriod(period);
      if (from >= to) return `has a price from ${period.from} that ends before it begins`;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
  return null;
}

/** Patterns that match no model on any of the lists. */
function idlePatterns(
  lists: ReadonlyMap<string, { readonly entries: ReadonlyMap<string, PriceEntry> }>,
  sellers: readonly string[],
  models: readonly string[],
): readonly string[] {
  const names = sellers.flatMap((seller) => [...(lists.get(seller)?.entries.keys() ?? [])]);
  return models.filter((pattern) => {
    const matches = globMatcher(pattern);
    return !names.some(matches);
  });
}

function brokenEntries(base: readonly PriceList[], overlay: Overlay): PriceFinding[] {
  const found: PriceFinding[] = [];
  const broken = (subject: string, text: string): void => {
    found.push({ kind: 'broken', subject, text });
  };
  const lists = mergeLists(base, overlay);
  const untouched = mergeLists(base, { ...overlay, removals: [], resales: [] });
  for (const entry of overlay.entries) {
    const fault = sourceFault(entry) ?? periodFault(entry);
    if (fault !== null) broken(`${entry.seller} ${entry.model}`, fault);
  }
  for (const patch of overlay.patches) {
    const subject = `${patch.sellers.join(',')} ${patch.models.join(',')}`;
    const fault = sourceFault(patch);
    if (fault !== null) broken(subject, fault);
    for (const pattern of idlePatterns(lists, patch.sellers, patch.models)) {
      broken(`${patch.sellers.join(',')} ${pattern}`, `a patch matches no model (${patch.source})`);
    }
  }
  for (const { seller, of, models, ...reviewed } of overlay.resales) {
    const fault = sourceFault(reviewed);
    if (fault !== null) broken(`${seller} of ${of}`, fault);
    for (const pattern of idlePatterns(untouched, [of], models)) {
      broken(`${seller} of ${of} ${pattern}`, `a resale matches no model (${reviewed.source})`);
    }
  }
  for (const { seller, models, ...reviewed } of overlay.removals) {
    const fault = sourceFault(reviewed);
    if (fault !== null) broken(`${seller} ${models.join(',')}`, fault);
    for (const pattern of idlePatterns(untouched, [seller], models)) {
      broken(`${seller} ${pattern}`, `a removal matches no model (${reviewed.source})`);
    }
  }
  return found;
}

function startOf(period: PricePeriod): number {
  return period.from === undefined ? -Infinity : instantMicros(period.from);
}

function endOf(period: PricePeriod): number {
  return period.to === undefined ? Infinity : instantMicros(period.to);
}

/** Where two prices of one model meet in time: an instant inside both, or null. */
function overlap(a: PricePeriod, b: PricePeriod): number | null {
  const from = Math.max(startOf(a), startOf(b));
  const to = Math.min(endOf(a), endOf(b));
  if (from >= to) return null;
  return Number.isFinite(from) ? from : Number.isFinite(to) ? to - 1 : 0;
}

function differingRates(own: PricePeriod, other: PricePeriod): readonly RateName[] {
  return RATE_NAMES.filter((name) => own.rates[name] !== other.rates[name]);
}

function samePrice(own: PricePeriod, other: PricePeriod): boolean {
  const price = (period: PricePeriod): string =>
    JSON.stringify([
      period.free ?? false,
      RATE_NAMES.map((name) => period.rates[name] ?? null),
      period.tiers ?? [],
      period.windows ?? [],
      period.modifiers ?? [],
    ]);
  return price(own) === price(other);
}

/** Reviewed prices next to the base's own of the same model and time. */
function comparedEntries(base: readonly PriceList[], overlay: Overlay): PriceFinding[] {
  const found: PriceFinding[] = [];
  const known = new Map(
    base.flatMap(({ seller, entries }) =>
      entries.map((entry): [string, PriceEntry] => [`${seller} ${entry.model}`, entry]),
    ),
  );
  for (const entry of overlay.entries) {
    const subject = `${entry.seller} ${entry.model}`;
    const other = known.get(subject);
    if (other === undefined || entry.periods.length === 0) continue;
    const pairs = entry.periods.flatMap((own) =>
      other.periods.flatMap((theirs) => {
        const at = overlap(own, theirs);
        return at === null ? [] : [{ own, theirs, at }];
      }),
    );
    const isCovered = entry.periods.every((own) => pairs.some((pair) => pair.own === own));
    if (isCovered && pairs.every(({ own, theirs }) => samePrice(own, theirs))) {
      found.push({
        kind: 'redundant',
        subject,
        text: `the base has the same price since the review of ${entry.reviewed} (${entry.source})`,
      });
    }
    for (const { own, theirs, at } of pairs) {
      for (const name of differingRates(own, theirs)) {
        found.push({
          kind: 'difference',
          subject: `${subject} ${name}`,
          text: `${theirs.rates[name] ?? 'none'} in the base, ${own.rates[name] ?? 'none'} here at ${instantText(at)} (${entry.source})`,
        });
      }
    }
  }
  return found;
}

function covers(earlier: Modifier, later: Modifier): boolean {
  if (earlier.condition !== later.condition) return false;
  // A value of its own goes before the one for all others, wherever it stands.
  if (earlier.value !== later.value) return false;
  const { providers } = earlier;
  if (providers !== undefined && later.providers?.every((id) => providers.includes(id)) !== true)
    return false;
  const starts = startOf({ rates: {}, ...earlier }) <= startOf({ rates: {}, ...later });
  return starts && endOf({ rates: {}, ...earlier }) >= endOf({ rates: {}, ...later });
}

/** Conditions of patches that an earlier one goes before on every model they name. */
function shadowedModifiers(base: readonly PriceList[], overlay: Overlay): PriceFinding[] {
  const effective = new Set<Modifier>();
  for (const { entries } of mergeLists(base, overlay).values()) {
    for (const { periods } of entries.values()) {
      for (const { modifiers = [] } of periods) {
        modifiers.forEach((each, i) => {
          if (!modifiers.slice(0, i).some((other) => covers(other, each))) effective.add(each);
        });
      }
    }
  }
  return overlay.patches.flatMap((patch: OverlayPatch) =>
    (patch.modifiers ?? [])
      .filter((each) => !effective.has(each))
      .map((each): PriceFinding => ({
        kind: 'shadowed',
        subject: `${patch.sellers.join(',')} ${patch.models.join(',')} ${each.condition} ${each.value}`,
        text: `another patch goes before it on every model that it names (${patch.source})`,
      })),
  );
}

/**
 * Checks reviewed prices against the base they lie over: entries without source or day of review, patterns that
 * match nothing, prices that the base has by now, conditions that never apply, and every rate that differs.
 */
export function checkOverlay(base: readonly PriceList[], overlay: Overlay): readonly PriceFinding[] {
  return [
    ...brokenEntries(base, overlay),
    ...comparedEntries(base, overlay),
    ...shadowedModifiers(base, overlay),
  ];
}
