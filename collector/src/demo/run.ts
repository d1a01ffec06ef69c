import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startNode, type Child } from './child.ts';
import {
  freeAddresses,
  readOnlyUrlFile,
  startCollector,
  untilReady,
  type CollectorAddresses,
} from './collector-process.ts';
import { sendHistory, type Destination } from './history.ts';
import { startAnthropicStandIn } from './providers/anthropic.ts';
import { startOpenaiStandIn } from './providers/openai.ts';
import type { StandIn } from './providers/stand-in.ts';
import { watchSpend } from './screen.ts';
import type { Pointer } from './view.ts';

/** What the demo needs to know; everything else it chooses itself. */
export interface DemoOptions {
  /** The collector's `main.js`. */
  readonly collectorEntry: string;
  /** Kept afterwards where given; else a folder under the OS's temporary one, removed at the end. */
  readonly dataDir?: string;
  /** `process.stdout` unless given. */
  readonly output?: NodeJS.WriteStream;
  /** Ends the demo like Ctrl-C. */
  readonly signal?: AbortSignal;
  /** A collector that runs already: the demo only makes traffic, and shows nothing of it. */
  readonly sendTo?: Destination;
  /** With `sendTo`: days of make-believe past to send first. */
  readonly historyDays?: number;
}

/** One service: its script, the tenant that it belongs to, the name that it reports. */
const SERVICES = [
  { name: 'support-bot', tenant: 'acme' },
  { name: 'docs-search', tenant: 'globex' },
  { name: 'code-review', tenant: 'initech' },
];

const NEEDED_PACKAGES = ['openai', '@anthropic-ai/sdk'];
const READY_TIMEOUT_MS = 90_000;
const SERVICE_GRACE_MS = 5000;
const COLLECTOR_GRACE_MS = 20_000;

/** What asks the demo to end; the last one is told when its terminal is closed. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs the demo until Ctrl-C: provider stand-ins, a collector with data and ports of its own, three services,
 * and a live view of what they spend. Resolves with the exit code once everything has stopped.
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const output = options.output ?? process.stdout;
  const missing = NEEDED_PACKAGES.filter((name) => !isInstalled(name));
  if (missing.length > 0) {
    output.write(
      `The demo makes real SDK calls and needs ${missing.join(' and ')}. It runs from a checkout of the ` +
        `repository: npm ci, then npm run demo.\n`,
    );
    return 1;
  }
  const stop = new AbortController();
  // A second Ctrl-C does not wait; what was started is killed with the demo.
  const onSignal = (): void => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  // A terminal that is closed, or a pipe that nobody reads any more, ends the demo with all that it has started.
  output.on('error', () => stop.abort());
  options.signal?.addEventListener('abort', () => stop.abort(), { once: true });
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'spanmeter-demo-')));
  await mkdir(dataDir, { recursive: true });
  try {
    if (options.sendTo === undefined) await run(options.collectorEntry, dataDir, output, stop);
    else await send(options.sendTo, options.historyDays ?? 0, dataDir, output, stop);
    return 0;
  } catch (error) {
    if (stop.signal.aborted) return 0;
    output.write(`\nThe demo cannot go on: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  } finally {
    for (const signal of SIGNALS) process.removeListener(signal, onSignal);
    if (options.dataDir === undefined && stop.signal.aborted) {
      await rm(dataDir, { recursive: true, force: true });
    }
  }
}

async function run(
  entry: string,
  dataDir: string,
  output: NodeJS.WriteStream,
  stop: AbortController,
): Promise<void> {
  output.write('Starting a collector with a database of its own (a few seconds)...\n');
  const [openai, anthropic] = await Promise.all([startOpenaiStandIn(), startAnthropicStandIn()]);
  const addresses = await freeAddresses();
  const collector = startCollector(entry, dataDir, addresses);
  const services: Child[] = [];
  try {
    await untilReady(collector, addresses, READY_TIMEOUT_MS, stop.signal);
    if (stop.signal.aborted) return;
    const destination = { url: `http://${addresses.otlpHttp}`, key: null };
    services.push(
      ...SERVICES.map((service) => startService(service, destination, openai, anthropic, dataDir)),
    );
    await watchSpend({
      api: `http://${addresses.api}`,
      pointers: pointersTo(addresses, dataDir),
      output,
      stop: stop.signal,
      failed: () => firstEnded([collector, ...services]),
    });
  } finally {
    output.write('\nStopping...\n');
    await Promise.all(services.map((service) => service.stop(SERVICE_GRACE_MS)));
    await collector.stop(COLLECTOR_GRACE_MS);
    await Promise.all([openai.close(), anthropic.close()]);
  }
}

/** Traffic for a collector that is there already, until the signal. */
async function send(
  destination: Destination,
  historyDays: number,
  dataDir: string,
  output: NodeJS.WriteStream,
  stop: AbortController,
): Promise<void> {
  if (historyDays > 0) {
    const sent = await sendHistory(destination, historyDays, Date.now());
    output.write(`Sent ${sent} calls of the last ${historyDays} days to ${destination.url}.\n`);
  }
  const [openai, anthropic] = await Promise.all([startOpenaiStandIn(), startAnthropicStandIn()]);
  const services: Child[] = [];
  try {
    if (stop.signal.aborted) return;
    services.push(
      ...SERVICES.map((service) => startService(service, destination, openai, anthropic, dataDir)),
    );
    output.write(`${SERVICES.length} services make calls and send to ${destination.url}.\n`);
    const stopped = new Promise<undefined>((done) => {
      stop.signal.addEventListener('abort', () => done(undefined), { once: true });
    });
    const ended = await Promise.race([
      stopped,
      ...services.map(async (one) => `${one.name}: ${await one.ended}`),
    ]);
    if (ended !== undefined && !stop.signal.aborted) throw new Error(`a service ended (${ended})`);
  } finally {
    await Promise.all(services.map((service) => service.stop(SERVICE_GRACE_MS)));
    await Promise.all([openai.close(), anthropic.close()]);
  }
}

