import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { freePorts } from './free-port.ts';
import { layCluster } from './made-cluster.ts';
import { endOrphanedServer } from './orphaned-server.ts';

export const REPOSITORY = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
/** Longer than a collector gives itself; one that hangs beyond it must not outlive its test. */
const STOP_LIMIT_MS = 90_000;
const MAIN = join(REPOSITORY, 'collector', 'dist', 'main.js');

export interface CollectorPorts {
  readonly grpc: number;
  readonly http: number;
  readonly api: number;
  readonly prometheus: number;
  readonly telemetry: number;
  readonly health: number;
}

export interface CollectorOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** Reused when given (and then kept by `dispose`), else a new temporary directory. */
  readonly dataDir?: string;
  readonly ports?: CollectorPorts;
  /** Starts with an empty data directory, where others start with what a first start leaves of PostgreSQL. */
  readonly isFirstStart?: boolean;
  /** YAML merged over the default configuration. */
  readonly overlay?: string;
}

/** One collector as its own process, with its own data directory and ports. */
export interface CollectorProcess {
  readonly ports: CollectorPorts;
  readonly dataDir: string;
  readonly child: ChildProcess;
  /** All log lines so far. */
  readonly lines: readonly string[];
  /** Resolves with the first line, past or future, that contains `text`; rejects when the process ends first. */
  seen(text: string): Promise<string>;
  /** Resolves with the exit code once the process has ended; null when a signal killed it. */
  readonly ended: Promise<number | null>;
  /** Sends the signal and resolves with the exit code (null when killed by it). */
  end(signal: NodeJS.Signals): Promise<number | null>;
  /** The read-only connection string of the embedded server. */
  databaseUrl(): string;
  /** Ends what is left, also a server that a killed collector left behind, and removes the data directory. */
  dispose(): Promise<void>;
}

export async function pickPorts(): Promise<CollectorPorts> {
  const [grpc, http, api, prometheus, telemetry, health] = (await freePorts(6)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return { grpc, http, api, prometheus, telemetry, health };
}

export function endpointVariables(ports: CollectorPorts): Record<string, string> {
  return {
    SPANMETER_OTLP_GRPC_ENDPOINT: `127.0.0.1:${ports.grpc}`,
    SPANMETER_OTLP_HTTP_ENDPOINT: `127.0.0.1:${ports.http}`,
    SPANMETER_API_ENDPOINT: `127.0.0.1:${ports.api}`,
    SPANMETER_PROMETHEUS_ENDPOINT: `127.0.0.1:${ports.prometheus}`,
    SPANMETER_TELEMETRY_ENDPOINT: `127.0.0.1:${ports.telemetry}`,
    SPANMETER_HEALTH_ENDPOINT: `127.0.0.1:${ports.health}`,
  };
}

/** Starts a collector and returns at once; `seen('ready')` tells when all of it listens. */
export async function spawnCollector(options: CollectorOptions = {}): Promise<CollectorProcess> {
  const ports = options.ports ?? (await pickPorts());
  const ownsDir = options.dataDir === undefined;
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'spanmeter-test-')));
  const isEmbedded = (options.env?.['DATABASE_URL'] ?? '') === '';
  if (isEmbedded && options.isFirstStart !== true) await layCluster(join(dataDir, 'postgres'));
  const args = ['start', '--config', join(REPOSITORY, 'otel-config.yaml')];
  if (options.overlay !== undefined) {
    const overlay = join(dataDir, 'overlay.yaml');
    await writeFile(overlay, options.overlay);
    args.push('--config', overlay);
  }
  const child = spawn(process.execPath, [MAIN, ...args, ...(options.args ?? [])], {
    cwd: dataDir,
    env: {
      ...process.env,
      ...endpointVariables(ports),
      SPANMETER_DATA: dataDir,
      DATABASE_URL: '',
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log = followLines(child);
  return {
    ports,
    dataDir,
    child,
    lines: log.lines,
    seen: (text) => log.seen(text),
    ended: once(child, 'close').then(([code]) => code as number | null),
    end: (signal) => endProcess(child, signal),
    databaseUrl: () => readFileSync(join(dataDir, 'postgres-readonly-url'), 'utf8').trim(),
    async dispose() {
      const hung = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
      await endProcess(child, 'SIGTERM');
      clearTimeout(hung);
      await endOrphanedServer(dataDir);
      if (ownsDir) await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Starts a collector and waits until it is ready. */
export async function startCollector(options: CollectorOptions = {}): Promise<CollectorProcess> {
  const collector = await spawnCollector(options);
  await collector.seen('Spanmeter is ready');
  return collector;
}

async function endProcess(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exited = once(child, 'exit') as Promise<[number | null]>;
  child.kill(signal);
  return (await exited)[0];
}

function followLines(child: ChildProcess): {
  lines: string[];
  seen(text: string): Promise<string>;
} {
  const lines: string[] = [];
  const waiting = new Set<{ text: string; resolve(line: string): void; reject(error: Error): void }>();
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      for (const waiter of waiting) {
        if (!line.includes(waiter.text)) continue;
        waiting.delete(waiter);
        waiter.resolve(line);
      }
    });
  }
  child.once('close', (code, signal) => {
    for (const waiter of waiting) {
      waiter.reject(
        new Error(`the collector ended (${signal ?? code}) before "${waiter.text}":\n${lines.join('\n')}`),
      );
    }
    waiting.clear();
  });
  return {
    lines,
    seen(text) {
      const past = lines.find((line) => line.includes(text));
      if (past !== undefined) return Promise.resolve(past);
      return new Promise((resolve, reject) => waiting.add({ text, resolve, reject }));
    },
  };
}
