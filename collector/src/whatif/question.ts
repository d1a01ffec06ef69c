import {
  everyBook,
  nearestModels,
  PROVIDERS,
  type PriceBook,
  type TenantBooks,
  type WhatIf,
} from '@spanmeter/processors';
import { Refusal } from '../pipeline/refusal.ts';

/** What the figures can be grouped by. */
export const WHAT_IF_GROUPS = [
  'tenant',
  'provider',
  'model',
  'service_name',
  'environment',
  'team',
  'feature',
] as const;
export type WhatIfGroup = (typeof WHAT_IF_GROUPS)[number];

/** Calls whose price is asked for anew, and under which assumption. */
export interface WhatIfQuestion {
  readonly change: WhatIf;
  /** The model that ran: the book's id, or the name in the request or the answer. Null for all. */
  readonly fromModel: string | null;
  readonly provider: string | null;
  readonly serviceName: string | null;
  readonly groupBy: readonly WhatIfGroup[];
}

/** The books that calls of one tenant, or of all where it is null, are priced by. */
export function booksFor(books: TenantBooks, tenant: string | null): readonly PriceBook[] {
  return tenant === null ? everyBook(books) : [books.of(tenant)];
}

function isSold(
  book: PriceBook,
  provider: string | null,
  change: Extract<WhatIf, { kind: 'model' }>,
): boolean {
  const sellers = change.provider ?? provider;
  if (sellers !== null && book.match(sellers, change.model) !== null) return true;
  if (change.provider !== null) return false;
  if (book.vendorOf(change.model) !== null) return true;
  return provider === null && PROVIDERS.some(({ id }) => book.match(id, change.model) !== null);
}

/**
 * Rejects a model that no book has a price for, with Refusal `invalid` that names what may have been meant.
 * Without this every call would come back without a price.
 */
export function requireTarget(
  books: readonly PriceBook[],
  { change, provider }: Pick<WhatIfQuestion, 'change' | 'provider'>,
): void {
  if (change.kind !== 'model' || books.some((book) => isSold(book, provider, change))) return;
  const whose = change.provider ?? provider;
  const near = books.flatMap((book) => nearestModels(book, whose, change.model));
  const names = [...new Set(near.map((each) => `${each.provider} ${each.model}`))].slice(0, 3);
  const at = whose === null ? '' : ` at ${whose}`;
  const meant = names.length === 0 ? '' : ` Did you mean ${names.join(', ')}?`;
  throw new Refusal('invalid', `There is no price of a model "${change.model}"${at}.${meant}`);
}
