import { Client, Pool } from 'pg';
import { channelOption, type ChannelOptions } from '@spanmeter/collector/dist/alerts/channel-options.js';
import {
  createDeliverer,
  type Deliverer,
  type DeliveryTiming,
} from '@spanmeter/collector/dist/alerts/delivery/deliverer.js';
import { openChannel } from '@spanmeter/collector/dist/alerts/delivery/open-channel.js';
import { SILENT_LOG, SILENT_METRICS } from '@spanmeter/collector/dist/pipeline/silent.js';
import type { Logger } from '@spanmeter/collector/dist/pipeline/component.js';
import { sql, type FreshDatabase } from '../../support/database.ts';
import { until } from '../../support/until.ts';

export interface Row {
  readonly id: string;
  readonly outcome: string;
  readonly attempts: number;
  readonly last_error: string | null;
  readonly is_claimed: boolean;
}

let names = 0;

/** Adds an alert and a notification of it; resolves with the notification's id. */
export async function notify(
  database: FreshDatabase,
  given: {
    channel?: string;
    tenant?: string;
    state?: string;
    kind?: string;
    summary?: string;
    alertId?: string;
    deferred?: boolean;
  } = {},
): Promise<{ id: string; alertId: string }> {
  const { channel = 'ops', tenant = 'acme', state = 'firing', kind = 'firing', deferred = false } = given;
  const summary = given.summary ?? 'Daily cost threshold exceeded: $12.50 > $10.00';
  names += 1;
  const alert =
    given.alertId ??
    (
      await sql<{ id: string }>(
        database.url,
        `INSERT INTO spanmeter.alerts (tenant_id, kind, subject, name, fingerprint, severity, state, summary, detail)
         VALUES ($1, 'budget', $2, $3, $4, 'critical', $5, $6, '{"spent_usd": "12.500000000000"}') RETURNING id::text`,
        [tenant, 'default/100', 'budget/default/100', `budget/default/100 ${names}`, state, summary],
      )
    )[0]!.id;
  const [row] = await sql<{ id: string }>(
    database.url,
    `INSERT INTO spanmeter.notifications (tenant_id, alert_id, channel, kind, name, created_at, not_before)
     VALUES ($1, $2, $3, $4, 'budget/default/100', now() - $5 * interval '1 hour', now()) RETURNING id::text`,
    [tenant, alert, channel, kind, deferred ? 1 : 0],
  );
  return { id: row!.id, alertId: alert };
}

/** Rows of the outbox in the order they were made. */
export function rows(database: FreshDatabase): Promise<Row[]> {
  return sql<Row>(
    database.url,
    `SELECT id::text, outcome, attempts, last_error, claimed_until IS NOT NULL AS is_claimed
     FROM spanmeter.notifications ORDER BY id`,
  );
}

/** Waits until every row has ended. */
export function settled(database: FreshDatabase): Promise<Row[]> {
  return until(
    () => rows(database),
    (all) => all.every(({ outcome }) => outcome !== 'pending'),
  );
}

export interface RunningDeliverer {
  readonly deliverer: Deliverer;
  stop(deadlineMs?: number): Promise<void>;
}

/** Options of channels as their schema reads them. */
export function channels(input: Record<string, object>): Record<string, ChannelOptions> {
  return Object.fromEntries(Object.entries(input).map(([id, one]) => [id, channelOption.parse(one)]));
}

/** Starts what a collector would; times are short, so that no test waits for long. */
export function startDeliverer(
  database: FreshDatabase,
  input: Record<string, object>,
  timing: Partial<DeliveryTiming> = {},
  log: Logger = SILENT_LOG,
): RunningDeliverer {
  const pool = new Pool({ connectionString: database.url, max: 3 });
  pool.on('error', () => undefined);
  const deliverer = createDeliverer({
    channels: Object.entries(channels(input)).map(([id, options]) => openChannel(id, options)),
    pool,
    connect: async () => {
      const client = new Client({ connectionString: database.url });
      client.on('error', () => undefined);
      await client.connect();
      return client;
    },
    dashboards: 'https://grafana.example.com/',
    log,
    metrics: SILENT_METRICS,
    timing: { pollMs: 50, firstMs: 10, laterMs: 50, breakerOpenMs: 100, ...timing },
  });
  deliverer.start();
  return {
    deliverer,
    async stop(deadlineMs = 5_000) {
      await deliverer.stop(AbortSignal.timeout(deadlineMs));
      await pool.end();
    },
  };
}