function startService(
  service: { readonly name: string; readonly tenant: string },
  destination: Destination,
  openai: StandIn,
  anthropic: StandIn,
  dataDir: string,
): Child {
  const script = fileURLToPath(new URL(`services/${service.name}.js`, import.meta.url));
  const env = {
    OTEL_SERVICE_NAME: service.name,
    OTEL_RESOURCE_ATTRIBUTES: `tenant.id=${service.tenant},deployment.environment.name=demo`,
    OTEL_EXPORTER_OTLP_ENDPOINT: destination.url,
    ...(destination.key === null
      ? {}
      : { OTEL_EXPORTER_OTLP_HEADERS: `authorization=${encodeURIComponent(`Bearer ${destination.key}`)}` }),
    OPENAI_API_KEY: 'sk-demo',
    OPENAI_BASE_URL: `${openai.url}/v1`,
    ANTHROPIC_API_KEY: 'sk-ant-demo',
    ANTHROPIC_BASE_URL: anthropic.url,
  };
  const register = import.meta.resolve('@spanmeter/instrumentation/register');
  return startNode(
    service.name,
    ['--import', register, script],
    env,
    join(dataDir, `demo-${service.name}.log`),
  );
}

function firstEnded(children: readonly Child[]): string | undefined {
  const ended = children.find((child) => child.hasEnded());
  return ended === undefined ? undefined : `${ended.name} ended; see ${ended.logFile}`;
}

function pointersTo(addresses: CollectorAddresses, dataDir: string): Pointer[] {
  const sql = readOnlyUrlFile(dataDir);
  return [
    { label: 'API', address: `http://${addresses.api}/api/v1/spend?group_by=tenant,model` },
    { label: 'Prometheus', address: `http://${addresses.prometheus}/metrics` },
    ...(sql === undefined ? [] : [{ label: 'SQL', address: `psql "$(cat ${sql})"` }]),
    { label: 'OTLP', address: `http://${addresses.otlpHttp}` },
  ];
}

function isInstalled(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    return false;
  }
}
