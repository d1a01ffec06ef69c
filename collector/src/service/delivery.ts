import { Client } from 'pg';
import { channelRoute, type ChannelOptions, type DailySummaryOptions } from '../alerts/channel-options.ts';
import type { NotificationCount } from '../alerts/delivery/counts.ts';
import { createDeliverer } from '../alerts/delivery/deliverer.ts';
import { openChannel } from '../alerts/delivery/open-channel.ts';
import { createSummarySchedule } from '../alerts/summary/summary-schedule.ts';
import { openPool } from '../database/open-pool.ts';
import type { Logger, SelfMetrics } from '../pipeline/component.ts';

const CONNECT_LIMIT_MS = 10_000;
const QUERY_LIMIT_MS = 60_000;
/** Beside the API's: a busy API must not hold up an alert. */
const CONNECTIONS = 3;

/** What delivery needs of the collector around it. */
export interface DeliveryParts {
  /** Connects as the owner of the tables. */
  readonly ownerUrl: string;
  /** By id, as the configuration has them. */
  readonly channels: Readonly<Record<string, ChannelOptions>>;
  readonly summary: DailySummaryOptions;
  /** Base URL of the Grafana that messages link to; null leaves links out. */
  readonly dashboards: string | null;
  readonly log: Logger;
  readonly metrics: SelfMetrics;
}

/** The part of the collector that sends notifications. */
export interface Delivery {
  start(): void;
  /** Finishes what is being sent; the rest stays pending. Never rejects. */
  stop(deadline: AbortSignal): Promise<void>;
  /** `genai_notifications_total`, from memory. */
  counts(): readonly NotificationCount[];
}

/** Makes what sends the outbox to the configured channels; connects to nothing until `start`. */
export function openDelivery(parts: DeliveryParts): Delivery {
  const { ownerUrl, log, metrics, dashboards, summary } = parts;
  const connection = {
    connectionString: ownerUrl,
    application_name: 'spanmeter-notifications',
    connectionTimeoutMillis: CONNECT_LIMIT_MS,
    query_timeout: QUERY_LIMIT_MS,
    keepAlive: true,
  };
  const pool = openPool({ ...connection, max: CONNECTIONS, idleTimeoutMillis: 30_000 }, log);
  const entries = Object.entries(parts.channels);
  const deliverer = createDeliverer({
    channels: entries.map(([id, options]) => openChannel(id, options)),
    pool,
    connect: async () => {
      const client = new Client(connection);
      client.on('error', () => undefined);
      await client.connect();
      return client;
    },
    dashboards,
    log,
    metrics,
  });
  const routes = entries.map(([id, options]) => channelRoute(id, options));
  const schedule = createSummarySchedule({ pool, summary, routes, log });
  return {
    start() {
      deliverer.start();
      schedule.start();
    },
    async stop(deadline) {
      await Promise.allSettled([deliverer.stop(deadline), schedule.stop()]);
      await pool.end().catch(() => undefined);
    },
    counts: () => deliverer.counts(),
  };
}
