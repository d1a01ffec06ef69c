import { isBillable, type Oracle } from '../oracle.ts';
import { columnSums, steps, table, tiles, type Expectation, type Figure } from '../measure.ts';
import { HAND_PRICES } from '../price-table.ts';
import type { SentCall } from '../sent-calls.ts';
import * as f from './figures.ts';

const QUARTER_MS = 900_000;

/** What reading from the cache saved against the plain price, less what writing to it cost more. */
function savedBy({ provider, model, tokens }: SentCall): number {
  const price = HAND_PRICES.find((one) => one.provider === provider && one.model === model);
  if (price === undefined) return 0;
  const plain = Number(price.input);
  const read = tokens.cacheRead * (plain - Number(price.cacheRead ?? plain));
  const written = tokens.cacheWrite * (Number(price.cacheWrite ?? plain) - plain);
  return (read - written) / 1e6;
}

const saved: Figure = (calls) => calls.sum(savedBy);
const cached = (calls: Oracle): Oracle => {
  const using = new Set(
    calls.calls
      .filter((call) => isBillable(call) && call.tokens.cacheRead + call.tokens.cacheWrite > 0)
      .map(({ provider, model }) => `${provider} ${model}`),
  );
  const listed = (call: SentCall): boolean =>
    HAND_PRICES.some(({ provider, model }) => provider === call.provider && model === call.model);
  return calls.where((call) => using.has(`${call.provider} ${call.model}`) && listed(call));
};
const recent = (seen: Parameters<Expectation>[0]): Oracle =>
  f.lastHours(3)({ ...seen, sent: f.billable(seen) });

export const CACHE: Readonly<Record<string, Expectation>> = {
  '1/A': tiles({
    'Input from the cache': (calls) => f.cacheRead(calls) / f.input(calls),
    'Read from the cache': f.cacheRead,
    'Written to the cache': f.cacheWrite,
    'Reads per write': (calls) => f.cacheRead(calls) / f.cacheWrite(calls),
    'Reasoning of output': (calls) => f.reasoning(calls) / f.output(calls),
    'Output per input': (calls) => f.output(calls) / f.input(calls),
    Failed: f.failed,
  }),
  '2/A': tiles({
    'Saved by the cache': saved,
    'Of what it would cost': (calls) => saved(calls) / (cached(calls).usd + saved(calls)),
  }),
  '3/A': steps(f.provider, (calls) => f.cacheRead(calls) / f.input(calls), QUARTER_MS),
  '4/A': columnSums({
    input: (calls) => f.input(calls) - f.cacheRead(calls) - f.cacheWrite(calls),
    'cache read': f.cacheRead,
    'cache write': f.cacheWrite,
    output: (calls) => f.output(calls) - f.reasoning(calls),
    reasoning: f.reasoning,
  }),
  '5/A': steps(f.model, (calls) => f.input(calls) / calls.count, QUARTER_MS),
  '6/A': steps(f.model, (calls) => f.reasoning(calls) / f.output(calls), QUARTER_MS),
  '7/A': table({
    keys: { model: f.model, provider: f.provider },
    figures: {
      share: (calls) => f.cacheRead(calls) / f.input(calls),
      input: f.input,
      read: f.cacheRead,
      written: f.cacheWrite,
      saved,
      spend: f.spend,
      reasoning: (calls) => f.reasoning(calls) / f.output(calls),
    },
    of: f.billable,
    limit: 50,
  }),
  '8/A': table({
    keys: { service: f.service, model: f.model, error_type: ({ error }) => error },
    figures: { calls: f.count, cost_usd: f.spend },
    of: (seen) => recent(seen).where(({ error }) => error !== null),
    limit: 50,
  }),
  '9/A': table({
    keys: { tier: ({ batch }) => (batch ? 'batch' : '(standard)') },
    figures: { calls: f.count, cost_usd: f.spend },
    of: recent,
  }),
};
