import { join } from 'node:path';
import { runBeside } from '../support/sdk-run.ts';
import { installSet, setFolder, SDKS } from '../support/sdk-set.ts';

/** Each tool runs this often, in turn with the others, so that what else the machine does falls on all alike. */
const ROUNDS = 3;

interface Figures {
  readonly perCall: number;
  readonly perChunk: number;
}

interface Tool {
  readonly name: string;
  /** Preloaded by Node; none for the bare SDK. */
  readonly preload?: string;
}

const OURS: readonly Tool[] = [{ name: 'bare' }, { name: 'spanmeter', preload: join(SDKS, 'nowhere.mjs') }];

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

async function runOnce(sdk: string, set: string, { name, preload }: Tool): Promise<Figures> {
  const { stdout, stderr, code } = await runBeside({
    set,
    script: 'overhead.mjs',
    args: [sdk],
    nodeOptions: preload === undefined ? [] : ['--import', preload],
    env: { SDK_BENCH: '1', SDK_FORMAT: 'cjs' },
    limitMs: 10 * 60_000,
  });
  if (code !== 0) throw new Error(`${sdk} under ${name} ended with ${code}:\n${stderr}`);
  return JSON.parse(stdout) as Figures;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

/** Of one figure: the medians, and the median difference to the bare run of the same round. */
function compare(
  runs: Readonly<Record<string, readonly Figures[]>>,
  figure: keyof Figures,
): Record<string, { median: number; overhead: number }> {
  const bare = runs['bare'] ?? [];
  return Object.fromEntries(
    Object.entries(runs).map(([name, figures]) => [
      name,
      {
        median: rounded(median(figures.map((each) => each[figure]))),
        overhead: rounded(median(figures.map((each, round) => each[figure] - (bare[round]?.[figure] ?? 0)))),
      },
    ]),
  );
}

/** Overhead over the bare SDK, per call and per stream chunk, beside other instrumentations, each in its own process. */
export async function benchInstrumentation(): Promise<Record<string, unknown>> {
  const results: Record<string, unknown> = {
    what: 'chat with a fake fetch; spans made, not exported; `overhead` is the median difference to bare',
    unit: 'microseconds of processor time',
    rounds: ROUNDS,
    targets: { perCall: 30, perChunk: 1 },
  };
  for (const { sdk, set, tools } of SUBJECTS) {
    const runs: Record<string, Figures[]> = {};
    for (const { name } of tools)
      if (name !== 'bare' && name !== 'spanmeter') await installSet(`rivals-${name}`);
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const tool of tools) (runs[tool.name] ??= []).push(await runOnce(sdk, set, tool));
    }
    results[sdk] = { perCall: compare(runs, 'perCall'), perChunk: compare(runs, 'perChunk') };
  }
  return results;
}
