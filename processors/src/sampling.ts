import type { AttributeValue } from './call.ts';

const THRESHOLD_DIGITS = 14;

/** The share of spans kept that a W3C trace state tells (`ot=th:c` or the older `ot=p:2`); null where none. */
export function ratioOfTraceState(traceState: string): number | null {
  if (!traceState.includes('ot=')) return null;
  const section = /(?:^|,)\s*ot=([^,]*)/.exec(traceState)?.[1];
  if (section === undefined) return null;
  const threshold = /(?:^|;)th:([0-9a-f]{1,14})(?:;|$)/.exec(section)?.[1];
  if (threshold !== undefined) {
    const rejected = Number.parseInt(threshold.padEnd(THRESHOLD_DIGITS, '0'), 16);
    const ratio = 1 - rejected / 2 ** 56;
    return ratio > 0 ? ratio : null;
  }
  const power = /(?:^|;)p:(\d{1,2})(?:;|$)/.exec(section)?.[1];
  return power === undefined || Number(power) > 62 ? null : 2 ** -Number(power);
}

function positive(value: AttributeValue | undefined): number | null {
  const number = typeof value === 'string' || typeof value === 'bigint' ? Number(value) : value;
  return typeof number === 'number' && number > 0 && Number.isFinite(number) ? number : null;
}

/** The share of spans kept: from a ratio attribute, from a rate attribute (one in N), else from the trace state. */
export function samplingRatio(
  ratio: AttributeValue | undefined,
  rate: AttributeValue | undefined,
  traceState: string,
): number | null {
  const share = positive(ratio);
  if (share !== null && share <= 1) return share;
  const oneIn = positive(rate);
  if (oneIn !== null && oneIn >= 1) return 1 / oneIn;
  return traceState === '' ? null : ratioOfTraceState(traceState);
}
