import { mergeOverrides, NO_OVERRIDES, type PriceOverrides, type ReplacedEntry } from '@spanmeter/processors';
import type { ListeningConnection } from '../database/listen-loop.ts';
import type { Counter, Logger, SelfMetrics } from '../pipeline/component.ts';
import { LedgerUnavailable } from '../pipeline/ledger.ts';
import type { RowOverrides, SkippedRow } from './override-rows.ts';
import { createOverrideSource, type OverrideSource } from './override-source.ts';
import { createPriceFileWatch, type PriceFileWatch } from './price-file-watch.ts';
import type { PriceFileOptions, PriceFiles, PriceFilesError } from './price-files.ts';

export interface LivePricesOptions {
  /** Null where no file is configured. */
  readonly files: PriceFileOptions | null;
  /** What the files said at the start. */
  readonly first: PriceFiles;
  /** 0 looks at the files at the start only. */
  readonly reloadIntervalMs: number;
  /** Null where there is no store, and so no entries in it. */
  readonly database: {
    readonly connect: () => Promise<ListeningConnection>;
    readonly maxOverrides: number;
    readonly pollMs?: number;
    readonly retryMs?: number;
  } | null;
  /** Makes what follows be priced by these; returns the version of the operator's book. */
  readonly apply: (overrides: PriceOverrides) => string;
  readonly log: Logger;
  readonly metrics: SelfMetrics;
  readonly now?: () => Date;
}

/** Own prices that follow their files and the database while the collector runs. */
export interface LivePrices {
  /** Resolves once pricing may begin. Rejects with LedgerUnavailable while the database was never read. */
  ready(): Promise<void>;
  /** How things stand, as `/api/v1/status` tells it. */
  status(): object;
  start(): void;
  stop(): Promise<void>;
}

const POLL_MS = 30_000;
const RETRY_MS = 2_000;
const READY_WAIT_MS = 1_000;
/** Lines that one reading of the database may log. */
const MAX_LOGGED = 20;

class Live implements LivePrices {
  readonly #options: LivePricesOptions;
  readonly #watch: PriceFileWatch | null;
  readonly #source: OverrideSource | null;
  readonly #reloads: Counter;
  #file: PriceOverrides;
  #database: RowOverrides = { overrides: NO_OVERRIDES, entries: 0, skipped: [] };
  #version: string;
  #fileFault: PriceFilesError | null = null;
  #appliedAt: Date;
  #databaseReadAt: Date | null = null;
  /** Rows and replaced entries that were told of, so that each is told once. */
  #told = new Set<string>();

