import { globMatcher } from './glob.ts';
import { nearestModels } from './nearest-models.ts';
import type { PriceBook } from './price-book.ts';
import type { PriceEntry, PricePeriod } from './price-entry.ts';
import type { Discount, PriceLayer } from './price-layer.ts';
import { instantText } from './iso-instant.ts';
import { modelsOf, periodInForce } from './price-listing.ts';
import { compilePeriod } from './price-period.ts';

/** Something in a book that somebody should look at. */
export interface BookFinding {
  /** `error`: calls cannot be priced as meant. `warning`: probably a mistake. `note`: worth knowing. */
  readonly level: 'error' | 'warning' | 'note';
  /** Stable name of what was looked for. */
  readonly code:
    | 'unreadable'
    | 'overlap'
    | 'gap'
    | 'expired'
    | 'future'
    | 'unknown_model'
    | 'deployment_without_price'
    | 'discount_of_nothing';
  readonly layer: 'list' | 'operator' | 'tenant';
  readonly provider: string;
  readonly model: string;
  readonly message: string;
}

/** What to look at. */
export interface BookCheckOptions {
  /** Microseconds since the epoch: what is expired and what is to come. */
  readonly atMicros: number;
  /** Leaves out what an extended book shares with the one it extends: all but the last layer. */
  readonly lastLayerOnly?: boolean;
}

interface Span {
  readonly from: number;
  readonly to: number;
}

type Place = Pick<BookFinding, 'layer' | 'provider' | 'model'>;
type Report = (place: Place, level: BookFinding['level'], code: BookFinding['code'], message: string) => void;

function dayOf(micros: number): string {
  return instantText(micros) ?? 'always';
}

/** Compiles periods one by one; a faulty one is reported and left out. */
function spansOf(periods: readonly PricePeriod[], place: Place, report: Report): readonly Span[] {
  return periods.flatMap((period) => {
    try {
      const { from, to } = compilePeriod(period);
      if (from < to) return [{ from, to }];
      report(place, 'error', 'unreadable', `is valid from ${dayOf(from)} to ${dayOf(to)}, which is never`);
    } catch (error) {
      report(place, 'error', 'unreadable', error instanceof Error ? error.message : String(error));
    }
    return [];
  });
}

function reportCoverage(spans: readonly Span[], place: Place, at: number, report: Report): void {
  if (spans.length === 0) return;
  const sorted = spans.toSorted((a, b) => (a.from === b.from ? 0 : a.from < b.from ? -1 : 1));
  let end = sorted[0]?.to ?? Infinity;
  for (const { from, to } of sorted.slice(1)) {
    if (from > end) {
      report(place, 'warning', 'gap', `has no price from ${dayOf(end)} to ${dayOf(from)}`);
    }
    end = Math.max(end, to);
  }
  const first = sorted[0]?.from ?? -Infinity;
  if (end <= at) report(place, 'warning', 'expired', `has had no price since ${dayOf(end)}`);
  else if (first > at) report(place, 'note', 'future', `has no price until ${dayOf(first)}`);
}

/** In one layer the price that began last applies; two with the same start are two answers to one question. */
function reportOverlaps(spans: readonly Span[], place: Place, report: Report): void {
  const starts = new Map<number, number>();
  for (const { from } of spans) starts.set(from, (starts.get(from) ?? 0) + 1);
  for (const [from, count] of starts) {
    if (count > 1) report(place, 'error', 'overlap', `has ${count} prices that begin at ${dayOf(from)}`);
  }
}

function checkLists(book: PriceBook, at: number, report: Report): void {
  for (const { seller, entries } of book.lists.values()) {
    for (const entry of entries.values()) {
      const place: Place = { layer: 'list', provider: seller, model: entry.model };
      reportCoverage(spansOf(entry.periods, place, report), place, at, report);
    }
  }
}

function isListed(book: PriceBook, provider: string, model: string): boolean {
  return book.match(provider, model)?.parts.some((part) => part.layer === null) === true;
}

