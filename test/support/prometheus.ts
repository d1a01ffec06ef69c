import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { freePorts } from './free-port.ts';
import { until } from './until.ts';

/** One series of an instant query. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** An alert as Prometheus' `/api/v1/alerts` and Alertmanager's `/api/v2/alerts` list it. */
export interface ListedAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** `pending` or `firing` in Prometheus; `active`, `suppressed` or `unprocessed` in Alertmanager. */
  readonly state: string;
}

/** A server of a test, on a loopback port of its own with its files in a folder of its own. */
export interface TestServer {
  readonly url: string;
  readonly folder: string;
  readonly pid: number;
  /** What it has logged so far. */
  readonly log: () => string;
  alerts(): Promise<ListedAlert[]>;
  /** Reads its files again; rejects where they are faulty. */
  reload(): Promise<void>;
  /** Ends it, by its process id, and removes its folder. */
  stop(): Promise<void>;
}

export interface TestPrometheus extends TestServer {
  /** Instant query; `at` in seconds, now when not given. Rejects with Prometheus' own words on a faulty query. */
  query(promql: string, at?: number): Promise<Sample[]>;
  /** Any other GET of the HTTP API below `/api/v1/`, as its `data`. */
  get(path: string): Promise<unknown>;
}

export interface ServerFiles {
  /** The program, from `needProgram`. */
  readonly program: string;
  /** Content by path relative to the server's folder; the first is its configuration. */
  readonly files: Readonly<Record<string, string>>;
  /** One of `freePorts`, where other files must name it; else a free one is taken. */
  readonly port?: number;
  readonly args?: readonly string[];
}

/** Starts Prometheus with these files; resolves once it answers queries. */
export async function startPrometheus(options: ServerFiles): Promise<TestPrometheus> {
  const flags = ['--storage.tsdb.path=data', '--web.enable-lifecycle', '--enable-feature=exemplar-storage'];
  const server = await startServer(options, flags);
  async function get(path: string): Promise<unknown> {
    const answer = await fetch(`${server.url}/api/v1/${path}`);
    const body = (await answer.json()) as { status: string; data: unknown; error?: string };
    if (body.status !== 'success') throw new Error(body.error ?? `status ${answer.status}`);
    return body.data;
  }
  return {
    ...server,
    get,
    query: async (promql, at) => {
      const parameters = new URLSearchParams({
        query: promql,
        ...(at !== undefined && { time: String(at) }),
      });
      const data = (await get(`query?${parameters.toString()}`)) as QueryData;
      if (data.resultType === 'scalar') return [{ labels: {}, value: Number(data.result[1]) }];
      return data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
    },
    alerts: async () => ((await get('alerts')) as { alerts: ListedAlert[] }).alerts,
  };
}

/** Starts Alertmanager with these files, alone (no cluster); resolves once it takes alerts. */
export async function startAlertmanager(options: ServerFiles): Promise<TestServer> {
  const server = await startServer(options, ['--storage.path=data', '--cluster.listen-address=']);
  return {
    ...server,
    alerts: async () => {
      const answer = await fetch(`${server.url}/api/v2/alerts`);
      const listed = (await answer.json()) as (Omit<ListedAlert, 'state'> & { status: { state: string } })[];
      return listed.map((alert) => ({ ...alert, state: alert.status.state }));
    },
  };
}

type QueryData =
  | { readonly resultType: 'scalar'; readonly result: readonly [number, string] }
  | {
      readonly resultType: 'vector';
      readonly result: readonly { metric: Record<string, string>; value: [number, string] }[];
    };

async function startServer(
  { program, files, port: wanted, args = [] }: ServerFiles,
  flags: readonly string[],
): Promise<Omit<TestServer, 'alerts'>> {
  const folder = await mkdtemp(join(tmpdir(), 'spanmeter-server-'));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  const port = wanted ?? (await freePorts(1))[0]!;
  const url = `http://127.0.0.1:${port}`;
  const config = Object.keys(files)[0]!;
  const listening = [`--config.file=${config}`, `--web.listen-address=127.0.0.1:${port}`];
  const child = spawn(program, [...listening, ...flags, ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (log += text));
  const closed = once(child, 'close');
  await once(child, 'spawn');
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const stop = async () => {
    if (!hasEnded()) child.kill('SIGTERM');
    await closed;
    await rm(folder, { recursive: true, force: true });
  };
  await until(
    async () => hasEnded() || (await isReady(url)),
    (isDone) => isDone,
  );
  if (hasEnded()) {
    await stop();
    throw new Error(`${program} ended at once:\n${log}`);
  }
  const reload = async () => {
    const answer = await fetch(`${url}/-/reload`, { method: 'POST' });
    if (!answer.ok) throw new Error(await answer.text());
  };
  return { url, folder, pid: child.pid!, log: () => log, reload, stop };
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/-/ready`)).ok;
  } catch {
    return false;
  }
}
