import type { ServedRequest } from '@spanmeter/collector/dist/demo/providers/served.js';
import { formatPicoUsd } from '../support/settled-calls.ts';

/** List prices in 1e-12 USD per token. */
const RATES: Readonly<
  Record<string, { input: bigint; cacheRead: bigint; cacheWrite: bigint; output: bigint }>
> = {
  'gpt-4o-mini': { input: 150_000n, cacheRead: 75_000n, cacheWrite: 150_000n, output: 600_000n },
  'claude-haiku-4-5': { input: 1_000_000n, cacheRead: 100_000n, cacheWrite: 1_250_000n, output: 5_000_000n },
  'text-embedding-3-large': { input: 130_000n, cacheRead: 0n, cacheWrite: 0n, output: 0n },
};

/** What the calls whose usage a stand-in told its client cost, exactly. */
export function servedCostUsd(requests: readonly ServedRequest[]): string {
  let pico = 0n;
  for (const { model, usage, usageSent, status } of requests) {
    if (!usageSent || status !== 200) continue;
    const rate = RATES[model];
    if (rate === undefined) throw new Error(`no list price for ${model}`);
    pico +=
      BigInt(usage.input) * rate.input +
      BigInt(usage.cacheRead) * rate.cacheRead +
      BigInt(usage.cacheWrite5m) * rate.cacheWrite +
      BigInt(usage.output) * rate.output;
  }
  return formatPicoUsd(pico);
}

/** What the calls of the programs that only send spans cost: 100 tokens in, then one more each; none out, then 7 more. */
export function sentCostUsd(calls: number): string {
  const { input, output } = RATES['gpt-4o-mini']!;
  let pico = 0n;
  for (let index = 0; index < calls; index += 1) {
    pico += BigInt(100 + index) * input + BigInt(7 * index) * output;
  }
  return formatPicoUsd(pico);
}
