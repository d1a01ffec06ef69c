import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { cp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServedRequest, StandIn } from './provider/index.ts';
import { installSet, SDKS, setFolder } from './sdk-set.ts';
import { until } from './until.ts';

/** Longer than any driver needs; one that hangs beyond it is ended. */
const RUN_LIMIT_MS = 90_000;

export interface SdkRunOptions {
  readonly set: string;
  readonly driver: string;
  /** How the app loads its packages. */
  readonly format: 'esm' | 'cjs';
  readonly standIn: StandIn;
  /** What Node is told before the app: none for the bare app. */
  readonly nodeOptions?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Only these scenarios; all unless given. */
  readonly scenarios?: readonly string[];
  /** Another Node than that of this process. */
  readonly node?: string;
}

/** What one scenario made known: what the app saw, and what its driver says of it. */
export interface SdkOutcome {
  /** Logical calls made. */
  readonly spans: number;
  readonly shown?: unknown;
  /** Constructor of what was thrown. */
  readonly threw?: string;
  readonly name?: string;
  readonly message?: string;
  readonly status?: number;
  readonly code?: string;
}

/** One run of a driver, as seen from the outside. */
export interface SdkRun {
  /** Without the port of the stand-in, so that runs can be compared. */
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
  readonly outcomes: Readonly<Record<string, SdkOutcome>>;
  /** What the stand-in served meanwhile. */
  readonly requests: readonly ServedRequest[];
}

/** Runs a driver in a process of its own, beside its set's packages, and waits for its end. */
export async function runSdk(options: SdkRunOptions): Promise<SdkRun> {
  const { set, driver, format, standIn } = options;
  await installSet(set);
  const folder = join(setFolder(set), '.run', randomUUID());
  const manifest = join(folder, 'outcomes.json');
  const before = standIn.ledger.requests.length;
  try {
    await cp(join(SDKS, 'drivers'), join(folder, 'drivers'), { recursive: true });
    await cp(join(SDKS, 'run.mjs'), join(folder, 'run.mjs'));
    const args = [...(options.nodeOptions ?? []), join(folder, 'run.mjs'), driver];
    const { stdout, stderr, code } = await run(options.node ?? process.execPath, args, {
      PATH: process.env['PATH'],
      NODE_V8_COVERAGE: process.env['NODE_V8_COVERAGE'],
      ...options.env,
      STAND_IN_URL: standIn.url,
      SDK_FORMAT: format,
      SDK_MANIFEST: manifest,
      ...(options.scenarios === undefined ? {} : { SDK_SCENARIOS: options.scenarios.join(',') }),
    });
    const requests = standIn.ledger.requests.slice(before);
    // The process is gone, but its connections may not have been seen to close yet.
    await until(
      () => Promise.resolve(requests),
      (all) => all.every(({ end }) => end !== 'under_way'),
    );
    const host = new URL(standIn.url).host;
    const shown = (text: string): string => text.replaceAll(host, 'stand-in').replaceAll(folder, '.');
    return {
      stdout: shown(stdout),
      stderr: shown(stderr),
      code,
      outcomes: JSON.parse(await readFile(manifest, 'utf8').catch(() => '{}')) as Record<string, SdkOutcome>,
      requests,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

function run(node: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  const child = spawn(node, args, { cwd: SDKS, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const hung = setTimeout(() => child.kill('SIGKILL'), RUN_LIMIT_MS);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(hung);
      resolve({ stdout, stderr, code });
    });
  });
}
