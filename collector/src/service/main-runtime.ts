import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { GEN_AI_KEY_PREFIXES } from '@spanmeter/processors';
import type { Config } from '../config/config.ts';
import { API_KEY_AUTH, type ApiKeyAuthOptions } from '../extensions/api-key-auth.ts';
import { otlpHttp } from '../exporters/otlp-http.ts';
import { createHealthServer, healthCheck, type PartState } from '../extensions/health-check.ts';
import { journal, openConfiguredJournal, type JournalExtensionOptions } from '../extensions/journal.ts';
import { systemClock } from '../journal/clock.ts';
import { nodeDisk } from '../journal/disk.ts';
import type { Journal } from '../journal/journal.ts';
import type { KeyAuthenticator } from '../keys/authenticator.ts';
import { tracesJsonToProtobuf } from '../otlp/json.ts';
import { scanTraces } from '../otlp/scan.ts';
import type { Component, Logger } from '../pipeline/component.ts';
import { settledOrAborted } from '../pipeline/deadline.ts';
import { createDoor, type Door } from '../pipeline/door.ts';
import type { JournalRecord } from '../pipeline/entry.ts';
import type { Authenticator, HeaderLookup } from '../pipeline/identity.ts';
import { Refusal } from '../pipeline/refusal.ts';
import { createMemoryGate, memoryLimiter, type MemoryGate } from '../processors/memory-limiter.ts';
import { createOtlpReceiver, otlpReceiver } from '../receivers/otlp.ts';
import type { OtlpReceiverOptions } from '../receivers/otlp-options.ts';
import type { ThreadMetrics } from '../telemetry/self-metrics.ts';
import { openAuthenticator } from './keys.ts';
import type {
  DatabaseAddress,
  FromWorker,
  JournalStart,
  JournalState,
  Questions,
  WorkerStart,
} from './messages.ts';
import { componentOf, tracesPipeline } from './processing.ts';
import { takenEndpoints } from './taken-endpoints.ts';
import { WorkerLink } from './worker-link.ts';

const RETRY_AFTER_MS = 2_000;
const REFUSAL_COUNTS_MS = 10_000;

/** What the main thread is started with. */
export interface MainParts {
  readonly config: Config;
  readonly sources: readonly string[];
  readonly sets: readonly string[];
  readonly dataDir: string;
  readonly terminal: boolean;
  readonly log: Logger;
  readonly metrics: ThreadMetrics;
  /** Called once all of it listens. */
  onReady(database: DatabaseAddress): void;
  /** Called when start-up failed in the worker for a reason that trying again does not remove. */
  onFault(message: string): void;
}

/** Why nothing was started, one sentence each. */
export class StartFailure extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join(' '));
    this.name = 'StartFailure';
    this.faults = faults;
  }
}

/** The door: receivers, journal, health, and the worker behind them. */
export class MainRuntime {
  readonly #parts: MainParts;
  readonly #components: Component[] = [];
  #journal: Journal | null = null;
  #openEnd: JournalStart['openEnd'] | null = null;
  #worker: WorkerLink | null = null;
  #authenticator: KeyAuthenticator | null = null;
  #memory: MemoryGate | null = null;
  /** The latest refusal of the journal; null once it took a record again. */
  #refusal: { readonly message: string; readonly atMs: number } | null = null;
  #stopping = false;

  constructor(parts: MainParts) {
    this.#parts = parts;
  }

  /** Rejects with StartFailure where ports, the data directory or the journal cannot be had. */
  async start(): Promise<void> {
    const { log, metrics } = this.#parts;
    const opened = await this.#takeDirectoryAndPorts();
    this.#openEnd = opened.end;
    await this.#startHealth();
    const worker = new WorkerLink(
      new URL('./worker-entry.js', import.meta.url),
      this.#workerEvents(opened),
      log,
    );
    this.#worker = worker;
    opened.onAppended((end) => worker.advance(end));
    await this.#startReceivers(this.#createDoor(opened));
    worker.start();
    metrics.gauge('spanmeter_worker_up', 'Whether the worker thread tells how it is.', () =>
      worker.state.postgres.state === 'starting' ? 0 : 1,
    );
  }

