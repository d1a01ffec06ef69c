import type { Call, CallProcessor, GenAiSpan, SpanGroup, UsageBucket } from './call.ts';
import { estimableCalls, type EarlierCalls } from './estimable.ts';
import type { UsageEstimator } from './estimate.ts';
import { knownOperation } from './operations.ts';
import type { PriceBook } from './price-book.ts';
import { createPriceBook } from './price-book.ts';
import type { PriceOverrides } from './price-layer.ts';
import { NO_OVERRIDES } from './price-layer.ts';
import type { PriceResult } from './price.ts';
import { matchModel, priceUsage } from './price.ts';
import { canonicalProvider } from './providers.ts';
import { isCharge, OWN_KEY } from './reported-cost.ts';

/** A price book as it is stored: named by a digest of its content. */
export interface StoredBook {
  readonly version: string;
  /** Canonical JSON text. */
  content(): string;
}

/** Prices calls, by books that can be replaced. */
export interface CostProcessor extends CallProcessor {
  /** The books that the calls priced since it was last asked name, and those that they extend. */
  books(): readonly StoredBook[];
  /** The books that it prices by now. */
  tenantBooks(): TenantBooks;
  /** Prices what follows by other layers, which come from `parsePriceOverrides`. */
  replaceOverrides(overrides: PriceOverrides): void;
  /** The book of calls of tenants without prices of their own. */
  readonly version: string;
}

/** Options of the cost step. */
export interface CostOptions {
  /** Prices of the operator and of tenants, over the shipped ones. */
  readonly overrides?: PriceOverrides;
  /** Books to price by instead of those of `overrides`. */
  readonly books?: TenantBooks;
  /** Keep the lines that explain each amount; off by default. */
  readonly lines?: boolean;
  /** Canonical providers whose reported cost is taken instead of ours; `openrouter` by default. */
  readonly reportedAuthoritative?: readonly string[];
  /** Fills in the usage that calls do not report; without it they are `missing_usage`. */
  readonly estimator?: UsageEstimator;
  /** Calls of earlier batches that may speak for one without usage; without it none do. */
  readonly earlier?: EarlierCalls;
}

/** Canonical ids of the providers whose own figure is taken; `openrouter` where nothing is said. */
export function authoritativeProviders(named: readonly string[] = ['openrouter']): ReadonlySet<string> {
  return new Set(named.map((name) => canonicalProvider(name) ?? name));
}

/** The book of each tenant: its own where it has prices of its own, else the one that all others share. */
export interface TenantBooks {
  readonly shared: PriceBook;
  /** Those with prices of their own. */
  readonly tenants: readonly string[];
  of(tenantId: string): PriceBook;
}

/** The shared book, and every tenant's own. */
export function everyBook(books: TenantBooks): readonly PriceBook[] {
  return [books.shared, ...books.tenants.map((tenant) => books.of(tenant))];
}

/** Makes the books of an operator and its tenants, a tenant's when it is first asked for. */
export function createTenantBooks(overrides: PriceOverrides = NO_OVERRIDES): TenantBooks {
  const shared = createPriceBook({ layers: [overrides.operator] });
  const own = new Map<string, PriceBook>();
  const of = (tenantId: string): PriceBook => {
    const layer = overrides.tenants.size === 0 ? undefined : overrides.tenants.get(tenantId);
    if (layer === undefined) return shared;
    const known = own.get(tenantId);
    if (known !== undefined) return known;
    const book = createPriceBook({ extends: shared, layers: [overrides.operator, layer] });
    own.set(tenantId, book);
    return book;
  };
  const tenants = [...overrides.tenants.keys()];
  return { shared, tenants, of };
}

/** What an embedding, a transcription or another call may state instead of its input tokens as a whole. */
const PARTS_OF_INPUT: readonly UsageBucket[] = [
  'cache_read',
  'input_audio',
  'cache_read_audio',
  'input_image',
];

/**
 * True where the counts leave out a side that the price has a rate for and that this kind of call always has;
 * an operation that we do not know is taken for one that generates.
 */
export function isIncomplete(
  call: Pick<Call, 'errorType' | 'operation' | 'inputTokens' | 'outputTokens' | 'usage'>,
  price: PriceResult,
): boolean {
  if (call.errorType !== null) return false;
  if (knownOperation(call.operation)?.generates !== false) {
    return (
      (price.countsInput && call.inputTokens === null) || (price.countsOutput && call.outputTokens === null)
    );
  }
  return (
    price.countsInput &&
    call.inputTokens === null &&
    PARTS_OF_INPUT.every((bucket) => call.usage[bucket] === undefined)
  );
}

