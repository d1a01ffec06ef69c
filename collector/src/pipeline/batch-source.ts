import type { GenAiSpan, RecordContext, SpanGroup } from '@spanmeter/processors';
import { endAfter, type JournalEnd, type StoredEntry } from '../journal/record.ts';
import type { DamagedRecord, JournalReader } from '../journal/reader.ts';
import type { ProcessedBatch, ProcessingChain } from './batch.ts';
import type { Counter, Logger, SelfMetrics } from './component.ts';
import { OFFSET_STRIDE, type JournalEntry, type SpanOffsets } from './entry.ts';

/** A record that decoding or processing threw on; it becomes a dead letter and blocks nothing. */
export interface UnreadableRecord {
  readonly entry: JournalEntry;
  readonly message: string;
}

/** A processed batch together with what of its stretch of the journal could not be processed. */
export interface SourceBatch extends ProcessedBatch {
  readonly entries: readonly StoredEntry[];
  /** What the journal had appended up to the last entry; null where there is none. */
  readonly end: JournalEnd | null;
  /** GenAI spans in the entries, the rejected and unreadable ones too. */
  readonly spans: number;
  /** Bytes of the entries' bodies. */
  readonly bytes: number;
  readonly damaged: readonly DamagedRecord[];
  readonly unreadable: readonly UnreadableRecord[];
  /** Records before the first that the journal no longer has. */
  readonly goneRecords: number;
}

export interface BatchSource {
  /**
   * What follows `afterSequence`, at most up to `upToSequence`; null where nothing does. Exporters that ask for
   * the same place share one batch and must not change it.
   */
  next(journalId: string, afterSequence: number, upToSequence: number): Promise<SourceBatch | null>;
}

export interface BatchSourceOptions {
  readonly reader: JournalReader;
  readonly chain: ProcessingChain;
  /** Decodes the GenAI spans of a body, in the order of their offsets. */
  decode(body: Uint8Array, offsets: SpanOffsets): readonly GenAiSpan[];
  readonly log: Logger;
  readonly metrics: SelfMetrics;
  readonly maxSpans?: number;
  readonly maxBytes?: number;
  /** Batches kept for exporters at the same place. */
  readonly maxShared?: number;
}

const DEFAULT_MAX_SPANS = 8192;
const DEFAULT_MAX_BYTES = 16 * 1024 * 1024;
const DEFAULT_MAX_SHARED = 3;
const MAX_ENTRIES = 8192;

/** Reads, decodes and processes; each stretch once, however many exporters follow it closely. */
export function createBatchSource(options: BatchSourceOptions): BatchSource {
  return new SharedBatches(options);
}

class SharedBatches implements BatchSource {
  readonly #options: BatchSourceOptions;
  readonly #shared = new Map<string, Promise<SourceBatch | null>>();
  readonly #unreadableRecords: Counter;
  readonly #oversizedAttributes: Counter;

  constructor(options: BatchSourceOptions) {
    this.#options = options;
    this.#unreadableRecords = options.metrics.counter(
      'spanmeter_journal_unreadable_records_total',
      'Requests that decoding or processing failed on; kept as dead letters.',
    );
    this.#oversizedAttributes = options.metrics.counter(
      'spanmeter_processor_oversized_attributes_total',
      'Attributes of GenAI spans that were left out because their value is over the size limit.',
    );
  }

  next(journalId: string, afterSequence: number, upToSequence: number): Promise<SourceBatch | null> {
    if (upToSequence <= afterSequence) return Promise.resolve(null);
    const key = `${journalId}/${afterSequence}`;
    const shared = this.#shared.get(key);
    if (shared !== undefined) return shared;
    const batch = this.#read(journalId, afterSequence, upToSequence);
    this.#shared.set(key, batch);
    for (const oldest of this.#shared.keys()) {
      if (this.#shared.size <= (this.#options.maxShared ?? DEFAULT_MAX_SHARED)) break;
      this.#shared.delete(oldest);
    }
    const forget = (): void => {
      if (this.#shared.get(key) === batch) this.#shared.delete(key);
    };
    batch.then((made) => (made === null ? forget() : undefined), forget);
    return batch;
  }

  async #read(journalId: string, afterSequence: number, upTo: number): Promise<SourceBatch | null> {
    const read = await this.#options.reader.read(afterSequence, upTo, {
      maxBytes: this.#options.maxBytes ?? DEFAULT_MAX_BYTES,
      maxEntries: MAX_ENTRIES,
      maxSpans: this.#options.maxSpans ?? DEFAULT_MAX_SPANS,
    });
    if (read.lastSequence <= afterSequence) return null;
    const { entries } = read;
    await this.#options.chain.ready?.();
    const { groups, unreadable } = processEntries(this.#options, entries);
    for (const { entry, message } of unreadable) {
      this.#unreadableRecords.add(1);
      this.#options.log.error(
        { sequence: entry.sequence, keyId: entry.context.keyId, message },
        'A request could not be processed; it is kept as a dead letter.',
      );
    }
    const oversized = oversizedAttributes(groups);
    if (oversized > 0) this.#oversizedAttributes.add(oversized);
    const last = entries.at(-1);
    return {
      journalId,
      afterSequence,
      lastSequence: read.lastSequence,
      entries,
      groups,
      books: this.#options.chain.books(),
      end: last === undefined ? null : endAfter(last),
      spans: entries.reduce((sum, entry) => sum + spanCount(entry), 0),
      bytes: entries.reduce((sum, entry) => sum + entry.body.length, 0),
      damaged: read.damaged,
      unreadable,
      goneRecords: Math.max(0, read.firstAvailable - afterSequence - 1),
    };
  }
}