  /** Takes nothing new, lets the worker finish what is journalled, then closes. */
  async stop(deadlineMs: number): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    const deadline = AbortSignal.timeout(deadlineMs);
    const endMs = performance.now() + deadlineMs;
    for (const component of this.#components.toReversed()) await component.stop(deadline);
    this.#memory?.stop();
    await this.#worker?.stop(Math.max(0, Math.round(endMs - performance.now())));
    if (this.#authenticator !== null) await settledOrAborted(this.#authenticator.stop(deadline), deadline);
    await this.#journal?.close();
  }

  /** All that another program may hold is tried before anything starts, so that every fault is told at once. */
  async #takeDirectoryAndPorts(): Promise<Journal> {
    const { config, dataDir } = this.#parts;
    const faults = await takenEndpoints(config);
    try {
      await makeDataDirectory(dataDir);
      this.#journal = await this.#openJournal();
    } catch (error) {
      faults.push(error instanceof Error ? error.message : String(error));
    }
    if (this.#journal === null || faults.length > 0) throw new StartFailure(faults);
    return this.#journal;
  }

  #journalOptions(): JournalExtensionOptions {
    const { config } = this.#parts;
    const { extensions } = config.service;
    const found = componentOf(extensions, config.extensions, journal);
    return found?.options ?? journal.options.parse({});
  }

  #openJournal(): Promise<Journal> {
    const { dataDir, log, metrics } = this.#parts;
    const around = { disk: nodeDisk, clock: systemClock, log, metrics, dataDir };
    return openConfiguredJournal(this.#journalOptions(), around);
  }

