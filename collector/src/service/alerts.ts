import { Pool } from 'pg';
import { createAlertKeeper, type AlertKeeper } from '../alerts/alert-keeper.ts';
import type { AnomalySource } from '../alerts/anomaly-occurrence.ts';
import type { ChannelRoute } from '../alerts/channels.ts';
import type { BudgetWatch } from '../budgets/budget-watch.ts';
import type { Config } from '../config/config.ts';
import type { Database } from '../database/connect.ts';
import { ALERTS_EXTENSION, type AlertsOptions } from '../extensions/alerts.ts';
import type { Logger } from '../pipeline/component.ts';
import { componentOf } from './processing.ts';

/** Raising is rare and its transactions are short; one more for what is looked at meanwhile. */
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
  readonly database: Pick<Database, 'ownerUrl' | 'ready'>;
  readonly channels: readonly ChannelRoute[];
  readonly budgets: BudgetWatch | null;
  readonly anomalies: AnomalySource | null;
  readonly log: Logger;
}

/** Makes the keeper of alerts, with connections of its own, so that no query of the API makes a crossing wait. */
export function openAlerts(parts: AlertsParts): AlertKeeper {
  const { config, database, channels, budgets, anomalies, log } = parts;
  const options = alertsOptions(config);
  const pool = new Pool({
    connectionString: database.ownerUrl,
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 60_000,
    query_timeout: STATEMENT_TIMEOUT_MS,
    keepAlive: true,
    application_name: 'spanmeter alerts',
  });
  pool.on('error', (error) => log.debug({ err: error }, 'an idle connection of alerts ended'));
  const keeper = createAlertKeeper({
    pool,
    channels,
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
  let stopped = false;
  return {
    start() {
      void (async () => {
        // The schema may be an older one until then; a server that is away is waited for by every attempt anyway.
        await database.ready().catch(() => undefined);
        if (!stopped) keeper.start();
      })();
    },
    async stop() {
      stopped = true;
      await keeper.stop();
      await pool.end();
    },
  };
}
