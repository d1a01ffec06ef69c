import type { CallProcessor } from './call.ts';

/** A price book as it is stored: named by a digest of its content. */
export interface StoredBook {
  readonly version: string;
  /** Canonical JSON text. */
  content(): string;
}

/** Prices calls; `books()` are all the books that its calls may name. */
export interface CostProcessor extends CallProcessor {
  books(): readonly StoredBook[];
}

/** Options of the cost step. */
export interface CostOptions {
  /** Keep the lines that explain each amount; off by default. */
  readonly lines?: boolean;
  /** Canonical providers whose reported cost is taken instead of ours; `openrouter` by default. */
  readonly reportedAuthoritative?: readonly string[];
}

/** Prices every call that is not settled yet. */
export function createCost(options: CostOptions = {}): CostProcessor {
  void options;
  return Object.assign(() => {}, { books: (): readonly StoredBook[] => [] });
}