  #workerEvents(opened: Journal): ConstructorParameters<typeof WorkerLink>[1] {
    const { log, dataDir, sources, sets, terminal } = this.#parts;
    return {
      start: (): WorkerStart => ({
        sources,
        sets,
        dataDir,
        terminal,
        journal: {
          dir: this.#journalOptions().directory ?? join(dataDir, 'journal'),
          id: opened.id,
          end: opened.end,
          openEnd: this.#openEnd ?? opened.end,
          unconfirmedEnd: opened.unconfirmedEnd,
        },
      }),
      ready: (database) => this.#parts.onReady(database),
      fault: (message) => this.#parts.onFault(message),
      database: (ownerUrl) => void this.#startAuthenticator(ownerUrl),
      done(sequence) {
        opened.release(sequence).catch((error: unknown) => {
          log.error({ err: error }, 'segments that are done could not be deleted');
        });
      },
      answer: (message) => this.#answer(opened, message),
    };
  }

  async #answer(opened: Journal, message: Extract<FromWorker, { type: 'ask' }>): Promise<unknown> {
    switch (message.name) {
      case 'confirm_cursor':
        await opened.confirmCursor();
        return null;
      case 'renew_journal_id':
        return opened.renewId();
      case 'set_aside': {
        const { segmentFirst, offset } = message.ask as Questions['set_aside']['ask'];
        await opened.setAside(segmentFirst, offset);
        return null;
      }
      case 'metrics':
        return this.#parts.metrics.snapshot();
      case 'journal':
        return this.#journalReport(opened);
      default:
        return message.name satisfies never;
    }
  }

  #journalReport(opened: Journal): JournalState {
    return {
      id: opened.id,
      oldest_sequence: opened.oldestSequence,
      last_sequence: opened.lastSequence,
      size_bytes: opened.sizeBytes,
      max_bytes: this.#journalOptions().max_bytes,
      damage: opened.damage,
    };
  }

  async #startHealth(): Promise<void> {
    const { config, log } = this.#parts;
    const found = componentOf(config.service.extensions, config.extensions, healthCheck);
    if (found === null) return;
    const health = createHealthServer({
      ...found.options,
      log,
      state: () => ({
        journal: this.#stopping ? { state: 'stopping' } : this.#journalState(),
        postgres: this.#worker?.state.postgres ?? { state: 'starting' },
        exporters: this.#worker?.state.exporters ?? [],
      }),
    });
    await health.start();
    this.#components.push(health);
  }

  async #append(opened: Journal, record: JournalRecord): Promise<number> {
    try {
      const sequence = await opened.append(record);
      this.#refusal = null;
      return sequence;
    } catch (error) {
      if (error instanceof Refusal) this.#refusal = { message: error.message, atMs: performance.now() };
      throw error;
    }
  }

  /** Nobody may send while health says no, so a refusal counts for a while only: then it is worth a try. */
  #journalState(): PartState {
    const refusal = this.#refusal;
    if (refusal === null || performance.now() - refusal.atMs > REFUSAL_COUNTS_MS) return { state: 'ok' };
    return { state: 'full', message: refusal.message };
  }

  /** Forwarders want every span; the ledger alone wants only GenAI spans. */
  #keep(): 'all' | 'gen_ai' {
    const { config } = this.#parts;
    const { exporters } = tracesPipeline(config);
    return componentOf(exporters, config.exporters, otlpHttp) === null ? 'gen_ai' : 'all';
  }

  #createDoor(opened: Journal): Door {
    const { config, log, metrics } = this.#parts;
    const { processors, receivers } = tracesPipeline(config);
    const limiter = componentOf(processors, config.processors, memoryLimiter);
    const memory =
      limiter === null ? null : createMemoryGate(limiter.options, { id: limiter.id, log, metrics });
    memory?.start();
    this.#memory = memory;
    const receiver = componentOf(receivers, config.receivers, otlpReceiver);
    return createDoor({
      append: (record) => this.#append(opened, record),
      keep: this.#keep(),
      keyPrefixes: GEN_AI_KEY_PREFIXES,
      maxBodyBytes: receiver?.options.protocols.http?.max_request_body_size ?? 64 * 1024 ** 2,
      ...(receiver === null ? {} : { maxSpans: receiver.options.max_request_spans }),
      limits: {
        spansPerSecond: receiver?.options.tenant_limits.spans_per_second ?? 0,
        bytesPerSecond: receiver?.options.tenant_limits.bytes_per_second ?? 0,
      },
      metrics,
      log,
      scan: scanTraces,
      toProtobuf: tracesJsonToProtobuf,
      ...(memory === null ? {} : { admit: () => memory.admit() }),
    });
  }

  async #startReceivers(door: Door): Promise<void> {
    const { config, log, metrics } = this.#parts;
    for (const id of tracesPipeline(config).receivers) {
      const component = config.receivers.get(id);
      if (component === undefined) continue;
      const receiver = createOtlpReceiver(component.options as OtlpReceiverOptions, {
        host: { id, log, metrics },
        door,
        authenticator: this.#requiresKeys() ? this.#lateAuthenticator() : null,
      });
      await receiver.start();
      this.#components.push(receiver);
    }
  }

  #keyOptions(): ApiKeyAuthOptions | null {
    const { config } = this.#parts;
    return componentOf(config.service.extensions, config.extensions, API_KEY_AUTH)?.options ?? null;
  }

  #requiresKeys(): boolean {
    return this.#keyOptions() !== null;
  }

  /** Until the worker has told where the keys are, nobody can be told apart: senders are asked to try again. */
  #lateAuthenticator(): Authenticator {
    return {
      authenticate: async (header: HeaderLookup) => {
        if (this.#authenticator === null) {
          throw new Refusal('unavailable', 'the collector is starting', { retryAfterMs: RETRY_AFTER_MS });
        }
        return this.#authenticator.authenticate(header);
      },
    };
  }

  async #startAuthenticator(ownerUrl: string): Promise<void> {
    const options = this.#keyOptions();
    if (options === null || this.#authenticator !== null) return;
    const { dataDir, log } = this.#parts;
    const authenticator = openAuthenticator({
      options,
      ownerUrl,
      ready: () => Promise.resolve(),
      snapshotPath: join(dataDir, 'keys.json'),
      log,
    });
    this.#authenticator = authenticator;
    await authenticator.start();
  }
}

async function makeDataDirectory(dataDir: string): Promise<void> {
  try {
    await nodeDisk.makeDirectory(dataDir);
    await access(dataDir, constants.W_OK);
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new Error(
      `The data directory ${dataDir} cannot be made or written (${why}): set SPANMETER_DATA to one that can.`,
      { cause: error },
    );
  }
}