/** GenAI spans of an entry. */
export function spanCount(entry: JournalEntry): number {
  return entry.offsets.length / OFFSET_STRIDE;
}

function oversizedAttributes(groups: readonly SpanGroup[]): number {
  let count = 0;
  for (const { spans } of groups) for (const span of spans) count += span.oversizedAttributes;
  return count;
}

interface Processed {
  readonly groups: SpanGroup[];
  readonly unreadable: UnreadableRecord[];
}

type Steps = Pick<BatchSourceOptions, 'chain' | 'decode'>;

/**
 * Processes entries together. Where that throws, the records at fault are found by halves and left out, and the
 * others are processed together again: spans of one call may lie in different records.
 */
function processEntries(steps: Steps, entries: readonly StoredEntry[]): Processed {
  if (entries.length === 0) return { groups: [], unreadable: [] };
  try {
    return { groups: processTogether(steps, entries), unreadable: [] };
  } catch {
    const halved = processByHalves(steps, entries);
    const faulty = new Set<JournalEntry>(halved.unreadable.map(({ entry }) => entry));
    const sound = entries.filter((entry) => !faulty.has(entry));
    try {
      const groups = processTogether(steps, sound).values();
      const all = entries.map((entry) =>
        faulty.has(entry) ? emptyGroup(entry.context) : (groups.next().value ?? emptyGroup(entry.context)),
      );
      return { groups: all, unreadable: halved.unreadable };
    } catch {
      // Each is sound, but not all of them together.
      return halved;
    }
  }
}

function processTogether(steps: Steps, entries: readonly StoredEntry[]): SpanGroup[] {
  const groups = entries.map((entry) => decodeGroup(steps, entry));
  for (const step of steps.chain.steps) step(groups);
  return groups;
}

function processByHalves(steps: Steps, entries: readonly StoredEntry[]): Processed {
  if (entries.length === 0) return { groups: [], unreadable: [] };
  try {
    return { groups: processTogether(steps, entries), unreadable: [] };
  } catch (error) {
    const [only] = entries;
    if (entries.length === 1 && only !== undefined) {
      const group = emptyGroup(only.context);
      return { groups: [group], unreadable: [{ entry: only, message: describe(error) }] };
    }
    const middle = Math.ceil(entries.length / 2);
    const left = processByHalves(steps, entries.slice(0, middle));
    const right = processByHalves(steps, entries.slice(middle));
    return {
      groups: [...left.groups, ...right.groups],
      unreadable: [...left.unreadable, ...right.unreadable],
    };
  }
}

function decodeGroup(steps: Steps, entry: StoredEntry): SpanGroup {
  const spans = steps.decode(entry.body, entry.offsets);
  return {
    context: entry.context,
    sequence: entry.sequence,
    spans,
    calls: spans.map(() => null),
    rejections: [],
  };
}

function emptyGroup(context: RecordContext): SpanGroup {
  return { context, spans: [], calls: [], rejections: [] };
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
