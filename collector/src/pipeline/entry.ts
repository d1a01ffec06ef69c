import type { RecordContext } from '@spanmeter/processors';

/** Numbers per GenAI span in `SpanOffsets`. */
export const OFFSET_STRIDE = 6;

/**
 * Where the GenAI spans are in an ExportTraceServiceRequest, OFFSET_STRIDE numbers each, in document order:
 * the byte ranges [start, end) of the contents (without tag and length) of its ResourceSpans, ScopeSpans and Span.
 */
export type SpanOffsets = Uint32Array;

/** What is appended to the journal: one accepted request. */
export interface JournalRecord {
  readonly signal: 'traces';
  readonly context: RecordContext;
  /** OTLP protobuf bytes, already checked; offsets refer to these bytes. Never written to. */
  readonly body: Uint8Array;
  readonly offsets: SpanOffsets;
  /** All spans in the body, GenAI or not. */
  readonly totalSpans: number;
}

/** A record read back, with its place in the journal. */
export interface JournalEntry extends JournalRecord {
  /** 1 for the first record of a journal, then without gaps. */
  readonly sequence: number;
}
