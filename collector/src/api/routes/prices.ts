import {
  bookProviders,
  canonicalProvider,
  instantMicros,
  listedPrice,
  modelsOf,
  nearestModels,
  type ListedPrice,
  type PriceBook,
} from '@spanmeter/processors';
import { z } from 'zod';
import { Refusal } from '../../pipeline/refusal.ts';
import { decodeOffset, encodeOffset } from '../offset-cursor.ts';
import { isBound, PARAMETERS } from '../parameters.ts';
import { PRICE_ANSWER, priceAnswer, type PriceAnswer } from '../price-answer.ts';
import { defineRoute, tenantFor, type Route } from '../route.ts';

const QUERY = z.strictObject({
  provider: PARAMETERS.provider.describe('Provider in any spelling; without one, all of them.'),
  model: PARAMETERS.model.describe('Model by any of its names; without one, all of the provider.'),
  at: z
    .string()
    .refine(isBound, 'must be a date (YYYY-MM-DD) or an ISO 8601 instant with its offset')
    .optional()
    .describe('Instant that the prices are asked for; a date is its start in UTC. By default now.'),
  tenant: PARAMETERS.tenant.describe(
    'Whose prices: its own come first. With a read key only its own; otherwise absence means the shared ones.',
  ),
  limit: z
    .string()
    .regex(/^\d{1,3}$/, 'must be a number from 1 to 500')
    .default('100')
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= 500, 'must be a number from 1 to 500')
    .describe('Prices per page, from 1 to 500.'),
  cursor: z.string().min(1).max(2048).optional().describe('`next_cursor` of the page before.'),
});

const ANSWER = z.object({
  tenant: z.string().nullable().describe('Null: the prices of all who have none of their own.'),
  at: z.string(),
  currency: z.literal('USD'),
  price_version: z.string().describe('SHA-256 of the book; calls priced by it name it.'),
  prices: z.array(PRICE_ANSWER),
  next_cursor: z.string().nullable().describe('Null on the last page.'),
});

const EXAMPLE: PriceAnswer = {
  provider: 'anthropic',
  model: 'claude-haiku-4-5',
  aliases: ['claude-haiku-4-5-20251001'],
  layer: 'base',
  from: null,
  to: null,
  free: false,
  least_seconds: null,
  rates: { input_mtok: '1', output_mtok: '5', cache_read_mtok: '0.1', cache_write_mtok: '1.25' },
  tiers: [],
  windows: [],
  conditions: [
    {
      condition: 'tier',
      value: 'batch',
      multiply: '0.5',
      factors: {},
      rates: {},
      tiers: [],
      standard: false,
    },
  ],
  discounts: [],
  source: '@pydantic/genai-prices@0.1.8',
  reviewed: null,
};

interface Asked {
  readonly book: PriceBook;
  readonly provider: string | null;
  readonly model: string | null;
  readonly atMicros: number;
}

/** The price of one model by any of its names; without a provider, at every one that has the name. */
function pricesOfModel({ book, provider, atMicros }: Asked, model: string): ListedPrice[] {
  const providers = provider === null ? bookProviders(book) : [provider];
  const matches = providers.flatMap((each) => {
    const match = book.match(each, model, atMicros);
    return match === null ? [] : [{ provider: each, match }];
  });
  if (matches.length === 0) {
    const near = nearestModels(book, provider, model).map((each) => `${each.provider} ${each.model}`);
    const meant = near.length === 0 ? '' : ` Did you mean ${near.join(', ')}?`;
    throw new Refusal('invalid', `The book has no model "${model}".${meant}`);
  }
  return matches.flatMap((each) => listedPrice(book, each.provider, each.match, atMicros) ?? []);
}

interface Page {
  readonly prices: readonly ListedPrice[];
  readonly next: number | null;
}

/** More models than one provider has; a position is a provider's index times this, and a model's in its list. */
const MODELS_PER_PROVIDER = 1_000_000;

/**
 * One page of a list of models, of which those without a price at that time are left out. Only the providers that
 * the page is of are looked at: a book compiles a price when it is first asked for.
 */
function pageOf({ book, provider, atMicros }: Asked, start: number, limit: number): Page {
  const providers = provider === null ? bookProviders(book) : [provider];
  const prices: ListedPrice[] = [];
  let first = start % MODELS_PER_PROVIDER;
  for (let p = Math.floor(start / MODELS_PER_PROVIDER); p < providers.length; p++) {
    const whose = providers[p] ?? '';
    for (const [m, model] of modelsOf(book, whose).entries()) {
      const match = m < first ? null : book.match(whose, model, atMicros);
      const listed = match === null ? null : listedPrice(book, whose, match, atMicros);
      if (listed === null) continue;
      if (prices.length === limit) return { prices, next: p * MODELS_PER_PROVIDER + m };
      prices.push(listed);
    }
    first = 0;
  }
  return { prices, next: null };
}

function instantOf(text: string): number {
  try {
    return instantMicros(text);
  } catch (error) {
    throw new Refusal('invalid', `"at" ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

/** [contract] The rates in force at an instant. */
export const PRICES: Route = defineRoute({
  path: '/api/v1/prices',
  summary: 'Prices in force at an instant',
  description:
    'What the running collector prices by: the list, and over it the prices of the operator and of the tenant. ' +
    'Models without a price at that instant are left out.',
  access: 'spend',
  query: QUERY,
  answer: ANSWER,
  example: {
    tenant: null,
    at: '2026-11-20T12:00:00.000Z',
    currency: 'USD',
    price_version: '6b1f0e4c',
    prices: [EXAMPLE],
    next_cursor: null,
  },
  handle(query, { identity, books, now }) {
    const tenant = tenantFor(identity, query.tenant);
    const current = books();
    const book = tenant === null ? current.shared : current.of(tenant);
    const at = query.at ?? now().toISOString();
    const provider = canonicalProvider(query.provider ?? null);
    if (query.provider !== undefined && provider === null) {
      throw new Refusal('invalid', `"${query.provider}" names no provider.`);
    }
    const asked: Asked = { book, provider, model: query.model ?? null, atMicros: instantOf(at) };
    // A page of another book, another instant or another list would leave prices out or repeat them.
    const question = [tenant, book.version, query.at ?? null, provider];
    const start = query.cursor === undefined ? 0 : decodeOffset(query.cursor, question);
    const page: Page =
      query.model === undefined
        ? pageOf(asked, start, query.limit)
        : { prices: pricesOfModel(asked, query.model).slice(0, query.limit), next: null };
    return Promise.resolve({
      json: {
        tenant,
        at,
        currency: 'USD',
        price_version: book.version,
        prices: page.prices.map(priceAnswer),
        next_cursor: page.next === null ? null : encodeOffset(page.next, question),
      },
    });
  },
});
