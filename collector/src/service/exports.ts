import type { Config } from '../config/config.ts';
import type { PostgresLedger } from '../exporters/postgres/ledger.ts';
import { createOtlpHttpSender, type OtlpHttpOptions } from '../exporters/otlp-http.ts';
import { forwardBody } from '../exporters/otlp-http/forward-body.ts';
import { createDebugExporter, type DebugOptions } from '../exporters/debug.ts';
import type { SpendCommit } from '../budgets/spending.ts';
import type { PrometheusExporter } from '../exporters/prometheus.ts';
import { systemClock } from '../journal/clock.ts';
import { openCursorFiles, type CursorFiles } from '../journal/cursor-files.ts';
import { nodeDisk } from '../journal/disk.ts';
import type { JournalProgress } from '../journal/journal-progress.ts';
import { openJournalReader, type JournalReader } from '../journal/reader.ts';
import { extractSpans } from '../otlp/extract.ts';
import { createBatchSource, type BatchSource } from '../pipeline/batch-source.ts';
import { createBestEffortDrain } from '../pipeline/best-effort-drain.ts';
import type { Host, Logger, SelfMetrics } from '../pipeline/component.ts';
import { createLedgerDrain } from '../pipeline/drain.ts';
import { registerDrainMetrics, type Drain } from '../pipeline/drain-status.ts';
import type { Budgets } from './budgets.ts';
import type { MainLink } from './main-link.ts';
import type { JournalStart } from './messages.ts';
import type { Processing } from './processing.ts';
import { tracesPipeline } from './processing.ts';

export interface ExportParts {
  readonly config: Config;
  readonly journal: JournalStart;
  readonly progress: JournalProgress;
  readonly processing: Processing;
  readonly ledger: PostgresLedger | null;
  readonly prometheus: PrometheusExporter | null;
  /** What follows spend against budgets; null where there is no ledger. */
  readonly budgets: Pick<Budgets, 'committed'> | null;
  readonly link: MainLink;
  readonly log: Logger;
  readonly metrics: SelfMetrics;
}

/** Every exporter that follows the journal. */
export interface Exports {
  readonly drains: readonly Drain[];
  start(): Promise<void>;
  stop(deadline: AbortSignal): Promise<void>;
}

/** Tells the main thread how far all cursors have passed. */
function doneReport(link: MainLink): { exporter(name: string): (sequence: number) => void } {
  const done = new Map<string, number>();
  let told = 0;
  return {
    exporter(name) {
      done.set(name, 0);
      return (sequence) => {
        done.set(name, sequence);
        const least = Math.min(...done.values());
        // Less than before, too: a restored store reads again what must not be deleted meanwhile.
        if (least === told) return;
        told = least;
        link.tell({ type: 'done', sequence: least });
      };
    },
  };
}

interface Shared extends ExportParts {
  readonly reader: JournalReader;
  readonly source: BatchSource;
  readonly done: ReturnType<typeof doneReport>;
  readonly cursors: CursorFiles;
}

function ledgerDrain(shared: Shared, id: string, ledger: PostgresLedger, onCommitted: OnCommitted): Drain {
  const { journal, progress, link, log, metrics, source, done } = shared;
  return createLedgerDrain({
    journalId: journal.id,
    unconfirmedEnd: journal.unconfirmedEnd,
    exporter: id,
    ledger,
    source,
    progress,
    clock: systemClock,
    random: Math.random,
    log,
    metrics,
    extract: extractSpans,
    tenantOf: shared.processing.tenantOf,
    onCommitted: ({ inserted }, { journalId, lastSequence: sequence }, isCertain) =>
      onCommitted({ journalId, exporter: id, sequence, inserted, isCertain }),
    onDone: done.exporter(id),
    confirmCursor: async () => void (await link.ask('confirm_cursor', null)),
    renewJournalId: () => link.ask('renew_journal_id', null),
    onUnreadableRest: async ({ segmentFirst, offset }) =>
      void (await link.ask('set_aside', { segmentFirst, offset })),
  });
}

type OnCommitted = (commit: SpendCommit) => void;

interface Forwarder {
  readonly drain: Drain;
  close(): void;
}

function forwarder(shared: Shared, id: string, options: OtlpHttpOptions): Forwarder {
  const { journal, progress, log, metrics, source, reader, done } = shared;
  const host: Host = { id, log, metrics };
  const sender = createOtlpHttpSender(options, host);
  const closing = new AbortController();
  const drain = createBestEffortDrain({
    journalId: journal.id,
    openEnd: journal.openEnd,
    exporter: id,
    startAt: options.start_at === 'head' ? 'newest' : 'oldest',
    maxLagBytes: options.max_lag.bytes,
    maxLagMs: options.max_lag.age,
    source,
    reader,
    progress,
    cursors: shared.cursors,
    clock: systemClock,
    random: Math.random,
    log,
    metrics,
    async send(batch, signal) {
      const either = AbortSignal.any([signal, closing.signal]);
      for (const { body, spans } of forwardBody(batch, options.max_request_bytes)) {
        await sender.send(body, either, spans);
      }
    },
    failure() {
      const { failures, lastError } = sender.state();
      return failures > 0 ? (lastError ?? 'the destination does not answer') : null;
    },
    onDone: done.exporter(id),
  });
  return {
    drain,
    close() {
      closing.abort();
      sender.close();
    },
  };
}

/** Makes the exporters of the pipeline, each with its own cursor over one shared processing. */
export async function createExports(parts: ExportParts): Promise<Exports> {
  const { config, journal, processing, log, metrics, ledger, prometheus, budgets } = parts;
  const reader = openJournalReader({ dir: journal.dir, disk: nodeDisk });
  const source = createBatchSource({
    reader,
    chain: processing.chain,
    decode: (body, offsets) => processing.decode(body, offsets),
    log,
    metrics,
  });
  const cursors = openCursorFiles(nodeDisk, journal.dir, log);
  await cursors.dropOthers(tracesPipeline(config).exporters);
  const shared: Shared = { ...parts, reader, source, cursors, done: doneReport(parts.link) };
  const drains: Drain[] = [];
  const forwarders: Forwarder[] = [];
  const { exporters } = tracesPipeline(config);
  const listeners: OnCommitted[] = [];
  if (prometheus !== null) listeners.push(({ inserted }) => prometheus.committed(inserted, Date.now()));
  if (budgets !== null) listeners.push((commit) => budgets.committed(commit));
  for (const id of exporters) {
    const component = config.exporters.get(id);
    if (component === undefined) continue;
    const { type, options } = component;
    if (type.type === 'postgres' && ledger !== null) {
      drains.push(
        ledgerDrain(shared, id, ledger, (commit) => {
          for (const listener of listeners) listener(commit);
        }),
      );
    } else if (type.type === 'otlp_http') {
      const made = forwarder(shared, id, options as OtlpHttpOptions);
      forwarders.push(made);
      drains.push(made.drain);
    } else if (type.type === 'debug') {
      const debug = createDebugExporter(options as DebugOptions, { log });
      listeners.push(({ inserted }) => debug.calls(inserted));
    }
  }
  registerDrainMetrics(metrics, drains);
  await openCursorFiles(nodeDisk, journal.dir, log).dropOthers(exporters);
  return {
    drains,
    async start() {
      for (const drain of drains) drain.start();
    },
    async stop(deadline) {
      await Promise.all(drains.map((drain) => drain.stop(deadline)));
      for (const one of forwarders) one.close();
    },
  };
}