/** A price of one's own is a custom model's, unless there is a listed name that it nearly is. */
function reportTypo(book: PriceBook, place: Place, report: Report): void {
  const { provider, model } = place;
  if (isListed(book, provider, model)) return;
  const near = nearestModels(book, provider, model, 4).find(
    (each) => each.provider === provider && each.model !== model && isListed(book, provider, each.model),
  );
  if (near === undefined) return;
  report(
    place,
    'warning',
    'unknown_model',
    `is no listed model: a custom one, or was ${near.model} meant? Nothing else is priced by it.`,
  );
}

function reportDiscount(book: PriceBook, discount: Discount, layer: Place['layer'], report: Report): void {
  const models = modelsOf(book, discount.provider);
  const wanted = discount.models ?? ['*'];
  for (const pattern of wanted) {
    const test = globMatcher(pattern.trim().toLowerCase());
    if (models.some((model) => test(model.toLowerCase()))) continue;
    if (!pattern.includes('*') && book.match(discount.provider, pattern) !== null) continue;
    const place: Place = { layer, provider: discount.provider, model: pattern };
    report(place, 'warning', 'discount_of_nothing', 'is discounted, but no model is called that');
  }
}

function checkLayer(
  book: PriceBook,
  layer: PriceLayer,
  name: 'operator' | 'tenant',
  at: number,
  report: Report,
): void {
  const entries = new Map<string, PriceEntry & { readonly provider: string }>();
  for (const { provider, model, periods } of layer.prices) {
    const key = JSON.stringify([provider, model.toLowerCase()]);
    entries.set(key, { provider, model, periods: [...(entries.get(key)?.periods ?? []), ...periods] });
  }
  for (const { provider, model, periods } of entries.values()) {
    const place: Place = { layer: name, provider, model };
    const spans = spansOf(periods, place, report);
    reportOverlaps(spans, place, report);
    // Where a list goes on under it, a price of one's own may end or begin whenever it likes.
    if (!isListed(book, provider, model)) reportCoverage(spans, place, at, report);
    else reportEnded(spans, place, at, report);
    reportTypo(book, place, report);
  }
  for (const { provider, name: deployment, model } of layer.deployments) {
    const match = book.match(provider, deployment, at);
    if (match !== null && periodInForce(match, at) !== null) continue;
    const near = nearestModels(book, provider, model, 1)[0];
    const meant = near === undefined ? '' : `; was ${near.model} meant?`;
    const place: Place = { layer: name, provider, model: deployment };
    report(place, 'error', 'deployment_without_price', `stands for ${model}, which has no price${meant}`);
  }
  for (const discount of layer.discounts) reportDiscount(book, discount, name, report);
}

function reportEnded(spans: readonly Span[], place: Place, at: number, report: Report): void {
  const end = Math.max(...spans.map((span) => span.to));
  const start = Math.min(...spans.map((span) => span.from));
  if (end <= at)
    report(place, 'note', 'expired', `of one's own ended at ${dayOf(end)}; the list applies since`);
  else if (start > at) report(place, 'note', 'future', `of one's own begins at ${dayOf(start)}`);
}

/**
 * Looks a book over for what would leave calls without a price or give them another than was meant. Expects a
 * book that could be made; a file that cannot be read is refused before.
 */
export function checkBook(book: PriceBook, options: BookCheckOptions): readonly BookFinding[] {
  const { atMicros: at, lastLayerOnly = false } = options;
  const findings: BookFinding[] = [];
  const report: Report = (place, level, code, message) => findings.push({ level, code, ...place, message });
  if (!lastLayerOnly) checkLists(book, at, report);
  const last = book.layers.length - 1;
  for (const [i, layer] of book.layers.entries()) {
    if (lastLayerOnly && i < last) continue;
    checkLayer(book, layer, i === 0 ? 'operator' : 'tenant', at, report);
  }
  return findings.toSorted((a, b) => {
    const rank = (finding: BookFinding): number => ['error', 'warning', 'note'].indexOf(finding.level);
    return rank(a) - rank(b);
  });
}

/** How many models a book has a price list entry for. */
export function modelCount(book: PriceBook): number {
  let count = 0;
  for (const list of book.lists.values()) count += list.entries.size;
  return count;
}
