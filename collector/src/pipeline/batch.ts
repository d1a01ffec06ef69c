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
  /** The price books that the calls processed since it was last asked name, and those that they extend. */
  books(): readonly NamedBook[];
  /** Resolves once the steps know what they need; rejects where that has to be asked again later. */
  ready?(): Promise<void>;
}