function inferProvider(call: Call, book: PriceBook): void {
  const model = call.responseModel ?? call.requestModel;
  const vendor = model === null ? null : book.vendorOf(model);
  if (vendor === null) return;
  call.provider = vendor;
  call.attribution = { ...call.attribution, provider: 'mapping' };
}

function nameModel(call: Call, book: PriceBook): void {
  const at = Number(call.startedAtMicros);
  const match = matchModel(book, call.provider, call.responseModel, call.requestModel, at);
  if (match !== null) call.model = match.model;
}

function settle(call: Call, result: PriceResult, book: PriceBook): void {
  call.costStatus = result.status;
  if (result.status === 'missing_usage') return;
  call.costPicoUsd = result.costPicoUsd;
  call.lines = result.lines;
  call.priceVersion = book.version;
}

type Completion = (call: Call, span: GenAiSpan | undefined) => boolean;

/** How calls of a batch get the usage that they lack; where nothing is estimated, none does. */
function completionOf({ estimator, earlier }: CostOptions, groups: readonly SpanGroup[]): Completion {
  if (estimator === undefined) return () => false;
  estimator.begin();
  const estimable = estimableCalls(groups, earlier);
  return (call, span) => span !== undefined && estimable.has(call) && estimator.complete(call, span);
}

/**
 * The last step: prices every call that is not settled yet, and names the model as the book does. A span that
 * names no provider gets the one vendor that sells its model under exactly that id, marked as mapping.
 */
export function createCost(options: CostOptions = {}): CostProcessor {
  let books = options.books ?? createTenantBooks(options.overrides);
  const named = new Set<PriceBook>();
  const authoritative = authoritativeProviders(options.reportedAuthoritative);
  const lines = options.lines === true;

  const takesReported = (call: Call): boolean =>
    call.reportedCostPicoUsd !== null &&
    call.costStatus !== 'invalid_usage' &&
    authoritative.has(call.provider) &&
    isCharge(call.reportedCostPicoUsd, call.attributes[OWN_KEY] === false, call.computedCostPicoUsd);

  /** What the book makes of a call that is not settled; `missing_usage` where its counts are but half. */
  const compute = (call: Call, book: PriceBook): PriceResult => {
    const result = priceUsage(book, {
      provider: call.provider,
      responseModel: call.responseModel,
      requestModel: call.requestModel,
      usage: call.usage,
      alternatives: call.usageAlternatives,
      conditions: call.conditions,
      atMicros: call.startedAtMicros,
      durationNanos: call.durationNanos,
      lines,
    });
    if (result.model !== null) call.model = result.model;
    if (result.status !== 'priced' || !isIncomplete(call, result)) return result;
    return { ...result, status: 'missing_usage', costPicoUsd: null, lines: [] };
  };

  const price = (call: Call, span: GenAiSpan | undefined, complete: Completion): void => {
    const book = books.of(call.tenantId);
    if (call.provider === 'unknown') inferProvider(call, book);
    if (call.costStatus === 'duplicate' || call.costStatus === 'not_billable') return nameModel(call, book);
    let result = call.costStatus === 'unpriced_model' ? compute(call, book) : null;
    if (result === null) nameModel(call, book);
    // An estimate is no witness, neither before it is made nor when it is priced again.
    else call.computedCostPicoUsd = call.usageSource === 'estimated' ? null : result.costPicoUsd;
    if (takesReported(call)) {
      call.costStatus = 'reported';
      call.costPicoUsd = call.reportedCostPicoUsd;
      return;
    }
    const missing = (result?.status ?? call.costStatus) === 'missing_usage';
    if (missing && complete(call, span)) result = compute(call, book);
    if (result === null) return;
    settle(call, result, book);
    named.add(books.shared).add(book);
  };

  const process: CallProcessor = (groups) => {
    const completion = completionOf(options, groups);
    for (const { calls, spans } of groups) {
      for (let i = 0; i < calls.length; i++) {
        const call = calls[i];
        if (call != null) price(call, spans[i], completion);
      }
    }
  };
  const described = {
    books(): readonly StoredBook[] {
      const told = [...named];
      named.clear();
      return told;
    },
    replaceOverrides(overrides: PriceOverrides): void {
      books = createTenantBooks(overrides);
    },
    tenantBooks: (): TenantBooks => books,
    get version(): string {
      return books.shared.version;
    },
  };
  return Object.defineProperties(process, Object.getOwnPropertyDescriptors(described)) as CostProcessor;
}
