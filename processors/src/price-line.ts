import type { Conditions, CostLine, CostStatus } from './call.ts';
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
import { parsePriceOverrides } from './price-overrides.ts';
import { priceUsage } from './price.ts';
import type { Json, LineUsage } from './price-question.ts';
import { attributesOf, BadLine, objectOf, ownLayer, textOf, usageOf } from './price-question.ts';
import { canonicalProvider } from './providers.ts';
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

/** Options of the pricer. */
export interface PricerOptions {
  readonly overrides?: PriceOverrides;
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

interface Computed {
  readonly line: PricedLine;
  readonly picoUsd: bigint | null;
}

function answer(id: PricedLine['id'], status: CostStatus, reason: string | null): PricedLine {
  return { id, status, costUsd: null, priceVersion: null, lines: [], ...(reason === null ? {} : { reason }) };
}

interface Books {
  /** The book of a line's tenant, with what the line itself agrees. */
  of(line: Json, attrs: Json, provider: string, model: string): PriceBook;
  vendorOf(model: string): string | null;
}

function booksOf(overrides: PriceOverrides): Books {
  const books: TenantBooks = createTenantBooks(overrides);
  return {
    vendorOf: (model) => books.shared.vendorOf(model),
    of: (line, attrs, provider, model) => {
      const tenant = textOf(line, 'tenant') ?? '';
      const file = ownLayer(attrs, provider, model);
      if (file === null) return books.of(tenant);
      const { overrides: own, faults } = parsePriceOverrides(file);
      if (faults.length > 0)
        throw new BadLine(faults.map((fault) => `${fault.path} ${fault.message}`).join('; '));
      const known = overrides.tenants.get(tenant);
      const layers = [overrides.operator, ...(known === undefined ? [] : [known]), own.operator];
      return createPriceBook({ extends: books.of(tenant), layers });
    },
  };
}

function computedOf(
  book: PriceBook,
  asked: Asked,
  used: LineUsage,
  conditions: Conditions,
  id: PricedLine['id'],
): Computed {
  const result = priceUsage(book, {
    provider: asked.provider,
    responseModel: asked.responseModel,
    requestModel: asked.requestModel,
    usage: used.usage,
    alternatives: used.alternatives,
    conditions,
    atMicros: asked.atMicros,
    lines: true,
  });
  const line: PricedLine = {
    ...answer(id, result.status, result.reason),
    costUsd: result.costPicoUsd === null ? null : formatPico(result.costPicoUsd),
    priceVersion: book.version,
    lines: result.lines,
  };
  return { line, picoUsd: result.costPicoUsd };
}

/**
 * Makes the function behind `spanmeter price --stdin`: one JSON line in, one answer out. It never throws; a
 * line that cannot be asked gets `invalid_usage` with the reason.
 */
export function createPricer(options: PricerOptions = {}): (line: unknown) => PricedLine {
  const books = booksOf(options.overrides ?? NO_OVERRIDES);
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

  const price = (line: Json, id: PricedLine['id']): PricedLine => {
    const attrs = objectOf(line['attrs'], 'attrs');
    fields.read(attributesOf(attrs));
    const asked = askedOf(line);
    const used = usageOf(line, asked.provider);
    const book = books.of(line, attrs, asked.provider, asked.named ?? '');
    const conditions = readConditions(asked.provider);
    const ours: Computed =
      used.status === null
        ? computedOf(book, asked, used, conditions, id)
        : { line: answer(id, used.status, used.reason), picoUsd: null };
    const reported = authoritative.has(asked.provider) ? readReported() : null;
    if (reported === null || used.status === 'invalid_usage') return ours.line;
    if (!isCharge(reported.picoUsd, reported.routerKey, ours.picoUsd)) return ours.line;
    return { ...answer(id, 'reported', null), costUsd: formatPico(reported.picoUsd) };
  };

  return (value) => {
    const named = value !== null && typeof value === 'object' && 'id' in value ? value.id : null;
    const id = typeof named === 'string' || typeof named === 'number' ? named : null;
    try {
      if (value === undefined || value === null) throw new BadLine('a line must be an object');
      return price(objectOf(value, 'a line'), id);
    } catch (error) {
      return answer(id, 'invalid_usage', error instanceof Error ? error.message : String(error));
    }
  };
}

/** Prices one JSON line; for many lines make a pricer once. */
export function priceLine(line: unknown, options: PricerOptions = {}): PricedLine {
  return createPricer(options)(line);
}
