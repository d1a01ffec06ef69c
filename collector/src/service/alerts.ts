import type { Pool } from 'pg';
import { createAlertKeeper, type AlertKeeper } from '../alerts/alert-keeper.ts';
import { channelRoute } from '../alerts/channel-options.ts';
import type { NotificationCount } from '../alerts/delivery/counts.ts';
import type { AnomalySource } from '../anomalies/anomaly.ts';
import type { BudgetWatch } from '../budgets/budget-watch.ts';
import type { Config } from '../config/config.ts';
import type { Database } from '../database/connect.ts';
import { openPool } from '../database/open-pool.ts';
import { ALERTS_EXTENSION, type AlertsOptions } from '../extensions/alerts.ts';
import type { Logger, SelfMetrics } from '../pipeline/component.ts';
import { openDelivery, type Delivery } from './delivery.ts';
import { componentOf } from './processing.ts';

/** Raising is rare and its transactions are short; the other looks for silence and the like meanwhile. */
const MAX_CONNECTIONS = 2;
/** A statement that takes longer counts as failed, and is tried again. */
const STATEMENT_TIMEOUT_MS = 60_000;

/** The configured options of alerts; without the extension its defaults, by which alerts are kept and nobody is told. */
export function alertsOptions(config: Config): AlertsOptions {
  const found = componentOf(config.service.extensions, config.extensions, ALERTS_EXTENSION);
  return found?.options ?? ALERTS_EXTENSION.options.parse({});
}

export interface AlertsParts {
  readonly config: Config;
  readonly database: Pick<Database, 'ownerUrl'>;
  /** Null: there are none. */
  readonly budgets: BudgetWatch | null;
  readonly anomalies: AnomalySource | null;
  readonly log: Logger;
  readonly metrics: SelfMetrics;
}

/** Everything about alerts in this collector: what notices, what keeps, what sends. */
export interface Alerts {
  start(): void;
  /** Ends what is under way; what could not be sent by then waits in the outbox. */
  stop(deadline: AbortSignal): Promise<void>;
  /** What gauges show of notifications. */
  notifications(): readonly NotificationCount[];
}

/** Makes it all, with connections of its own, so that no query of the API makes a crossing wait. */
export function openAlerts(parts: AlertsParts): Alerts {
  const { config, database, log } = parts;
  const options = alertsOptions(config);
  const connection = {
    connectionString: database.ownerUrl,
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 60_000,
    query_timeout: STATEMENT_TIMEOUT_MS,
    keepAlive: true,
    application_name: 'spanmeter alerts',
  };
  const pool = openPool(connection, log);
  const keeper = keeperOf(pool, options, parts);
  const delivery = deliveryOf(options, parts);
  return {
    start() {
      keeper.start();
      delivery?.start();
    },
    async stop(deadline) {
      await keeper.stop();
      await delivery?.stop(deadline);
      await pool.end();
    },
    notifications: () => delivery?.counts() ?? [],
  };
}

function keeperOf(pool: Pool, options: AlertsOptions, parts: AlertsParts): AlertKeeper {
  const { budgets, anomalies, log } = parts;
  return createAlertKeeper({
    pool,
    channels: Object.entries(options.channels).map(([id, channel]) => channelRoute(id, channel)),
    options: {
      minIntervalMs: options.min_interval,
      silentAfterMs: options.silent_after,
      unpricedModels: options.unpriced_models,
      maxAlerts: options.max_alerts,
    },
    budgets: options.budgets ? budgets : null,
    anomalies,
    log,
  });
}

/** Nothing is sent, nor connected for it, until somebody is to be told. */
function deliveryOf(options: AlertsOptions, { database, log, metrics }: AlertsParts): Delivery | null {
  if (Object.keys(options.channels).length === 0) return null;
  return openDelivery({
    ownerUrl: database.ownerUrl,
    channels: options.channels,
    summary: options.daily_summary,
    dashboards: options.dashboard_url === '' ? null : options.dashboard_url,
    log,
    metrics,
  });
}
