import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { OTLPTraceExporter as ProtoExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  pickPorts,
  REPOSITORY,
  startCollector,
  type CollectorProcess,
} from '../support/collector-process.ts';
import { freePorts } from '../support/free-port.ts';
import { startFront } from '../support/front.ts';
import { emitSdkSpans } from '../support/sdk-spans.ts';
import { addUsd, settledCalls } from '../support/settled-calls.ts';
import { until } from '../support/until.ts';
import { run, start, type Running } from './child.ts';
import { codeUnder } from './readme.ts';
import type { Verdict } from './verdict.ts';

const CALLS = 1000;
const BATCH = 100;
const CRASHES = 3;
const LOST = 'the snippet, three answers lost on their way back';
const README_PORT = 4318;

interface GoCollector extends Running {
  /** Where it takes OTLP/HTTP. */
  readonly url: string;
}

type StartGo = (configs: readonly string[], sets?: readonly string[]) => Promise<GoCollector>;

/**
 * A real OpenTelemetry Collector before ours and behind it. Its binary is the argument; without one it is
 * built by the Go toolchain.
 */
export async function checkGoCollector(verdict: Verdict, [given]: readonly string[]): Promise<void> {
  const binary = given ?? (await buildBinary());
  const dir = await mkdtemp(join(tmpdir(), 'spanmeter-go-'));
  const startGo: StartGo = (configs, sets = []) => startGoCollector(binary, dir, configs, sets);
  try {
    await inFront(verdict, startGo);
    await whileOursIsKilled(verdict, startGo);
    await behind(verdict, startGo, dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function buildBinary(): Promise<string> {
  const dir = join(REPOSITORY, 'test', 'dist', 'go-collector');
  const binary = join(dir, 'otelcol-compat');
  if (existsSync(binary)) return binary;
  await mkdir(dir, { recursive: true });
  await copyFile(join(REPOSITORY, 'test', 'compat', 'go-collector.yaml'), join(dir, 'builder.yaml'));
  console.log('building a collector with the Go toolchain (some minutes)');
  await run('go', ['run', 'go.opentelemetry.io/collector/cmd/builder@v0.155.0', '--config', 'builder.yaml'], {
    cwd: dir,
  });
  return binary;
}

let files = 0;

async function startGoCollector(
  binary: string,
  dir: string,
  configs: readonly string[],
  sets: readonly string[],
): Promise<GoCollector> {
  const [http] = (await freePorts(1)) as [number];
  const receiver = `
receivers: { otlp: { protocols: { http: { endpoint: '127.0.0.1:${http}' } } } }
service: { telemetry: { metrics: { level: none } } }
`;
  const args: string[] = [];
  for (const config of [...configs, receiver]) {
    const file = join(dir, `config-${(files += 1)}.yaml`);
    await writeFile(file, config);
    args.push('--config', file);
  }
  const running = start(binary, [...args, ...sets.map((set) => `--set=${set}`)]);
  await running.seen('Everything is ready');
  return { ...running, url: `http://127.0.0.1:${http}` };
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
  });
  if (free) await new Promise((resolve) => server.close(resolve));
  return free;
}

const emit = (go: GoCollector, tenant: string): Promise<string> =>
  emitSdkSpans(new ProtoExporter({ url: `${go.url}/v1/traces` }), {
    tenant,
    calls: CALLS,
    batch: BATCH,
    others: true,
  });

/** Waits until all calls of the tenant are there, then whether no more come. */
async function compareStored(
  verdict: Verdict,
  collector: CollectorProcess,
  what: string,
  sent: { tenant: string; calls: number; costUsd: string },
): Promise<void> {
  const found = async (): Promise<unknown> => (await settledCalls(collector))[sent.tenant];
  for (let tries = 0; tries < 120; tries++) {
    const stored = (await found()) as { calls: number } | undefined;
    if ((stored?.calls ?? 0) >= sent.calls) break;
    await sleep(500);
  }
  const expected = { calls: sent.calls, costUsd: sent.costUsd, statuses: { priced: sent.calls } };
  verdict.compare(what, await found(), expected);
}

const README = (): string => codeUnder('README.md', 'Behind an OpenTelemetry Collector', 'yaml');
const ENDPOINT = 'exporters::otlp_http/spanmeter::endpoint';

async function inFront(verdict: Verdict, startGo: StartGo): Promise<void> {
  const page = codeUnder('docs/senders.md', 'An OpenTelemetry Collector', 'yaml');
  verdict.compare("the snippet of docs/senders.md is the README's", page === README(), true);
  const wordForWord = await isFree(README_PORT);
  const ports = await pickPorts();
  const collector = await startCollector({ ports: wordForWord ? { ...ports, http: README_PORT } : ports });
  const front = await startFront(collector.ports.http);
  const own = `http://127.0.0.1:${collector.ports.http}`;
  const grpc = `
exporters: { otlp_grpc: { endpoint: '127.0.0.1:${collector.ports.grpc}', tls: { insecure: true } } }
service: { pipelines: { traces: { receivers: [otlp], exporters: [otlp_grpc] } } }
`;
  const cases: readonly [what: string, config: string, sets: readonly string[]][] = [
    [
      `the README's snippet${wordForWord ? ', word for word' : ` (port ${README_PORT} is taken: another one)`}`,
      README(),
      wordForWord ? [] : [`${ENDPOINT}=${own}`],
    ],
    ['the snippet through a front', README(), [`${ENDPOINT}=${front.url}`]],
    [LOST, README(), [`${ENDPOINT}=${front.url}`]],
    [
      'the snippet, uncompressed, through a front',
      README(),
      [`${ENDPOINT}=${front.url}`, 'exporters::otlp_http/spanmeter::compression=none'],
    ],
    [
      'the snippet with JSON through a front',
      README(),
      [`${ENDPOINT}=${front.url}`, 'exporters::otlp_http/spanmeter::encoding=json'],
    ],
    ['the exporter otlp_grpc', grpc, []],
  ];
  const resent = (): Promise<boolean> => Promise.resolve(front.passed.length === (2 * CALLS) / BATCH + 3);
  try {
    for (const [index, [what, config, sets]] of cases.entries()) {
      const go = await startGo([config], sets);
      const tenant = `case-${index}`;
      try {
        front.passed.length = 0;
        front.losing = what === LOST ? 3 : 0;
        const costUsd = await emit(go, tenant);
        if (what === LOST) await until(resent, (all) => all);
        await compareStored(verdict, collector, what, { tenant, calls: CALLS, costUsd });
        const wire = front.passed.map(({ type, coding, status }) => `${status} ${type} ${coding ?? 'plain'}`);
        if (wire.length > 0)
          console.log(`      on the wire: ${wire.length} requests, ${[...new Set(wire)].join(', ')}`);
      } finally {
        await go.end();
      }
    }
  } finally {
    front.close();
    await collector.dispose();
  }
}

/** Ours is killed while spans come; the other collector's queue keeps them and sends them again. */
async function whileOursIsKilled(verdict: Verdict, startGo: StartGo): Promise<void> {
  const ports = await pickPorts();
  const dataDir = await mkdtemp(join(tmpdir(), 'spanmeter-go-data-'));
  let collector = await startCollector({ ports, dataDir });
  const go = await startGo([README()], [`${ENDPOINT}=http://127.0.0.1:${ports.http}`]);
  try {
    let costUsd = '0';
    for (let crash = 1; crash <= CRASHES; crash++) {
      const sending = emit(go, 'killed').catch((error: unknown) => error);
      await sleep(40 * crash);
      await collector.end('SIGKILL');
      const during = await emitSdkSpans(new ProtoExporter({ url: `${go.url}/v1/traces` }), {
        tenant: 'killed',
        calls: CALLS,
        batch: BATCH,
      });
      const sent = await sending;
      if (typeof sent !== 'string') throw sent;
      costUsd = addUsd(costUsd, addUsd(sent, during));
      collector = await startCollector({ ports, dataDir });
    }
    const retries = go.lines.filter((line) => line.includes('Will retry')).length;
    const calls = 2 * CALLS * CRASHES;
    const what = `${CRASHES} times kill -9, ${retries} retries of the other collector`;
    await compareStored(verdict, collector, what, { tenant: 'killed', calls, costUsd });
  } finally {
    await go.end();
    await collector.dispose();
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** Ours passes the spans on with their cost, and the other collector prints what arrived. */
async function behind(verdict: Verdict, startGo: StartGo, dir: string): Promise<void> {
  const go = await startGo([
    `
exporters: { debug: { verbosity: detailed, sampling_initial: 1000000 } }
service: { pipelines: { traces: { receivers: [otlp], exporters: [debug] } } }
`,
  ]);
  const overlay = join(dir, 'pass-on.yaml');
  await writeFile(overlay, codeUnder('README.md', 'Pass the spans on', 'yaml'));
  const collector = await startCollector({
    args: ['--config', overlay, '--set', `exporters.otlp_http.endpoint=${go.url}`],
  });
  try {
    const costUsd = await emitSdkSpans(
      new ProtoExporter({ url: `http://127.0.0.1:${collector.ports.http}/v1/traces` }),
      { tenant: 'behind', calls: CALLS, batch: BATCH, others: true },
    );
    await compareStored(verdict, collector, 'stored before they are passed on', {
      tenant: 'behind',
      calls: CALLS,
      costUsd,
    });
    const values = (key: string): string[] =>
      go.lines.flatMap((line) => new RegExp(`-> ${key}: Str\\((.*)\\)$`).exec(line)?.[1] ?? []);
    for (let tries = 0; tries < 60 && values('spanmeter\\.cost\\.usd').length < CALLS; tries++) {
      await sleep(250);
    }
    const names = go.lines.filter((line) => /^ +Name +: /.test(line));
    verdict.compare('spans passed on that are no calls', countOf(names, 'GET /cart'), CALLS);
    verdict.compare('spans passed on that are calls', countOf(names, 'chat gpt-4o-mini'), CALLS);
    verdict.compare(
      'the sum of spanmeter.cost.usd there',
      values('spanmeter\\.cost\\.usd').reduce(addUsd, '0'),
      costUsd,
    );
    const countBy = (key: string, value: string): number =>
      values(key).filter((each) => each === value).length;
    verdict.compare(
      'spanmeter.cost.status priced there',
      countBy('spanmeter\\.cost\\.status', 'priced'),
      CALLS,
    );
    verdict.compare('spanmeter.tenant there', countBy('spanmeter\\.tenant', 'behind'), CALLS);
    const versions = values('spanmeter\\.price\\.version');
    verdict.compare(
      'price version on every priced span',
      [versions.length, new Set(versions).size],
      [CALLS, 1],
    );
  } finally {
    await collector.dispose();
    await go.end();
  }
}

const countOf = (lines: readonly string[], text: string): number =>
  lines.filter((line) => line.endsWith(`: ${text}`)).length;
