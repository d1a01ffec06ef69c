import { randomUUID } from 'node:crypto';
import type { Logger, SelfMetrics } from '../pipeline/component.ts';
import type { JournalRecord } from '../pipeline/entry.ts';
import { Refusal } from '../pipeline/refusal.ts';
import type { Clock } from './clock.ts';
import type { Disk, DirectoryLock } from './disk.ts';
import { readIdentity, writeIdentity, type JournalIdentity } from './identity.ts';
import { PendingFrame, type JournalEnd } from './record.ts';
import { DAMAGE_REASONS, recoverFiles, type DamageReason, type RecoveredFiles } from './recovery.ts';
import { HEADER_BYTES } from './segment.ts';
import { SegmentFiles } from './segment-files.ts';

const REFUSAL_REASONS = ['too_large', 'busy', 'full', 'closing', 'disk'] as const;

export interface JournalOptions {
  readonly dir: string;
  /** Bound on all files of the journal together, exact. */
  readonly maxBytes: number;
  /** A file takes no further record beyond this size; at most a quarter of the bound. */
  readonly segmentBytes?: number;
  /** How long records that every cursor has passed are kept for a store that lost its last commits. */
  readonly retainMs?: number;
  /** How many bytes of them at most. */
  readonly retainBytes?: number;
  /** Bytes accepted but not yet durable, at most; one record is always let in. */
  readonly maxPendingBytes?: number;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: SelfMetrics;
  /** Makes journal ids; random UUIDs by default. */
  readonly newId?: () => string;
}

/** An append-only log of accepted requests in one directory, held by this process alone. */
export interface Journal {
  /** UUID; cursors belong to it. */
  readonly id: string;
  /** Last durable record; 0 before the first. */
  readonly lastSequence: number;
  /** First record that is still there. */
  readonly oldestSequence: number;
  readonly sizeBytes: number;
  readonly end: JournalEnd;
  /** What opening it found unreadable or missing: how often, by reason. */
  readonly damage: Readonly<Record<string, number>>;
  /** A store's cursor beyond this belongs to records that this directory does not have; null once compared. */
  readonly unconfirmedEnd: number | null;
  /** Resolves with the sequence once the record is durable. Rejects with Refusal. */
  append(record: JournalRecord): Promise<number>;
  /** Every cursor has passed `doneSequence`: what lies before may go, as retention says. */
  release(doneSequence: number): Promise<void>;
  /** Calls back after each durable group; returns how to stop that. */
  onAppended(listener: (end: JournalEnd) => void): () => void;
  /** A store's cursor was compared with `unconfirmedEnd` and fits. Resolves when that is remembered. */
  confirmCursor(): Promise<void>;
  /** Gives the journal a new id, because a store's cursor shows that it is not the one it was. */
  renewId(): Promise<string>;
  /** Keeps a copy of an unreadable rest of a segment and lets appends go on in a new file. */
  setAside(segmentFirst: number, offset: number): Promise<void>;
  /** Lets appends under way become durable, refuses new ones, gives the directory free. */
  close(): Promise<void>;
}

interface QueuedAppend {
  readonly frame: PendingFrame;
  resolve(sequence: number): void;
  reject(error: unknown): void;
}

/** Bytes of all files, and of the one that takes appends (null: the next append begins one). */
interface Projection {
  readonly size: number;
  readonly tail: number | null;
}

const DEFAULT_SEGMENT_BYTES = 128 * 1024 * 1024;
const DEFAULT_RETAIN_MS = 60 * 60 * 1000;
const DEFAULT_PENDING_BYTES = 64 * 1024 * 1024;
const MAX_GROUP_BYTES = 16 * 1024 * 1024;
const RETRY_AFTER_MS = 1000;
const RETRY_AFTER_FULL_MS = 5000;

/** Opens or creates the journal of a directory, repairing what can be; rejects with DirectoryHeld. */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const { disk, dir, log, metrics } = options;
  await disk.makeDirectory(dir);
  const lock = await disk.lock(dir);
  try {
    const damaged = metrics.counter(
      'spanmeter_journal_damaged_total',
      'Parts of the journal that could not be read, by reason.',
      ['reason'],
    );
    for (const reason of DAMAGE_REASONS) damaged.add(0, { reason });
    const damage: Record<string, number> = {};
    const onDamage = (reason: DamageReason): void => {
      damage[reason] = (damage[reason] ?? 0) + 1;
      damaged.add(1, { reason });
    };
    const stored = await readIdentity(disk, dir);
    const known = typeof stored === 'object' ? stored : null;
    if (typeof stored === 'string') {
      onDamage('identity');
      log.error({ dir }, `The identity of the journal could not be read (${stored}); it gets a new one.`);
    }
    const files = await recoverFiles({
      disk,
      dir,
      log,
      accepts: (id) => known === null || id === known.id || known.former.includes(id),
      onDamage,
    });
    const identity = identityAtOpen(known, files, options.newId ?? randomUUID);
    if (known === null && files.segments.length > 0) {
      log.warn(
        { id: identity.id },
        'The journal has records but lost its identity; every store reads it from its start.',
      );
    }
    const journal = new SegmentJournal(options, lock, identity, files, damage);
    await journal.persistIdentity();
    return journal;
  } catch (error) {
    await lock.release();
    throw error;
  }
}

