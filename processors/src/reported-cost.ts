import type { AttributeValue } from './call.ts';
import type { SpanFields } from './dialects/index.ts';
import { parsePico } from './money.ts';
import { readCount } from './token-count.ts';
import { readFlag } from './flag.ts';

/** What the emitter says the call cost, with the attribute keys it was read from. */
export interface ReportedCost {
  readonly picoUsd: bigint;
  readonly source: string;
}

/** xAI counts 1e10 ticks to the USD, so a tick is 100 pico-USD. */
const PICO_PER_TICK = 100n;
/** A column of NUMERIC(38,12) holds less than this. */
const MAX_PICO = 10n ** 38n;

function amountOf(value: AttributeValue | undefined): bigint | null {
  if (typeof value !== 'number' && typeof value !== 'bigint' && typeof value !== 'string') return null;
  // The shortest text that reads back as the double is what the emitter wrote: 2.85e-06 stays exactly that.
  const pico = parsePico(String(value).trim());
  return pico === null || pico < 0n || pico >= MAX_PICO ? null : pico;
}

/**
 * Makes a reader of the cost that a span reports; it returns null where there is none, one in another currency,
 * or only a part of one.
 */
export function reportedCostReader(fields: SpanFields): () => ReportedCost | null {
  const total = fields.slot('reportedCost');
  const input = fields.slot('reportedInputCost');
  const output = fields.slot('reportedOutputCost');
  const currency = fields.slot('reportedCurrency');
  const ticks = fields.slot('reportedCostTicks');
  const ownKey = fields.slot('bringYourOwnKey');
  const upstream = fields.slot('upstreamCost');

  const charged = (): ReportedCost | null => {
    const whole = amountOf(fields.value(total));
    if (whole !== null) return { picoUsd: whole, source: fields.key(total) };
    const tickCount = readCount(fields.value(ticks));
    if (tickCount != null) return { picoUsd: BigInt(tickCount) * PICO_PER_TICK, source: fields.key(ticks) };
    // One side alone is no total.
    const ofInput = amountOf(fields.value(input));
    const ofOutput = amountOf(fields.value(output));
    if (ofInput === null || ofOutput === null) return null;
    return { picoUsd: ofInput + ofOutput, source: `${fields.key(input)}+${fields.key(output)}` };
  };

  return () => {
    const code = fields.value(currency);
    if (code !== undefined && (typeof code !== 'string' || code.trim().toUpperCase() !== 'USD')) return null;
    const own = charged();
    if (own === null || readFlag(fields.value(ownKey)) !== true) return own;
    // With one's own key the router's charge is its fee alone; the model is billed upstream beside it.
    const above = amountOf(fields.value(upstream));
    return above === null
      ? null
      : { picoUsd: own.picoUsd + above, source: `${own.source}+${fields.key(upstream)}` };
  };
}
