import type { CostLine, CostStatus } from './call.ts';
import { conditionsReader } from './conditions.ts';
import { createSpanFields } from './dialects/index.ts';
import { isoMicros } from './iso-instant.ts';
import { formatPico } from './money.ts';
import type { PriceBook } from './price-book.ts';
import { createPriceBook } from './price-book.ts';
import type { TenantBooks } from './cost.ts';
import { authoritativeProviders, createTenantBooks } from './cost.ts';
import type { PriceOverrides } from './price-layer.ts';
import { NO_OVERRIDES } from './price-layer.ts';
import { parsePriceOverrides } from './price-overrides/parse.ts';
import type { PriceRequest } from './price.ts';
import { priceUsage } from './price.ts';
import type { Json } from './price-question.ts';
import { attributesOf, BadLine, objectOf, ownLayer, textOf, usageOf } from './price-question.ts';
import { canonicalProvider } from './providers.ts';
import type { ReportedCost } from './reported-cost.ts';
import { isCharge, reportedCostReader } from './reported-cost.ts';

/** One answer of `spanmeter price --stdin`. */
export interface PricedLine {
  /** As the question has it; null where it has none that is text or a number. */
  readonly id: string | number | null;
  readonly status: CostStatus;
  /** USD with 12 decimals; null where not known. */
  readonly costUsd: string | null;
  readonly priceVersion: string | null;
  readonly lines: readonly CostLine[];
  /** What is wrong with the question, or what had no price. */
  readonly reason?: string;
}

/** A question as it was understood: what is to be priced by which book, and what else may settle it. */
export interface PriceQuestion {
  readonly id: PricedLine['id'];
  readonly book: PriceBook;
  readonly request: PriceRequest;
  /** What the emitter says that it cost, where it is believed; `routerKey` as `isCharge` takes it. */
  readonly reported: Pick<ReportedCost, 'picoUsd' | 'routerKey'> | null;
  /** The usage's own fault, with its reason; null where it can be priced. */
  readonly fault: { readonly status: CostStatus; readonly reason: string | null } | null;
}

/** Options of the pricer. */
export interface PricerOptions {
  readonly overrides?: PriceOverrides;
  /** Books made already, of the same overrides. */
  readonly books?: TenantBooks;
  /** Canonical providers whose reported cost is taken instead of ours; `openrouter` by default. */
  readonly reportedAuthoritative?: readonly string[];
}

/** Who and what a line asks about. */
interface Asked {
  readonly provider: string;
  readonly named: string | null;
  readonly responseModel: string | null;
  readonly requestModel: string | null;
  readonly atMicros: bigint;
}

function answer(id: PricedLine['id'], status: CostStatus, reason: string | null): PricedLine {
  return { id, status, costUsd: null, priceVersion: null, lines: [], ...(reason === null ? {} : { reason }) };
}

interface Books {
  /** The book of a line's tenant, with what the line itself agrees. */
  of(line: Json, attrs: Json, provider: string, model: string): PriceBook;
  vendorOf(model: string): string | null;
}

function booksOf(options: PricerOptions): Books {
  const books: TenantBooks = options.books ?? createTenantBooks(options.overrides ?? NO_OVERRIDES);
  return {
    vendorOf: (model) => books.shared.vendorOf(model),
    of: (line, attrs, provider, model) => {
      const tenant = textOf(line, 'tenant') ?? '';
      const file = ownLayer(attrs, provider, model);
      if (file === null) return books.of(tenant);
      const { overrides: own, faults } = parsePriceOverrides(file, { currencies: 'any', tenants: false });
      if (faults.length > 0)
        throw new BadLine(faults.map((fault) => `${fault.path} ${fault.message}`).join('; '));
      const under = books.of(tenant);
      const { lists, source } = under;
      return createPriceBook({ extends: under, lists, source, layers: [...under.layers, own.operator] });
    },
  };
}

/** Makes a reader of the lines of `spanmeter price --stdin`. It throws where a line cannot be asked. */
export function createQuestionReader(options: PricerOptions = {}): (line: unknown) => PriceQuestion {
  const books = booksOf(options);
  const authoritative = authoritativeProviders(options.reportedAuthoritative);
  const fields = createSpanFields();
  const readConditions = conditionsReader(fields);
  const readReported = reportedCostReader(fields);
  const requestSlot = fields.slot('requestModel');
  const responseSlot = fields.slot('responseModel');

  const askedOf = (line: Json): Asked => {
    const named = textOf(line, 'model');
    const responseModel = fields.text(responseSlot) ?? named;
    const at = textOf(line, 'at');
    if (at === null) throw new BadLine('"at" must be an instant');
    const stated = canonicalProvider(textOf(line, 'provider'));
    const vendor = stated === null && responseModel !== null ? books.vendorOf(responseModel) : null;
    return {
      provider: stated ?? vendor ?? 'unknown',
      named,
      responseModel,
      requestModel: fields.text(requestSlot) ?? named,
      atMicros: BigInt(isoMicros(at)),
    };
  };

  return (value) => {
    if (value === undefined || value === null) throw new BadLine('a line must be an object');
    const line = objectOf(value, 'a line');
    const attrs = objectOf(line['attrs'], 'attrs');
    fields.read(attributesOf(attrs));
    const { named, ...asked } = askedOf(line);
    const { usage, alternatives, status, reason } = usageOf(line, asked.provider);
    return {
      id: idOf(value),
      book: books.of(line, attrs, asked.provider, named ?? ''),
      request: { ...asked, usage, alternatives, conditions: readConditions(asked.provider), lines: true },
      reported: authoritative.has(asked.provider) ? readReported() : null,
      fault: status === null ? null : { status, reason },
    };
  };
}

function idOf(value: unknown): PricedLine['id'] {
  const named = value !== null && typeof value === 'object' && 'id' in value ? value.id : null;
  return typeof named === 'string' || typeof named === 'number' ? named : null;
}

/** Answers a question that was understood. */
export function answerQuestion({ id, book, request, reported, fault }: PriceQuestion): PricedLine {
  const result = fault === null ? priceUsage(book, request) : null;
  const picoUsd = result?.costPicoUsd ?? null;
  if (
    reported !== null &&
    fault?.status !== 'invalid_usage' &&
    isCharge(reported.picoUsd, reported.routerKey, picoUsd)
  ) {
    return { ...answer(id, 'reported', null), costUsd: formatPico(reported.picoUsd) };
  }
  if (result === null) return answer(id, fault?.status ?? 'invalid_usage', fault?.reason ?? null);
  return {
    ...answer(id, result.status, result.reason),
    costUsd: picoUsd === null ? null : formatPico(picoUsd),
    priceVersion: book.version,
    lines: result.lines,
  };
}

/**
 * Makes the function behind `spanmeter price --stdin`: one JSON line in, one answer out. It never throws; a
 * line that cannot be asked gets `invalid_usage` with the reason.
 */
export function createPricer(options: PricerOptions = {}): (line: unknown) => PricedLine {
  const read = createQuestionReader(options);
  return (value) => {
    try {
      return answerQuestion(read(value));
    } catch (error) {
      return answer(idOf(value), 'invalid_usage', error instanceof Error ? error.message : String(error));
    }
  };
}

/** Prices one JSON line; for many lines make a pricer once. */
export function priceLine(line: unknown, options: PricerOptions = {}): PricedLine {
  return createPricer(options)(line);
}
