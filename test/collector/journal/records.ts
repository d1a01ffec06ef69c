import { systemClock } from '@spanmeter/collector/dist/journal/clock.js';
import { nodeDisk } from '@spanmeter/collector/dist/journal/disk.js';
import { openJournal, type Journal, type JournalOptions } from '@spanmeter/collector/dist/journal/journal.js';
import { openJournalReader, type ReadResult } from '@spanmeter/collector/dist/journal/reader.js';
import type { SelfMetrics } from '@spanmeter/collector/dist/pipeline/component.js';
import type { JournalRecord } from '@spanmeter/collector/dist/pipeline/entry.js';
import { SILENT_LOG, SILENT_METRICS } from '@spanmeter/collector/dist/pipeline/silent.js';

/** A request with one span and this body. */
export function recordOf(body: string | Uint8Array, spans = 1): JournalRecord {
  return {
    signal: 'traces',
    context: {
      receivedUnixMs: 1_760_000_000_123,
      role: 'gateway',
      tenant: null,
      declaredTenant: 'käse',
      keyId: 'key-7',
      team: 'payments',
    },
    body: typeof body === 'string' ? Buffer.from(body) : body,
    offsets: Uint32Array.from({ length: spans * 6 }, (_, i) => i * 3),
    totalSpans: spans + 4,
  };
}

/** Opens a journal of a megabyte on the real disk, or as the options say. */
export function openTestJournal(dir: string, options: Partial<JournalOptions> = {}): Promise<Journal> {
  return openJournal({
    dir,
    maxBytes: 1024 * 1024,
    disk: nodeDisk,
    clock: systemClock,
    log: SILENT_LOG,
    metrics: SILENT_METRICS,
    ...options,
  });
}

/** Reads everything of a journal up to a sequence. */
export async function readAll(dir: string, upTo: number, after = 0): Promise<ReadResult> {
  const reader = openJournalReader({ dir, disk: nodeDisk });
  const entries = [];
  const damaged = [];
  let firstAvailable = 0;
  let lastSequence = after;
  while (lastSequence < upTo) {
    const read = await reader.read(lastSequence, upTo, { maxBytes: 64 * 1024, maxEntries: 7 });
    if (firstAvailable === 0) ({ firstAvailable } = read);
    entries.push(...read.entries);
    damaged.push(...read.damaged);
    if (read.lastSequence <= lastSequence) break;
    ({ lastSequence } = read);
  }
  return { entries, damaged, lastSequence, firstAvailable };
}

/** Bodies as text, by sequence. */
export function bodies(read: ReadResult): Map<number, string> {
  return new Map(read.entries.map((entry) => [entry.sequence, Buffer.from(entry.body).toString()]));
}

/** Metrics that only count, by name and labels. */
export function countingMetrics(): {
  metrics: SelfMetrics;
  count: (name: string, label?: string) => number;
} {
  const counts = new Map<string, number>();
  return {
    metrics: {
      counter: (name) => ({
        add(amount, labels = {}) {
          for (const key of [name, `${name}/${Object.values(labels).join('/')}`]) {
            counts.set(key, (counts.get(key) ?? 0) + amount);
          }
        },
      }),
      histogram: () => ({ observe() {} }),
      gauge() {},
    },
    count: (name, label) => counts.get(label === undefined ? name : `${name}/${label}`) ?? 0,
  };
}