  constructor(options: LivePricesOptions) {
    this.#options = options;
    const { files, first, metrics, reloadIntervalMs, database } = options;
    this.#file = first.overrides;
    this.#version = options.apply(this.#file);
    this.#appliedAt = this.#now();
    this.#reloads = metrics.counter(
      'spanmeter_price_reloads_total',
      'Changes of own prices that were noticed: applied, or refused with faults.',
      ['source', 'outcome'],
    );
    for (const outcome of ['applied', 'refused']) this.#reloads.add(0, { source: 'files', outcome });
    this.#reloads.add(0, { source: 'database', outcome: 'applied' });
    this.#watch =
      files === null || reloadIntervalMs === 0
        ? null
        : createPriceFileWatch({
            files,
            first,
            intervalMs: reloadIntervalMs,
            onChange: (read) => this.#takeFiles(read),
            onFault: (fault) => this.#refuseFiles(fault),
            onRestored: () => this.#restoreFiles(),
          });
    this.#source =
      database === null
        ? null
        : createOverrideSource({
            connect: database.connect,
            maxOverrides: database.maxOverrides,
            pollMs: database.pollMs ?? POLL_MS,
            retryMs: database.retryMs ?? RETRY_MS,
            log: options.log,
            onRead: (read) => this.#takeRows(read),
          });
    this.#registerGauges();
  }

  #now(): Date {
    return this.#options.now?.() ?? new Date();
  }

  #registerGauges(): void {
    const { metrics, files } = this.#options;
    if (files !== null) {
      metrics.gauge(
        'spanmeter_price_files_valid',
        'Whether the files of own prices can be used as they are now; at 0 the last valid ones apply.',
        () => (this.#fileFault === null ? 1 : 0),
      );
    }
    if (this.#source === null) return;
    metrics.gauge(
      'spanmeter_price_overrides',
      'Price overrides of the database, by whether they can be used.',
      () => [
        { labels: { state: 'used' }, value: this.#database.entries },
        { labels: { state: 'skipped' }, value: this.#database.skipped.length },
      ],
      ['state'],
    );
  }

  async ready(): Promise<void> {
    const source = this.#source;
    if (source === null || source.isRead) return;
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([
      source.firstRead,
      new Promise((resolve) => {
        timer = setTimeout(resolve, READY_WAIT_MS);
      }),
    ]);
    clearTimeout(timer);
    if (!source.isRead) {
      throw new LedgerUnavailable(
        'the price overrides in the database were not read yet, so nothing is priced',
      );
    }
  }

  start(): void {
    this.#watch?.start();
    this.#source?.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#watch?.stop(), this.#source?.stop()]);
  }

  status(): object {
    const { files } = this.#options;
    return {
      version: this.#version,
      applied_at: this.#appliedAt.toISOString(),
      files:
        files === null
          ? null
          : {
              prices: files.prices,
              tenant_prices: files.tenantPrices,
              valid: this.#fileFault === null,
              faults: this.#fileFault?.faults ?? [],
            },
      database:
        this.#source === null
          ? null
          : {
              read_at: this.#databaseReadAt?.toISOString() ?? null,
              last_error: this.#source.lastError,
              entries: this.#database.entries,
              skipped: this.#database.skipped.slice(0, MAX_LOGGED),
            },
    };
  }

  #takeFiles(read: PriceFiles): void {
    this.#file = read.overrides;
    this.#fileFault = null;
    this.#apply();
    this.#reloads.add(1, { source: 'files', outcome: 'applied' });
    this.#options.log.info({ version: this.#version }, 'Changed prices files apply from now on.');
  }

  #refuseFiles(fault: PriceFilesError): void {
    this.#fileFault = fault;
    this.#reloads.add(1, { source: 'files', outcome: 'refused' });
    for (const line of fault.faults) this.#options.log.error({ fault: line }, 'A prices file has a fault.');
    this.#options.log.error({ faults: fault.faultCount }, 'The prices that were valid last still apply.');
  }

  #restoreFiles(): void {
    this.#fileFault = null;
    this.#options.log.info({}, 'The prices files are again those that apply.');
  }

  #takeRows(read: RowOverrides): void {
    const isFirst = this.#databaseReadAt === null;
    this.#database = read;
    this.#databaseReadAt = this.#now();
    this.#apply();
    this.#tellSkipped(read.skipped);
    if (isFirst && read.entries === 0) return;
    this.#reloads.add(1, { source: 'database', outcome: 'applied' });
    const fields = { entries: read.entries, version: this.#version };
    this.#options.log.info(fields, 'The price overrides of the database apply from now on.');
  }

  #apply(): void {
    const replaced: ReplacedEntry[] = [];
    const merged = mergeOverrides(this.#file, this.#database.overrides, (entry) => replaced.push(entry));
    this.#version = this.#options.apply(merged);
    this.#appliedAt = this.#now();
    this.#tell(
      replaced.map((entry) => [JSON.stringify(entry), { ...entry }] as const),
      'An entry of a prices file never applies: the database has one for the same thing from the same time.',
    );
  }

  #tellSkipped(skipped: readonly SkippedRow[]): void {
    const lines = skipped.map(({ id, reason }) => [`${id} ${reason}`, { id, reason }] as const);
    this.#tell(lines, 'A price override of the database cannot be used and is left out.');
  }

  #tell(lines: readonly (readonly [string, object])[], message: string): void {
    const fresh = lines.filter(([key]) => !this.#told.has(key)).slice(0, MAX_LOGGED);
    // Bounded: where it has grown large, some things are told a second time.
    if (this.#told.size > 10_000) this.#told = new Set();
    for (const [key, fields] of fresh) {
      this.#told.add(key);
      this.#options.log.warn(fields, message);
    }
  }
}

/** Applies what the files said at the start; follows them and the database from `start` on. */
export function createLivePrices(options: LivePricesOptions): LivePrices {
  return new Live(options);
}
