import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pool } from 'pg';
import type { AnomalyWatch } from '../anomalies/watch.ts';
import { createApi, type Api } from '../api/api.ts';
import type { Config } from '../config/config.ts';
import type { Database } from '../database/connect.ts';
import { scheduleMaintenance } from '../database/maintenance.ts';
import { openPool } from '../database/open-pool.ts';
import { createPostgresLedger, type PostgresLedger } from '../exporters/postgres/ledger.ts';
import { createPrometheusExporter, type PrometheusExporter, prometheus } from '../exporters/prometheus.ts';
import { API_KEY_AUTH } from '../extensions/api-key-auth.ts';
import { API_EXTENSION } from '../extensions/api.ts';
import { createJournalProgress, type JournalProgress } from '../journal/journal-progress.ts';
import type { KeyAuthenticator } from '../keys/authenticator.ts';
import type { Component, ComponentType, Logger } from '../pipeline/component.ts';
import { settledOrAborted } from '../pipeline/deadline.ts';
import { VERSION } from '../telemetry/version.ts';
import { createMetricsServer } from '../telemetry/server.ts';
import type { ThreadMetrics } from '../telemetry/self-metrics.ts';
import { alertsOptions, openAlerts, type Alerts } from './alerts.ts';
import { openAnomalies } from './anomalies.ts';
import { createBudgets, type Budgets } from './budgets.ts';
import {
  databaseAddress,
  openLedgerDatabase,
  postgresOptions,
  READ_ONLY_URL_FILE,
  roomOf,
} from './database.ts';
import { createExports, type Exports } from './exports.ts';
import type { RunningForecasts } from '../forecast/budget-forecasts.ts';
import { openForecasts } from './forecasts.ts';
import { openAuthenticator } from './keys.ts';
import { createKnownTenants, type KnownTenants } from './known-tenants.ts';
import type { MainLink } from './main-link.ts';
import type { JournalEnd } from '../journal/record.ts';
import type { WorkerStart } from './messages.ts';
import type { LivePrices } from '../prices/live-prices.ts';
import { openPrices } from './prices.ts';
import { componentOf, createProcessing, tracesPipeline, type Processing } from './processing.ts';
import { readRecentCalls } from './recent-calls.ts';
import { recentLabels } from './recent-labels.ts';
import { loadTokenCounter } from './token-counter.ts';
import { rememberGauges, type Remembered } from './remembered.ts';
import { exporterReport, workerState } from './worker-state.ts';

/** For the embedded server's fast shutdown, where draining took all the time there was; it ends by itself then. */
const LAST_WAIT_MS = 3_000;
const STATE_EVERY_MS = 500;
const MAINTAIN_EVERY_MS = 3_600_000;
const DEFAULT_RETENTION_DAYS = 90;
const MS_PER_DAY = 86_400_000;

/** What the runtime is made with. */
export interface WorkerParts {
  readonly start: WorkerStart;
  readonly config: Config;
  readonly link: MainLink;
  readonly log: Logger;
  readonly metrics: ThreadMetrics;
}

/** Everything that runs beside the door: processing, exporters, metrics servers, the API, the database. */
export class WorkerRuntime {
  readonly #parts: WorkerParts;
  readonly #progress: JournalProgress;
  readonly #components: Component[] = [];
  #database: Database | null = null;
  #pool: Pool | null = null;
  #ledger: PostgresLedger | null = null;
  #exports: Exports | null = null;
  #budgets: Budgets | null = null;
  #remembered: Remembered | null = null;
  #anomalies: AnomalyWatch | null = null;
  #forecasts: RunningForecasts | null = null;
  #knownTenants: KnownTenants | null = null;
  #prometheus: PrometheusExporter | null = null;
  #prices: LivePrices | null = null;
  #alerts: Alerts | null = null;
  #maintenance: { stop(): Promise<void> } | null = null;
  #reporting: NodeJS.Timeout | undefined;

  constructor(parts: WorkerParts) {
    this.#parts = parts;
    this.#progress = createJournalProgress(parts.start.journal.end);
  }

  advance(end: JournalEnd): void {
    this.#progress.advance(end);
  }

