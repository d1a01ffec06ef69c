import type { AttributeValue, CostLine, CostStatus, Usage, UsageBucket } from './call.ts';
import { conditionsReader } from './conditions.ts';
import { createSpanFields } from './dialects/index.ts';
import { countsReasoningApart } from './inclusion.ts';
import { formatPico } from './money.ts';
import type { PriceBook } from './price-book.ts';
import { createPriceBook } from './price-book.ts';
import type { TenantBooks } from './cost.ts';
import { createTenantBooks } from './cost.ts';
import { instantMicros } from './price-period.ts';
import type { PriceOverrides } from './price-layer.ts';
import { NO_OVERRIDES } from './price-layer.ts';
import { parsePriceOverrides } from './price-overrides/parse.ts';
import { priceUsage } from './price.ts';
import { canonicalProvider } from './providers.ts';
import { reportedCostReader } from './reported-cost.ts';
import { readCount, readMeasure } from './token-count.ts';
import type { EmittedCounts } from './usage.ts';
import { countUsage, noCounts } from './usage.ts';

/** One answer of `spanmeter price --stdin`. */
export interface PricedLine {
  readonly id: string | null;
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

type Json = Readonly<Record<string, unknown>>;

const COUNTS: readonly (readonly [string, keyof EmittedCounts])[] = [
  ['input_tokens', 'input'],
  ['output_tokens', 'output'],
  ['cache_read_tokens', 'cacheRead'],
  ['cache_write_tokens', 'cacheWrite'],
  ['cache_write_1h_tokens', 'cacheWrite1h'],
  ['reasoning_tokens', 'reasoning'],
  ['input_audio_tokens', 'inputAudio'],
  ['output_audio_tokens', 'outputAudio'],
  ['cache_read_audio_tokens', 'cacheReadAudio'],
  ['input_image_tokens', 'inputImage'],
  ['output_image_tokens', 'outputImage'],
];

const MEASURES: readonly UsageBucket[] = [
  'audio_seconds',
  'duration_seconds',
  'input_characters',
  'images',
  'requests',
  'web_search_requests',
];

const TENANT_CONFIG = 'tenantConfig.';

/** A question that cannot be asked like this; the message says why. */
class BadLine extends Error {}

function objectOf(value: unknown, name: string): Json {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw new BadLine(`"${name}" must be an object`);
  return value as Json;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value.trim() !== '' ? value : null;
}

function attributeOf(value: unknown): AttributeValue | undefined {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? value
    : undefined;
}

interface LineUsage {
  readonly usage: Usage;
  readonly status: CostStatus | null;
}

function usageOf(line: Json, provider: string): LineUsage {
  const source = objectOf(line['usage'], 'usage');
  const counts = noCounts();
  const units: Partial<Record<UsageBucket, string>> = {};
  let any = false;
  let invalid = false;
  const known = new Set<string>([...COUNTS.map(([key]) => key), ...MEASURES]);
  for (const key of Object.keys(source))
    if (!known.has(key)) throw new BadLine(`"usage.${key}" is not a count`);
  for (const [key, name] of COUNTS) {
    const value = source[key];
    if (value === undefined || value === null) continue;
    any = true;
    counts[name] = readCount(attributeOf(value) ?? Number.NaN) ?? null;
    invalid ||= counts[name] === null;
  }
  for (const key of MEASURES) {
    const value = source[key];
    if (value === undefined || value === null) continue;
    any = true;
    const measure = readMeasure(attributeOf(value) ?? Number.NaN) ?? null;
    invalid ||= measure === null;
    if (measure !== null) units[key] = measure;
  }
  if (!any) return { usage: {}, status: 'missing_usage' };
  if (invalid) return { usage: {}, status: 'invalid_usage' };
  const inputIncludesCached = line['inputIncludesCached'] !== false;
  const counted = countUsage(counts, {
    inputIncludesCached,
    outputIncludesReasoning: line['outputIncludesReasoning'] !== false,
    // Who says outright that input includes the cache is contradicted by larger parts, except where the
    // provider's own API counts them apart.
    inferExclusiveInput:
      line['inputIncludesCached'] === undefined || provider === 'anthropic' || provider === 'aws.bedrock',
    inferExclusiveOutput: line['outputIncludesReasoning'] === undefined && countsReasoningApart(provider),
  });
  return { usage: { ...counted.usage, ...units }, status: counted.fault };
}

/** A tenant's configuration given with one line, as the prices file that says the same. */
function ownLayer(attrs: Json, provider: string, model: string): unknown {
  const config = Object.entries(attrs).filter(([key]) => key.startsWith(TENANT_CONFIG));
  if (config.length === 0) return null;
  const file: { prices: unknown[]; deployments: unknown[]; discounts: unknown[] } = {
    prices: [],
    deployments: [],
    discounts: [],
  };
  for (const [key, value] of config) {
    switch (key.slice(TENANT_CONFIG.length)) {
      case 'price':
        file.prices.push({ provider, model, ...objectOf(value, key) });
        break;
      case 'deploymentMap':
        for (const [name, target] of Object.entries(objectOf(value, key))) {
          file.deployments.push({ provider, name, model: target });
        }
        break;
      case 'discount':
        file.discounts.push(
          value !== null && typeof value === 'object'
            ? { provider, ...value }
            : { provider, multiply: value },
        );
        break;
      default:
        throw new BadLine(`"${key}" is not known`);
    }
  }
  return file;
}

function answer(id: string | null, status: CostStatus, reason: string | null): PricedLine {
  return { id, status, costUsd: null, priceVersion: null, lines: [], ...(reason === null ? {} : { reason }) };
}

/**
 * Makes the function behind `spanmeter price --stdin`: one JSON line in, one answer out. It never throws; a
 * line that cannot be asked gets `invalid_usage` with the reason.
 */
export function createPricer(options: PricerOptions = {}): (line: unknown) => PricedLine {
  const overrides = options.overrides ?? NO_OVERRIDES;
  const books: TenantBooks = createTenantBooks(overrides);
  const authoritative = new Set(options.reportedAuthoritative ?? ['openrouter']);
  const fields = createSpanFields();
  const readConditions = conditionsReader(fields);
  const readReported = reportedCostReader(fields);
  const requestSlot = fields.slot('requestModel');
  const responseSlot = fields.slot('responseModel');

  const bookFor = (line: Json, attrs: Json, provider: string, model: string): PriceBook => {
    const tenant = textOf(line['tenant']) ?? '';
    const file = ownLayer(attrs, provider, model);
    if (file === null) return books.of(tenant);
    const { overrides: own, faults } = parsePriceOverrides(file, { currencies: 'any', tenants: false });
    if (faults.length > 0)
      throw new BadLine(faults.map((fault) => `${fault.path} ${fault.message}`).join('; '));
    const known = overrides.tenants.get(tenant);
    const layers = [overrides.operator, ...(known === undefined ? [] : [known]), own.operator];
    return createPriceBook({ extends: books.of(tenant), layers });
  };

  const price = (line: Json, id: string | null): PricedLine => {
    const attrs = objectOf(line['attrs'], 'attrs');
    fields.read(
      new Map(
        Object.entries(attrs).flatMap(([key, value]): [string, AttributeValue][] => {
          const attribute = attributeOf(value);
          return attribute === undefined ? [] : [[key, attribute]];
        }),
      ),
    );
    const named = textOf(line['model']);
    const responseModel = fields.text(responseSlot) ?? named;
    const requestModel = fields.text(requestSlot) ?? named;
    const at = textOf(line['at']);
    if (at === null) throw new BadLine('"at" must be an instant');
    const atMicros = BigInt(instantMicros(at));
    let provider = canonicalProvider(textOf(line['provider']));
    if (provider === null && responseModel !== null) provider = books.shared.vendorOf(responseModel);
    const reported = provider !== null && authoritative.has(provider) ? readReported() : null;
    const used = usageOf(line, provider ?? 'unknown');
    if (reported !== null && used.status !== 'invalid_usage') {
      return { ...answer(id, 'reported', null), costUsd: formatPico(reported.picoUsd) };
    }
    if (used.status !== null) return answer(id, used.status, null);
    const book = bookFor(line, attrs, provider ?? 'unknown', named ?? '');
    const result = priceUsage(book, {
      provider: provider ?? 'unknown',
      responseModel,
      requestModel,
      usage: used.usage,
      conditions: readConditions(provider ?? 'unknown'),
      atMicros,
      lines: true,
    });
    return {
      ...answer(id, result.status, result.reason),
      costUsd: result.costPicoUsd === null ? null : formatPico(result.costPicoUsd),
      priceVersion: book.version,
      lines: result.lines,
    };
  };

  return (value) => {
    const id = value !== null && typeof value === 'object' && 'id' in value ? textOf(value.id) : null;
    try {
      return price(objectOf(value, 'line'), id);
    } catch (error) {
      return answer(id, 'invalid_usage', error instanceof Error ? error.message : String(error));
    }
  };
}

/** Prices one JSON line; for many lines make a pricer once. */
export function priceLine(line: unknown, options: PricerOptions = {}): PricedLine {
  return createPricer(options)(line);
}