function identityAtOpen(
  known: JournalIdentity | null,
  files: RecoveredFiles,
  newId: () => string,
): JournalIdentity {
  const { sequence } = files.end;
  if (known === null) {
    return { version: 1, id: newId(), former: [...files.journalIds], unconfirmedEnd: sequence };
  }
  return {
    ...known,
    former: known.former.filter((id) => files.journalIds.has(id)),
    unconfirmedEnd: Math.min(known.unconfirmedEnd ?? sequence, sequence),
  };
}

class SegmentJournal implements Journal {
  readonly damage: Readonly<Record<string, number>>;
  readonly #options: JournalOptions;
  readonly #lock: DirectoryLock;
  readonly #files: SegmentFiles;
  readonly #segmentBytes: number;
  readonly #retainBytes: number;
  readonly #listeners = new Set<(end: JournalEnd) => void>();
  readonly #counters: ReturnType<typeof makeCounters>;
  #identity: JournalIdentity;
  /** The identity in memory is not yet on the disk; nothing is appended before it is. */
  #identityIsNew = true;
  #queue: QueuedAppend[] = [];
  #queuedBytes = 0;
  #projection: Projection | null = null;
  #end: JournalEnd;
  #done = 0;
  #pumping: Promise<void> | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | null = null;

  constructor(
    options: JournalOptions,
    lock: DirectoryLock,
    identity: JournalIdentity,
    files: RecoveredFiles,
    damage: Readonly<Record<string, number>>,
  ) {
    this.#options = options;
    this.#lock = lock;
    this.#identity = identity;
    this.#end = files.end;
    this.damage = damage;
    const quarter = Math.floor(options.maxBytes / 4);
    this.#segmentBytes = Math.min(options.segmentBytes ?? DEFAULT_SEGMENT_BYTES, quarter);
    this.#retainBytes = Math.min(options.retainBytes ?? quarter, quarter);
    this.#files = new SegmentFiles({
      disk: options.disk,
      clock: options.clock,
      dir: options.dir,
      segmentBytes: this.#segmentBytes,
      segments: files.segments,
      aside: files.aside,
      active: files.active,
      journalId: () => this.#identity.id,
    });
    this.#counters = makeCounters(options.metrics);
    options.metrics.gauge(
      'spanmeter_journal_size_bytes',
      'Bytes of the journal on disk.',
      () => this.sizeBytes,
    );
    options.metrics.gauge('spanmeter_journal_limit_bytes', 'Bound of the journal.', () => options.maxBytes);
  }

  get id(): string {
    return this.#identity.id;
  }

  get end(): JournalEnd {
    return this.#end;
  }

  get lastSequence(): number {
    return this.#end.sequence;
  }

  get oldestSequence(): number {
    return this.#files.segments[0]?.first ?? this.#end.sequence + 1;
  }

  get sizeBytes(): number {
    return this.#files.sizeBytes;
  }

  get unconfirmedEnd(): number | null {
    return this.#identity.unconfirmedEnd;
  }

  async append(record: JournalRecord): Promise<number> {
    this.#refuseIfClosing();
    const frame = new PendingFrame(record);
    if (frame.bytes + HEADER_BYTES > this.#options.maxBytes) {
      throw this.#refuse('too_large', 'The request is larger than the whole journal may be.');
    }
    const limit = this.#options.maxPendingBytes ?? DEFAULT_PENDING_BYTES;
    if (this.#queuedBytes > 0 && this.#queuedBytes + frame.bytes > limit) {
      throw this.#refuse('busy', 'The disk does not keep up; try again.');
    }
    if (!this.#hasRoom(frame.bytes)) {
      await this.#exclusively(() => this.#trim(frame.bytes));
      this.#refuseIfClosing();
      if (!this.#hasRoom(frame.bytes)) throw this.#refuse('full', 'The journal is full; try again later.');
    }
    return new Promise((resolve, reject) => {
      this.#projection = this.#placed(this.#projected(), frame.bytes);
      this.#queue.push({ frame, resolve, reject });
      this.#queuedBytes += frame.bytes;
      this.#pumping ??= this.#pump();
    });
  }

  async release(doneSequence: number): Promise<void> {
    this.#done = doneSequence;
    if (this.#closing !== null) return;
    await this.#exclusively(() => this.#trim(0));
  }

  onAppended(listener: (end: JournalEnd) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async confirmCursor(): Promise<void> {
    if (this.#identity.unconfirmedEnd === null) return;
    this.#refuseIfClosing();
    await this.#exclusively(async () => {
      const confirmed = { ...this.#identity, unconfirmedEnd: null };
      await writeIdentity(this.#options.disk, this.#options.dir, confirmed);
      this.#identity = confirmed;
    });
  }

  async renewId(): Promise<string> {
    this.#refuseIfClosing();
    const former = [...this.#identity.former, this.#identity.id];
    const id = (this.#options.newId ?? randomUUID)();
    await this.#exclusively(async () => {
      const renewed: JournalIdentity = { version: 1, id, former, unconfirmedEnd: null };
      await writeIdentity(this.#options.disk, this.#options.dir, renewed);
      this.#identity = renewed;
      this.#identityIsNew = false;
    });
    this.#options.log.warn({ id, former: former.at(-1) }, 'The journal has a new id.');
    return id;
  }

  async setAside(segmentFirst: number, offset: number): Promise<void> {
    this.#refuseIfClosing();
    await this.#exclusively(async () => {
      if (this.#files.segments.at(-1)?.first === segmentFirst) this.#files.seal();
      const room = this.#options.maxBytes - this.#files.sizeBytes - this.#queuedBytes;
      const name = await this.#files.copyAside(segmentFirst, offset, room).catch(() => null);
      this.#options.log.error(
        { segment: segmentFirst, offset, aside: name },
        name === null
          ? 'A rest of a journal segment cannot be read, and there is no room to keep a copy.'
          : `A rest of a journal segment cannot be read; a copy is kept as ${name}.`,
      );
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Writes the identity; a full disk does not stop the start, it only holds back appends. */
  async persistIdentity(): Promise<void> {
    try {
      await writeIdentity(this.#options.disk, this.#options.dir, this.#identity);
      this.#identityIsNew = false;
    } catch (error) {
      this.#options.log.error({ err: error }, 'The identity of the journal cannot be written yet.');
    }
  }

  async #close(): Promise<void> {
    while (this.#pumping !== null) await this.#pumping;
    await this.#exclusively(() => this.#files.close());
    await this.#lock.release();
  }

  #refuseIfClosing(): void {
    if (this.#closing !== null) throw this.#refuse('closing', 'The collector is stopping.');
  }

  #refuse(reason: (typeof REFUSAL_REASONS)[number], message: string, cause?: unknown): Refusal {
    this.#counters.refused.add(1, { reason });
    if (reason === 'too_large') return new Refusal('too_large', message);
    const retryAfterMs = reason === 'full' ? RETRY_AFTER_FULL_MS : RETRY_AFTER_MS;
    return new Refusal('unavailable', message, { retryAfterMs, cause });
  }

  /** Whether `bytes` more fit, counting everything queued and the headers that new files will need. */
  #hasRoom(bytes: number): boolean {
    return this.#placed(this.#projected(), bytes).size <= this.#options.maxBytes;
  }

  /** Sizes once everything queued is on the disk; computed anew only after the files changed. */
  #projected(): Projection {
    this.#projection ??= this.#queue.reduce<Projection>(
      (projection, item) => this.#placed(projection, item.frame.bytes),
      { size: this.#files.sizeBytes, tail: this.#files.tailBytes },
    );
    return this.#projection;
  }

  #placed({ size, tail }: Projection, bytes: number): Projection {
    const header = this.#files.startsNewFile(tail, bytes) ? HEADER_BYTES : 0;
    return { size: size + header + bytes, tail: (header > 0 || tail === null ? HEADER_BYTES : tail) + bytes };
  }

  /** Disk operations one after the other, in the order asked for. */
  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work).finally(() => {
      this.#projection = null;
    });
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #pump(): Promise<void> {
    while (this.#queue.length > 0) await this.#exclusively(() => this.#commitGroup());
    this.#pumping = null;
  }

  async #commitGroup(): Promise<void> {
    const group = this.#takeGroup();
    const chunks: Uint8Array[] = [];
    let end = this.#end;
    for (const { frame } of group) {
      end = {
        sequence: end.sequence + 1,
        spans: end.spans + frame.spans,
        bytes: end.bytes + frame.bytes,
      };
      chunks.push(frame.seal(end), frame.body);
    }
    const bytes = end.bytes - this.#end.bytes;
    try {
      if (this.#identityIsNew) {
        await writeIdentity(this.#options.disk, this.#options.dir, this.#identity);
        this.#identityIsNew = false;
      }
      await this.#files.append(chunks, bytes, this.#end);
    } catch (error) {
      this.#dequeue(group, bytes);
      this.#options.log.error(
        { err: error, records: group.length },
        'The disk refused records; their senders are told.',
      );
      for (const item of group)
        item.reject(this.#refuse('disk', 'The disk cannot take the request now.', error));
      return;
    }
    const before = this.#end;
    this.#end = end;
    this.#dequeue(group, bytes);
    this.#counters.records.add(group.length);
    this.#counters.spans.add(end.spans - before.spans);
    this.#counters.syncs.add(1);
    for (const [i, item] of group.entries()) item.resolve(before.sequence + 1 + i);
    this.#tellListeners(end);
  }

  #tellListeners(end: JournalEnd): void {
    for (const listener of this.#listeners) {
      try {
        listener(end);
      } catch (error) {
        this.#options.log.error({ err: error }, 'A follower of the journal failed.');
      }
    }
  }

  /** What goes into one file with one sync; it stays queued, and counted, until it is done. */
  #takeGroup(): readonly QueuedAppend[] {
    let tail = this.#files.tailBytes;
    let bytes = 0;
    let count = 0;
    for (const { frame } of this.#queue) {
      const newFile = this.#files.startsNewFile(tail, frame.bytes);
      if (count > 0 && (newFile || bytes + frame.bytes > MAX_GROUP_BYTES)) break;
      tail = (newFile ? HEADER_BYTES : (tail ?? HEADER_BYTES)) + frame.bytes;
      bytes += frame.bytes;
      count += 1;
    }
    return this.#queue.slice(0, count);
  }

  #dequeue(group: readonly QueuedAppend[], bytes: number): void {
    this.#queue = this.#queue.slice(group.length);
    this.#queuedBytes -= bytes;
  }

  /** Removes what every cursor has passed and retention does not keep, more of it where `neededBytes` press. */
  async #trim(neededBytes: number): Promise<void> {
    const pressed = (): boolean => {
      this.#projection = null;
      return neededBytes > 0 && !this.#hasRoom(neededBytes);
    };
    try {
      await this.#trimPassed(pressed);
      while (pressed()) {
        const name = await this.#files.removeOldestAside();
        if (name === null) break;
        this.#options.log.warn({ file: name }, `The journal needed room; ${name} was removed.`);
      }
    } catch (error) {
      this.#options.log.error({ err: error }, 'Old journal segments cannot be removed now.');
    }
  }

  async #trimPassed(pressed: () => boolean): Promise<void> {
    const { clock, retainMs = DEFAULT_RETAIN_MS } = this.#options;
    for (;;) {
      const [oldest, next] = this.#files.segments;
      if (oldest === undefined || next === undefined || next.first - 1 > this.#done) break;
      const expired = clock.now() - next.createdUnixMs > retainMs;
      if (!expired && this.#passedBytes() <= this.#retainBytes && !pressed()) break;
      await this.#files.removeOldest();
    }
    // With everything passed even the file in use may go, so that no record that fits the bound is refused.
    const isAlone = this.#files.segments.length === 1;
    if (
      isAlone &&
      this.#end.sequence <= this.#done &&
      this.#end.sequence >= this.oldestSequence &&
      pressed()
    ) {
      await this.#files.roll(this.#end);
      await this.#files.removeOldest();
    }
  }

  #passedBytes(): number {
    const { segments } = this.#files;
    return segments.reduce((sum, segment, i) => {
      const next = segments[i + 1];
      return next !== undefined && next.first - 1 <= this.#done ? sum + segment.bytes : sum;
    }, 0);
  }
}

function makeCounters(metrics: SelfMetrics) {
  const help = 'Requests not taken, by reason.';
  const refused = metrics.counter('spanmeter_journal_refused_total', help, ['reason']);
  // Series from the start: a rate sees no first event of a series that begins with it.
  for (const reason of REFUSAL_REASONS) refused.add(0, { reason });
  return {
    records: metrics.counter('spanmeter_journal_appended_records_total', 'Requests made durable.'),
    spans: metrics.counter('spanmeter_journal_appended_spans_total', 'GenAI spans made durable.'),
    syncs: metrics.counter(
      'spanmeter_journal_syncs_total',
      'Flushes to stable storage that made a group durable.',
    ),
    refused,
  };
}
