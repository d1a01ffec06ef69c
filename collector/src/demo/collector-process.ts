import { createServer, type AddressInfo } from 'node:net';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startNode, type Child } from './child.ts';

/** Addresses of the demo's own collector. */
export interface CollectorAddresses {
  readonly otlpGrpc: string;
  readonly otlpHttp: string;
  readonly api: string;
  readonly prometheus: string;
  readonly telemetry: string;
  readonly health: string;
}

const VARIABLES: Readonly<Record<keyof CollectorAddresses, string>> = {
  otlpGrpc: 'SPANMETER_OTLP_GRPC_ENDPOINT',
  otlpHttp: 'SPANMETER_OTLP_HTTP_ENDPOINT',
  api: 'SPANMETER_API_ENDPOINT',
  prometheus: 'SPANMETER_PROMETHEUS_ENDPOINT',
  telemetry: 'SPANMETER_TELEMETRY_ENDPOINT',
  health: 'SPANMETER_HEALTH_ENDPOINT',
};

const READY_POLL_MS = 200;

/** Free loopback ports, so that the demo runs beside anything. */
export async function freeAddresses(): Promise<CollectorAddresses> {
  const names = Object.keys(VARIABLES) as (keyof CollectorAddresses)[];
  const servers = await Promise.all(
    names.map(async () => {
      const server = createServer();
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(0, '127.0.0.1', resolve);
      });
      return server;
    }),
  );
  const entries = names.map((name, index) => {
    const address = servers[index]?.address() as AddressInfo | undefined;
    return [name, `127.0.0.1:${address?.port ?? 0}`] as const;
  });
  // All are held until all are known, so that none is handed out twice.
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return Object.fromEntries(entries) as unknown as CollectorAddresses;
}

/** Starts a collector with a data directory and ports of its own. */
export function startCollector(entry: string, dataDir: string, addresses: CollectorAddresses): Child {
  const env: Record<string, string> = { SPANMETER_DATA: dataDir, DATABASE_URL: '', DATABASE_URL_FILE: '' };
  for (const [name, variable] of Object.entries(VARIABLES)) {
    env[variable] = addresses[name as keyof CollectorAddresses];
  }
  return startNode('collector', [entry, 'start'], env, join(dataDir, 'demo-collector.log'));
}

/** Waits until the collector takes requests and answers queries. Rejects when it ends before, or in time. */
export async function untilReady(
  collector: Child,
  addresses: CollectorAddresses,
  timeoutMs: number,
  stop: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!stop.aborted) {
    if (collector.hasEnded()) {
      throw new Error(`the collector ended (${await collector.ended}); see ${collector.logFile}`);
    }
    if (performance.now() > deadline) {
      throw new Error(`the collector was not ready within ${timeoutMs / 1000} s; see ${collector.logFile}`);
    }
    const healthy = await answers(`http://${addresses.health}/`);
    if (healthy && (await answers(`http://${addresses.api}/api/v1/summary`))) return;
    await sleep(READY_POLL_MS);
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

/** The file in which the collector keeps the read-only URL of its database, if it made one. */
export function readOnlyUrlFile(dataDir: string): string | undefined {
  const name = readdirSync(dataDir, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.split(/[/\\]/).length <= 3)
    .find((path) => /read[-_]?only[^/\\]*$/i.test(path));
  return name === undefined ? undefined : join(dataDir, name);
}
