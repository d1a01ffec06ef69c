import type { CallProcessor, SpanGroup } from '@spanmeter/processors';
import type { JournalEntry } from './entry.ts';
import type { NamedBook } from './ledger.ts';

/** Consecutive journal entries after processing; `groups[i]` holds the spans and calls of `entries[i]`. */
export interface ProcessedBatch {
  readonly journalId: string;
  /** Sequence before the first entry, and of the last. */
  readonly afterSequence: number;
  readonly lastSequence: number;
  readonly entries: readonly JournalEntry[];
  readonly groups: readonly SpanGroup[];
  readonly books: readonly NamedBook[];
}

/** The configured chain of processors, in order. */
export interface ProcessingChain {
  readonly steps: readonly CallProcessor[];
  /** Price books that calls of this chain may name. */
  books(): readonly NamedBook[];
  /** Resolves once the steps know what they need to decide the first batch. */
  ready?(): Promise<void>;
}
