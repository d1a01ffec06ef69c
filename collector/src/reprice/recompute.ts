import { createHash } from 'node:crypto';
import { createCost, type SpanGroup, type TenantBooks } from '@spanmeter/processors';
import type { Correction } from '../exporters/postgres/rollup.ts';
import { SETTLED_STATUSES, type StoredCall } from './stored-call.ts';

/** Everything that decides an amount besides the call. */
export interface Pricing {
  readonly books: TenantBooks;
  /** Canonical providers whose reported cost is taken instead of ours. */
  readonly reportedAuthoritative: readonly string[];
}

/** A call whose status or amount is another by today's prices. */
export interface RepricedCall extends Correction {
  readonly oldVersion: string | null;
  readonly newVersion: string | null;
}

/** What came of pricing some calls again. */
export interface Repriced {
  readonly stored: StoredCall;
  /** Null where it costs what it did. A new version of the book alone is no change. */
  readonly change: RepricedCall | null;
  /** In 1e-12 USD by today's prices; what it was where the new one cannot be stored. */
  readonly newCost: bigint | null;
  /** Whether today's amount is beyond what the column holds, so that the call stays as it is. */
  readonly unstorable: boolean;
}

/** NUMERIC(38,12) holds less than this many 1e-12 USD. */
const MAX_PICO = 10n ** 38n;

/** Names all that decides amounts: two runs with the same name come to the same result. */
export function pricingDigest({ books, reportedAuthoritative }: Pricing): string {
  const own = books.tenants.toSorted().map((tenant) => [tenant, books.of(tenant).version]);
  const content = [books.shared.version, own, reportedAuthoritative.toSorted()];
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}

function resultOf(stored: StoredCall): Repriced {
  const { call, provider, model, status: oldStatus, cost: oldCost, priceVersion: oldVersion } = stored;
  const { costStatus: newStatus, costPicoUsd: newCost, priceVersion: newVersion } = call;
  // Sums stay under the names that the call was stored with.
  call.provider = provider;
  call.model = model;
  if (SETTLED_STATUSES.includes(oldStatus) || (newStatus === oldStatus && newCost === oldCost)) {
    return { stored, change: null, newCost: oldCost, unstorable: false };
  }
  if (newCost !== null && newCost >= MAX_PICO) {
    return { stored, change: null, newCost: oldCost, unstorable: true };
  }
  const change = { call, oldStatus, oldCost, oldVersion, newStatus, newCost, newVersion };
  return { stored, change, newCost, unstorable: false };
}

/** Prices stored calls by the very step that prices new ones, so that the same rules hold. Each call only once. */
export function createRecompute(pricing: Pricing): (stored: StoredCall) => Repriced {
  const { books, reportedAuthoritative } = pricing;
  const price = createCost({ books, reportedAuthoritative });
  const group: SpanGroup = {
    context: {
      receivedUnixMs: 0,
      role: 'open',
      tenant: null,
      declaredTenant: null,
      keyId: null,
      team: null,
    },
    spans: [],
    calls: [],
    rejections: [],
  };
  const groups = [group];
  return (stored) => {
    group.calls[0] = stored.call;
    price(groups);
    return resultOf(stored);
  };
}
