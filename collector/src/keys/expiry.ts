const UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const ISO_INSTANT = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2}))?$/;

/**
 * Reads `12h`, `90d`, `8w`, a date (its midnight in UTC) or an ISO instant with its offset.
 * Null where the text is none of these, or not after `now`.
 */
export function parseExpiry(text: string, now: Date): Date | null {
  const relative = /^([1-9]\d{0,4})([hdw])$/.exec(text);
  const unitMs = UNIT_MS[relative?.[2] ?? ''];
  if (relative !== null && unitMs !== undefined)
    return new Date(now.getTime() + Number(relative[1]) * unitMs);
  if (!ISO_INSTANT.test(text)) return null;
  const at = new Date(text);
  return Number.isNaN(at.getTime()) || at.getTime() <= now.getTime() ? null : at;
}
