import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { copyBeside } from '../support/sdk-run.ts';
import { installSet, setFolder, SDKS } from '../support/sdk-set.ts';

const TURNS = 200;
/** The first thousands of calls are compiled as they run, cost several times as much, and are left out. */
const AMOUNTS = { calls: { warmUp: 5000, perTurn: 150 }, streams: { warmUp: 25, perTurn: 1 } };

interface Tool {
  readonly name: string;
  /** Preloaded by Node; none for the bare SDK. */
  readonly preload?: string;
}

const OURS: readonly Tool[] = [
  { name: 'bare' },
  { name: 'provider alone', preload: join(SDKS, 'provider-alone.mjs') },
  { name: 'spanmeter', preload: join(SDKS, 'nowhere.mjs') },
];

function rival(name: string): Tool {
  return { name, preload: join(setFolder(`rivals-${name}`), 'setup.mjs') };
}

/** Versions that all of them support. */
const SUBJECTS: readonly { sdk: string; set: string; tools: readonly Tool[] }[] = [
  {
    sdk: 'openai',
    set: 'stainless-previous',
    tools: [...OURS, rival('opentelemetry'), rival('traceloop'), rival('openinference')],
  },
  {
    sdk: 'anthropic',
    set: 'anthropic-previous',
    tools: [...OURS, rival('traceloop'), rival('openinference')],
  },
];

/** A process that makes calls under a tool, when it is told to. */
class Contestant {
  readonly #child: ChildProcess;
  readonly #gone = new AbortController();
  #stderr = '';

  constructor(sdk: string, folder: string, { preload }: Tool) {
    this.#child = fork(join(folder, 'overhead.mjs'), [sdk], {
      cwd: folder,
      execArgv: preload === undefined ? [] : ['--import', preload],
      env: { PATH: process.env['PATH'], SDK_BENCH: '1', SDK_FORMAT: 'cjs' },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.#child.once('exit', () => this.#gone.abort());
  }

  /** What it says next. */
  async hear(): Promise<unknown> {
    try {
      const [message]: unknown[] = await once(this.#child, 'message', { signal: this.#gone.signal });
      return message;
    } catch (error) {
      throw new Error(`no answer:\n${this.#stderr}`, { cause: error });
    }
  }

  /** Microseconds of processor time for each call, or each chunk of a stream. */
  async measure(kind: 'calls' | 'streams', count: number): Promise<number> {
    this.#child.send({ kind, count });
    return Number(await this.hear());
  }

  end(): void {
    this.#child.kill();
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

interface Figures {
  readonly median: number;
  /** Median of the differences to the bare SDK, each between two turns next to each other. */
  readonly overhead: number;
}

function compare(turns: ReadonlyMap<string, readonly number[]>): Record<string, Figures> {
  const bare = turns.get('bare') ?? [];
  return Object.fromEntries(
    [...turns].map(([name, micros]) => [
      name,
      {
        median: rounded(median(micros)),
        overhead: rounded(median(micros.map((each, turn) => each - (bare[turn] ?? Number.NaN)))),
      },
    ]),
  );
}

/** Lets all contestants take turns, so that what else the machine does falls on all alike. */
async function race(
  contestants: ReadonlyMap<string, Contestant>,
  kind: 'calls' | 'streams',
): Promise<Record<string, Figures>> {
  const { warmUp, perTurn } = AMOUNTS[kind];
  const turns = new Map<string, number[]>();
  for (const [name, contestant] of contestants) {
    await contestant.measure(kind, warmUp);
    turns.set(name, []);
  }
  for (let turn = 0; turn < TURNS; turn += 1) {
    for (const [name, contestant] of contestants) {
      turns.get(name)?.push(await contestant.measure(kind, perTurn));
    }
  }
  return compare(turns);
}

async function benchSdk(sdk: string, set: string, tools: readonly Tool[]): Promise<Record<string, unknown>> {
  for (const { name, preload } of tools)
    if (preload?.includes('rivals-') === true) await installSet(`rivals-${name}`);
  const folder = await copyBeside(set);
  const contestants = new Map<string, Contestant>();
  try {
    for (const tool of tools) {
      const contestant = new Contestant(sdk, folder, tool);
      contestants.set(tool.name, contestant);
      await contestant.hear();
    }
    return { perCall: await race(contestants, 'calls'), perChunk: await race(contestants, 'streams') };
  } finally {
    for (const contestant of contestants.values()) contestant.end();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Overhead over the bare SDK, per call and per stream chunk, beside other instrumentations, each in its own process. */
export async function benchInstrumentation(): Promise<Record<string, unknown>> {
  const results: Record<string, unknown> = {
    what: 'chat with a fake fetch; spans made, not exported; `provider alone` is an OpenTelemetry SDK that instruments nothing',
    unit: 'microseconds of processor time',
    turns: TURNS,
    targets: { perCall: 30, perChunk: 1 },
  };
  for (const { sdk, set, tools } of SUBJECTS) results[sdk] = await benchSdk(sdk, set, tools);
  return results;
}
