import { join } from 'node:path';
import { runBeside } from '../support/sdk-run.ts';
import { SDKS } from '../support/sdk-set.ts';

/** `SPANMETER_LEAK_CALLS` makes it shorter. */
const DEFAULT_CALLS = 1_000_000;

interface Leak {
  readonly calls: number;
  readonly seconds: number;
  /** After a forced collection: before, and after each tenth of the calls. */
  readonly heapMb: readonly number[];
  readonly started: number;
  readonly ended: number;
}

/**
 * A million streamed calls, read, broken off, aborted, failed or never read: whether the heap stays flat, and every
 * span that was started has ended.
 */
export async function benchLeak(): Promise<Record<string, unknown>> {
  const calls = Number(process.env['SPANMETER_LEAK_CALLS'] ?? DEFAULT_CALLS);
  const { stdout, stderr, code } = await runBeside({
    set: 'stainless-previous',
    script: 'leak.mjs',
    args: ['openai', String(calls)],
    nodeOptions: ['--expose-gc', '--import', join(SDKS, 'nowhere.mjs')],
    limitMs: 4 * 60 * 60_000,
  });
  if (code !== 0) throw new Error(`the calls ended with ${code}:\n${stderr}`);
  const { heapMb, ...rest } = JSON.parse(stdout) as Leak;
  return {
    what: 'streamed calls that end in every way, with a fake fetch',
    ...rest,
    allEnded: rest.started === rest.ended,
    heapMb: { firstTenth: heapMb[1], lastTenth: heapMb.at(-1), all: heapMb },
  };
}
