import type { AttributeValue } from './call.ts';
import { costOfDetails, upstreamOfDetails } from './cost-details.ts';
import type { SpanFields } from './dialects/index.ts';
import { readFlag } from './flag.ts';
import type { KeptAttributes } from './kept-attributes.ts';
import { parsePico } from './money.ts';
import { MAX_DIMENSION_BYTES, storableText } from './text.ts';
import { readCount, valueText } from './token-count.ts';

/** What the emitter says the call cost, with the attribute keys it was read from. */
export interface ReportedCost {
  readonly picoUsd: bigint;
  readonly source: string;
  /** Whether the span says outright that the router's own key was used, so that even a zero is the charge. */
  readonly routerKey: boolean;
}

/** Under this name a call keeps whether its request was made with the caller's own key at a router's. */
export const OWN_KEY = 'openrouter.is_byok';

/** xAI counts 1e10 ticks to the USD, so a tick is 100 pico-USD. */
const PICO_PER_TICK = 100n;
/** A column of NUMERIC(38,12) holds less than this. */
const MAX_PICO = 10n ** 38n;
const DOLLARS = /^(?:us\$|\$|usd)?\s*([^\s$]+?)\s*(?:\$|usd)?$/i;

/** USD as a number, decimal text, text with the sign of the dollar, or an object with `amount`; null where it is none. */
export function readUsd(value: AttributeValue | undefined): bigint | null {
  if (value instanceof Map) return isForeign(value.get('currency')) ? null : readUsd(value.get('amount'));
  if (typeof value !== 'number' && typeof value !== 'bigint' && typeof value !== 'string') return null;
  // The shortest text that reads back as the double is what the emitter wrote: 2.85e-06 stays exactly that.
  const text = String(value).trim();
  const pico = parsePico(typeof value === 'string' ? (DOLLARS.exec(text.slice(0, 500))?.[1] ?? '') : text);
  return pico === null || pico < 0n || pico >= MAX_PICO ? null : pico;
}

function isForeign(currency: AttributeValue | undefined): boolean {
  if (currency === undefined) return false;
  return typeof currency !== 'string' || currency.trim().toUpperCase() !== 'USD';
}

type Amount = Omit<ReportedCost, 'routerKey'>;

/** Makes a reader of what the span says was charged, before one's own key is considered. */
function chargeReader(fields: SpanFields): () => Amount | null {
  const total = fields.slot('reportedCost');
  const input = fields.slot('reportedInputCost');
  const output = fields.slot('reportedOutputCost');
  const ticks = fields.slot('reportedCostTicks');
  const details = fields.slot('reportedCostDetails');

  return () => {
    const whole = readUsd(fields.value(total));
    if (whole !== null) return { picoUsd: whole, source: fields.key(total) };
    const tickCount = readCount(fields.value(ticks));
    if (tickCount != null) return { picoUsd: BigInt(tickCount) * PICO_PER_TICK, source: fields.key(ticks) };
    const nested = fields.value(details);
    const inside = nested === undefined ? null : costOfDetails(fields.key(details), nested, readUsd);
    if (inside !== null) return { picoUsd: inside, source: fields.key(details) };
    // One side alone is no total.
    const ofInput = readUsd(fields.value(input));
    const ofOutput = readUsd(fields.value(output));
    if (ofInput === null || ofOutput === null) return null;
    return { picoUsd: ofInput + ofOutput, source: `${fields.key(input)}+${fields.key(output)}` };
  };
}

/**
 * Makes a reader of the cost that a span reports; it returns null where there is none, one in another currency,
 * only a part of one, or a router's fee without what the model's own provider charged. What it could not read
 * stays with the call as text.
 */
export function reportedCostReader(fields: SpanFields): (kept?: KeptAttributes) => ReportedCost | null {
  const currency = fields.slot('reportedCurrency');
  const ownKey = fields.slot('bringYourOwnKey');
  const upstream = fields.slot('upstreamCost');
  const total = fields.slot('reportedCost');
  const details = fields.slot('reportedCostDetails');
  const readCharge = chargeReader(fields);

  const keep = (kept: KeptAttributes | undefined, slot: number): null => {
    const value = fields.value(slot);
    if (value !== undefined) kept?.set(fields.key(slot), storableText(valueText(value), MAX_DIMENSION_BYTES));
    return null;
  };

  return (kept) => {
    const own = readFlag(fields.value(ownKey));
    if (own !== null) kept?.set(OWN_KEY, own);
    if (isForeign(fields.value(currency))) {
      keep(kept, currency);
      return keep(kept, total);
    }
    const charge = readCharge();
    if (charge === null) return keep(kept, total);
    if (own !== true) return { ...charge, routerKey: own === false };
    // With one's own key the router's charge is its fee alone; the model is billed upstream beside it.
    const nested = fields.value(details);
    const stated = readUsd(fields.value(upstream));
    const above = stated ?? (nested === undefined ? null : upstreamOfDetails(nested, readUsd));
    if (above === null) return keep(kept, total);
    const source = `${charge.source}+${fields.key(stated === null ? details : upstream)}`;
    return { picoUsd: charge.picoUsd + above, source, routerKey: false };
  };
}

/**
 * Whether a provider's own figure can be taken for the charge. Emitters write 0 for what they do not know, so a
 * zero needs a witness: the router's word that its key was used, or a book that comes to zero too.
 */
export function isCharge(picoUsd: bigint, routerKey: boolean, computedPicoUsd: bigint | null): boolean {
  return picoUsd !== 0n || routerKey || computedPicoUsd === 0n;
}
