import type { Pool } from 'pg';
import type { AnomalySource, SpendAnomaly } from '../anomalies/anomaly.ts';
import type { BudgetWatch } from '../budgets/budget-watch.ts';
import type { Logger } from '../pipeline/component.ts';
import { anomalyOccurrence } from './anomaly-occurrence.ts';
import { createBudgetAlerts, type BudgetAlerts } from './budget-alerts.ts';
import type { ChannelRoute } from './channels.ts';
import type { Occurrence } from './occurrence.ts';
import { startRounds, type Round } from './rounds.ts';
import { heardAgain, silentTenants } from './silent-tenants.ts';
import { createAlertStore, type AlertStore, type RaiseResult } from './store.ts';
import { pricedAgain, unpricedModels } from './unpriced-models.ts';

const SWEEP_MS = 15_000;
const MINUTE_MS = 60_000;
const SILENT_MS = 10 * MINUTE_MS;
/** Lines that one raise may log, so that a thousand tenants at once leave the log readable. */
const MAX_LINES = 20;
/** Anomalies that wait while the database is away. */
const MAX_ANOMALIES = 1_000;
const ANOMALIES_MS = 1_000;

/** What is looked at, and how. */
export interface AlertKeeperOptions {
  readonly minIntervalMs: number;
  /** 0 is off. */
  readonly silentAfterMs: number;
  readonly unpricedModels: boolean;
  readonly maxAlerts: number;
}

export interface AlertKeeperParts {
  /** Connects as the owner of the tables. */
  readonly pool: Pick<Pool, 'connect' | 'query'>;
  readonly channels: readonly ChannelRoute[];
  readonly options: AlertKeeperOptions;
  /** Null: budgets are not told of. */
  readonly budgets: BudgetWatch | null;
  readonly anomalies: AnomalySource | null;
  readonly log: Logger;
}

/** Raises, keeps and ends alerts while the collector runs. */
export interface AlertKeeper {
  start(): void;
  stop(): Promise<void>;
}

/** Makes the keeper. A database that is away loses nothing: everything is looked at again once it is back. */
export function createAlertKeeper(parts: AlertKeeperParts): AlertKeeper {
  return new RunningAlerts(parts);
}

class RunningAlerts implements AlertKeeper {
  readonly #parts: AlertKeeperParts;
  readonly #store: AlertStore;
  readonly #budgets: BudgetAlerts | null;
  readonly #anomalies = new Map<string, SpendAnomaly>();
  #rounds: { stop(): Promise<void> } | null = null;
  #endAnomalies: () => void = () => {};

  constructor(parts: AlertKeeperParts) {
    const { pool, channels, options, budgets, log } = parts;
    this.#parts = parts;
    const { minIntervalMs, maxAlerts } = options;
    this.#store = createAlertStore({ pool, channels, minIntervalMs, maxAlerts });
    const raise = (occurrences: readonly Occurrence[]): Promise<void> => this.#raise(occurrences);
    this.#budgets = budgets === null ? null : createBudgetAlerts({ watch: budgets, raise, log });
  }

  start(): void {
    this.#budgets?.start();
    this.#endAnomalies =
      this.#parts.anomalies?.onAnomaly((anomaly) => this.#remember(anomaly)) ?? this.#endAnomalies;
    this.#rounds = startRounds(this.#plan(), this.#parts.log);
  }

  async stop(): Promise<void> {
    this.#endAnomalies();
    await Promise.all([this.#budgets?.stop(), this.#rounds?.stop()]);
  }

  #plan(): Round[] {
    const { options } = this.#parts;
    const rounds: Round[] = [
      { name: 'ending alerts', firstMs: 0, everyMs: SWEEP_MS, run: () => this.#store.sweep() },
      { name: 'alerts of budgets', firstMs: MINUTE_MS, everyMs: MINUTE_MS, run: () => this.#lookAtBudgets() },
      {
        name: 'alerts of unusual spend',
        firstMs: 0,
        everyMs: ANOMALIES_MS,
        run: () => this.#raiseAnomalies(),
      },
      {
        name: 'silence of tenants',
        // Senders are given time to come back after the collector itself was away.
        firstMs: SILENT_MS,
        everyMs: SILENT_MS,
        run: () => this.#lookForSilence(),
      },
      { name: 'tenants heard again', firstMs: 0, everyMs: MINUTE_MS, run: () => this.#endSilence() },
    ];
    if (options.unpricedModels) {
      const run = (): Promise<void> => this.#lookForUnpriced();
      rounds.push({ name: 'models without a price', firstMs: 0, everyMs: MINUTE_MS, run });
    }
    return rounds;
  }

  async #raise(occurrences: readonly Occurrence[]): Promise<void> {
    if (occurrences.length > 0) this.#tell(await this.#store.raise(occurrences));
  }

  #tell({ raised, refused }: RaiseResult): void {
    const { log } = this.#parts;
    for (const alert of raised.slice(0, MAX_LINES)) {
      const { tenantId: tenant, id, name, severity, state } = alert;
      log.info({ tenant, id, name, severity, state }, `alert: ${alert.summary}`);
    }
    if (raised.length > MAX_LINES) log.info({ alerts: raised.length - MAX_LINES }, 'more alerts were raised');
    if (refused > 0) log.warn({ refused }, 'alerts were not kept: too many stand already (max_alerts)');
  }

  /** What was missed is made up for, and what no collector sees any more is ended. */
  async #lookAtBudgets(): Promise<void> {
    if (this.#budgets?.isKnown !== true) return;
    await this.#raise(this.#budgets.standing());
    await this.#store.clearUnseenBudgets();
  }

  #remember(anomaly: SpendAnomaly): void {
    const { tenantId, model, serviceName, hourStartMs } = anomaly;
    const key = JSON.stringify([tenantId, model, serviceName, hourStartMs]);
    if (this.#anomalies.size < MAX_ANOMALIES || this.#anomalies.has(key)) this.#anomalies.set(key, anomaly);
  }

  async #raiseAnomalies(): Promise<void> {
    const batch = [...this.#anomalies];
    await this.#raise(batch.map(([, anomaly]) => anomalyOccurrence(anomaly)));
    for (const [key, anomaly] of batch) {
      if (this.#anomalies.get(key) === anomaly) this.#anomalies.delete(key);
    }
  }

  async #lookForUnpriced(): Promise<void> {
    const { pool } = this.#parts;
    await this.#raise(await unpricedModels(pool));
    await this.#store.clear('unpriced_model', await pricedAgain(pool));
  }

  async #lookForSilence(): Promise<void> {
    const { pool, options } = this.#parts;
    if (options.silentAfterMs > 0) await this.#raise(await silentTenants(pool, options.silentAfterMs));
  }

  async #endSilence(): Promise<void> {
    await this.#store.end('silent_tenant', await heardAgain(this.#parts.pool));
  }
}