  /** Rejects where starting again would not help: a port that is taken, a database that cannot be used. */
  async start(): Promise<void> {
    const { config, start, link, log } = this.#parts;
    await this.#startTelemetry();
    const postgres = postgresOptions(config);
    const retentionMs = (postgres?.options.retention ?? DEFAULT_RETENTION_DAYS) * MS_PER_DAY;
    const prices = { ready: () => this.#prices?.ready() ?? Promise.resolve() };
    const processing = createProcessing(config, retentionMs, prices, await loadTokenCounter(config));
    if (postgres !== null) {
      const database = await openLedgerDatabase(postgres.options, start.dataDir, log);
      this.#database = database;
      link.tell({ type: 'database', ownerUrl: database.ownerUrl });
      await this.#publishReadOnlyUrl(database);
      this.#pool = this.#createPool(database);
      this.#ledger = createPostgresLedger({
        connectionString: database.ownerUrl,
        log,
        metrics: this.#parts.metrics,
        retentionDays: postgres.options.retention,
        ready: () => database.ready(),
      });
      this.#maintenance = scheduleMaintenance(
        {
          connectionString: database.ownerUrl,
          log,
          metrics: this.#parts.metrics,
          callRetentionDays: postgres.options.retention,
          deadLetterRetentionDays: postgres.options.dead_letter_retention,
        },
        MAINTAIN_EVERY_MS,
      );
    }
    this.#prices = await openPrices({ ...this.#parts, processing, database: this.#database });
    this.#prices.start();
    this.#recallCalls(processing);
    await this.#startExports(processing);
    this.#recall(processing);
    this.#startAlerts();
    await this.#startApi(processing);
    this.#reporting = setInterval(() => this.#report(), STATE_EVERY_MS);
    this.#report();
    link.tell({
      type: 'ready',
      database:
        this.#database === null
          ? { embedded: false, readOnlyUrl: null, readOnlyUrlFile: null }
          : databaseAddress(this.#database, start.dataDir),
    });
  }

  /** Drains what is journalled until the deadline, then stops everything, the embedded server last. */
  async stop(deadline: AbortSignal): Promise<void> {
    await this.#exports?.stop(deadline);
    clearInterval(this.#reporting);
    for (const component of this.#components.toReversed()) await component.stop(deadline);
    this.#remembered?.stop();
    this.#anomalies?.stop();
    this.#forecasts?.stop();
    this.#knownTenants?.stop();
    if (this.#alerts !== null) await settledOrAborted(this.#alerts.stop(deadline), deadline);
    if (this.#prices !== null) await settledOrAborted(this.#prices.stop(), deadline);
    if (this.#budgets !== null) await settledOrAborted(this.#budgets.stop(), deadline);
    // A server that hangs answers nobody: what it was asked is left to it once the time is over.
    if (this.#maintenance !== null) await settledOrAborted(this.#maintenance.stop(), deadline);
    if (this.#ledger !== null) await settledOrAborted(this.#ledger.close(), deadline);
    if (this.#pool !== null) await settledOrAborted(this.#pool.end(), deadline);
    const last = deadline.aborted ? AbortSignal.timeout(LAST_WAIT_MS) : deadline;
    if (this.#database !== null) await settledOrAborted(this.#database.stop(), last);
  }

  async #add(component: Component): Promise<void> {
    await component.start();
    this.#components.push(component);
  }

  async #startTelemetry(): Promise<void> {
    const { config, link, log, metrics } = this.#parts;
    const { level, address } = config.service.telemetry.metrics;
    if (level === 'none') return;
    await this.#add(
      createMetricsServer({
        endpoint: address,
        purpose: "the collector's own metrics",
        variable: 'SPANMETER_TELEMETRY_ENDPOINT',
        log,
        async *scrape() {
          yield await metrics.render([await link.ask('metrics', null)]);
        },
      }),
    );
  }

  async #publishReadOnlyUrl(database: Database): Promise<void> {
    if (database.readOnlyUrl === null) return;
    const path = join(this.#parts.start.dataDir, READ_ONLY_URL_FILE);
    await writeFile(path, `${database.readOnlyUrl}\n`, { mode: 0o600 });
  }

  #createPool(database: Database): Pool {
    const api = this.#extension(API_EXTENSION);
    const config = {
      connectionString: database.ownerUrl,
      // Four more for the figures that gauges show, anomalies and forecasts.
      max: (api?.max_connections ?? 1) + 4,
      connectionTimeoutMillis: 5_000,
      idleTimeoutMillis: 30_000,
    };
    return openPool(config, this.#parts.log);
  }

  /** Tenants of earlier runs count against the limit on new ones, and their counters start at 0. */
  #recall(processing: Processing): void {
    const { log } = this.#parts;
    const [database, pool] = [this.#database, this.#pool];
    if (database === null || pool === null) return;
    this.#knownTenants = createKnownTenants({ pool, log, learn: (ids) => processing.knowTenants(ids) });
    this.#knownTenants.start();
    void (async () => {
      await database.ready();
      this.#prometheus?.seed(await recentLabels(pool));
    })().catch((error: unknown) => log.debug({ err: error }, 'earlier counters could not be read yet'));
  }

  /** A twin of a call that was stored before a restart is not billed again. */
  #recallCalls(processing: Processing): void {
    const [database, pool] = [this.#database, this.#pool];
    if (database === null || pool === null) return;
    processing.recallCalls(async (windowMs, maxCalls) => {
      try {
        await database.ready();
        return await readRecentCalls(pool, windowMs, maxCalls);
      } catch (error) {
        this.#parts.log.warn(
          { err: error },
          'the latest calls could not be read: twins of them may be billed again',
        );
        return [];
      }
    });
  }

  #extension<O>(type: ComponentType<O>): O | null {
    const { config } = this.#parts;
    return componentOf(config.service.extensions, config.extensions, type)?.options ?? null;
  }

  async #startExports(processing: Processing): Promise<void> {
    const { config, start, link, log, metrics } = this.#parts;
    const postgres = postgresOptions(config);
    if (this.#pool !== null && this.#database !== null && postgres !== null) {
      const room = roomOf(postgres.options, start.dataDir, this.#database);
      this.#remembered = rememberGauges(this.#pool, log, room);
      this.#remembered.start();
      this.#budgets = createBudgets(this.#database, log);
      this.#budgets.start();
      const { watch } = this.#budgets;
      this.#forecasts = openForecasts(this.#pool, () => watch.states(null), log);
      this.#budgets.forecastBy(this.#forecasts);
      this.#forecasts.start();
      this.#anomalies = openAnomalies(this.#pool, alertsOptions(config).anomalies, log);
    }
    const counting = this.#createPrometheus();
    this.#prometheus = counting;
    const exports = await createExports({
      config,
      journal: start.journal,
      progress: this.#progress,
      processing,
      ledger: this.#ledger,
      prometheus: counting,
      budgets: this.#budgets,
      link,
      log,
      metrics,
    });
    this.#exports = exports;
    if (counting !== null) await this.#add(counting);
    await exports.start();
  }

  #startAlerts(): void {
    const { config, log, metrics } = this.#parts;
    if (this.#database === null) return;
    const budgets = this.#budgets?.watch ?? null;
    const sources = { budgets, anomalies: this.#anomalies };
    this.#alerts = openAlerts({ config, database: this.#database, ...sources, log, metrics });
    this.#alerts.start();
    // It tells of each anomaly once.
    this.#anomalies?.start();
  }

  #createPrometheus(): PrometheusExporter | null {
    const { config, log, metrics } = this.#parts;
    const { exporters } = tracesPipeline(config);
    const found = componentOf(exporters, config.exporters, prometheus);
    if (found === null) return null;
    return createPrometheusExporter(
      found.options,
      { id: found.id, log, metrics },
      {
        ...this.#remembered?.sources,
        budgets: () => this.#budgets?.gauges() ?? null,
        anomalies: () => this.#anomalies?.current() ?? [],
        notifications: () => this.#alerts?.notifications() ?? [],
        oldestPendingUnixMs: () => {
          const pending = (this.#exports?.drains ?? []).map((drain) => drain.status().oldestPendingUnixMs);
          const known = pending.filter((ms) => ms !== null);
          return known.length === 0 ? null : Math.min(...known);
        },
      },
    );
  }

  async #startApi(processing: Processing): Promise<void> {
    const { start, log, metrics } = this.#parts;
    const options = this.#extension(API_EXTENSION);
    if (options === null || this.#pool === null || this.#database === null) return;
    const authenticator = await this.#openAuthenticator(start.dataDir, this.#database);
    const api: Api = createApi({
      pool: this.#pool,
      authenticator,
      log,
      metrics,
      status: () => this.#status(),
      books: () => processing.books(),
      budgets: () => this.#budgets?.read() ?? null,
      forecasts: () => this.#budgets?.forecasts() ?? null,
      allowedHosts: options.allowed_hosts,
      reader: { statementTimeoutMs: options.statement_timeout_ms },
    });
    await api.listen(options.endpoint);
    this.#components.push({ start: () => Promise.resolve(), stop: (deadline) => api.close(deadline) });
  }

  async #openAuthenticator(dataDir: string, database: Database): Promise<KeyAuthenticator | null> {
    const options = this.#extension(API_KEY_AUTH);
    if (options === null) return null;
    const authenticator = openAuthenticator({
      options,
      ownerUrl: database.ownerUrl,
      ready: () => database.ready(),
      snapshotPath: join(dataDir, 'keys-api.json'),
      log: this.#parts.log,
    });
    await this.#add(authenticator);
    return authenticator;
  }

  #report(): void {
    const { link } = this.#parts;
    link.tell({ type: 'state', state: workerState(this.#exports?.drains ?? [], this.#ledger !== null) });
  }

  async #status(): Promise<object> {
    return {
      version: VERSION,
      journal: await this.#parts.link.ask('journal', null),
      exporters: (this.#exports?.drains ?? []).map((drain) => exporterReport(drain.status())),
      prices: this.#prices?.status() ?? null,
    };
  }
}
