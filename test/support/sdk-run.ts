import { randomUUID } from 'node:crypto';
import { cp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { endedProcess, type EndedProcess } from './ended-process.ts';
import type { ServedRequest, StandIn } from './provider/index.ts';
import { installSet, SDKS, setFolder } from './sdk-set.ts';
import { until } from './until.ts';

/** Longer than any driver needs on the busiest machine; one that hangs beyond it is ended. */
const RUN_LIMIT_MS = 280_000;

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
  /** Without the port of the stand-in and process ids, so that runs can be compared. */
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
  const before = standIn.ledger.requests.length;
  const { stdout, stderr, code, kept } = await runBeside({
    ...options,
    set,
    script: 'run.mjs',
    args: [driver],
    keep: MANIFEST,
    env: {
      ...options.env,
      STAND_IN_URL: standIn.url,
      SDK_FORMAT: format,
      SDK_MANIFEST: MANIFEST,
      ...(options.scenarios === undefined ? {} : { SDK_SCENARIOS: options.scenarios.join(',') }),
    },
  });
  const requests = standIn.ledger.requests.slice(before);
  // The process is gone, but its connections may not have been seen to close yet.
  await until(
    () => Promise.resolve(requests),
    (all) => all.every(({ end }) => end !== 'under_way'),
  );
  const host = new URL(standIn.url).host;
  return {
    stdout: stdout.replaceAll(host, 'stand-in'),
    // Warnings of Node name the process.
    stderr: stderr.replaceAll(host, 'stand-in').replaceAll(/\(node:\d+\)/g, '(node)'),
    code,
    outcomes: JSON.parse(kept ?? '{}') as Record<string, SdkOutcome>,
    requests,
  };
}

const MANIFEST = 'outcomes.json';

export interface BesideOptions {
  readonly set: string;
  /** File of `test/sdks`. */
  readonly script: string;
  readonly args?: readonly string[];
  readonly nodeOptions?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly node?: string;
  /** A file that the script writes into its folder, to be read before that goes. */
  readonly keep?: string;
  readonly limitMs?: number;
}

/** What a script beside a set left behind; its folder is `.` in the texts. */
export interface BesideResult extends Pick<EndedProcess, 'stdout' | 'stderr' | 'code'> {
  readonly kept: string | undefined;
}

/** A copy of `test/sdks` beside a set's packages, so that its scripts find them; to be removed by the caller. */
export async function copyBeside(set: string): Promise<string> {
  await installSet(set);
  const folder = join(setFolder(set), '.run', randomUUID());
  for (const name of await readdir(SDKS)) {
    if (name !== 'sets') await cp(join(SDKS, name), join(folder, name), { recursive: true });
  }
  return folder;
}

/** Runs a copy of a script of `test/sdks` beside a set's packages. */
export async function runBeside(options: BesideOptions): Promise<BesideResult> {
  const folder = await copyBeside(options.set);
  try {
    const args = [...(options.nodeOptions ?? []), join(folder, options.script), ...(options.args ?? [])];
    const env = {
      PATH: process.env['PATH'],
      NODE_V8_COVERAGE: process.env['NODE_V8_COVERAGE'],
      ...options.env,
    };
    const { limitMs = RUN_LIMIT_MS, node = process.execPath } = options;
    const ended = await endedProcess(node, args, { cwd: folder, env, limitMs });
    if (ended.signal !== null) {
      const said = `${ended.stdout}${ended.stderr}`;
      throw new Error(`${args.join(' ')} was ended by ${ended.signal}:\n${said}`);
    }
    const shown = (text: string): string => text.replaceAll(folder, '.');
    const kept =
      options.keep === undefined
        ? undefined
        : await readFile(join(folder, options.keep), 'utf8').catch(() => undefined);
    return { stdout: shown(ended.stdout), stderr: shown(ended.stderr), code: ended.code, kept };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
