import type { PlainContent } from './plain-content.ts';

/** Content that fits, and whether anything of it was left out for that. */
export interface LimitedContent {
  readonly items: readonly PlainContent[];
  readonly json: string;
  readonly truncated: boolean;
}

/** Texts are not cut shorter than this; then whole items go, the oldest first. */
const MIN_TEXT = 64;

/**
 * `items` as JSON of at most `maxBytes` of UTF-8. Too long a list has its longest texts cut, each saying how much is
 * missing, and if that is not enough its first items left out, `leftOut` standing for them. Undefined where nothing
 * fits.
 */
export function limitContent(
  items: readonly PlainContent[],
  maxBytes: number,
  leftOut: (count: number) => PlainContent,
): LimitedContent | undefined {
  // Of a prompt of many megabytes nothing is encoded that cannot fit: a character is a byte at least.
  const lengths: number[] = [];
  addLengths(items, lengths);
  if (lengthAt(lengths, Infinity) <= maxBytes) {
    const whole = JSON.stringify(items);
    if (Buffer.byteLength(whole) <= maxBytes) return { items, json: whole, truncated: false };
  }
  if (lengthAt(lengths, MIN_TEXT) > maxBytes) return withoutFirst(items, maxBytes, leftOut);
  let best = limited(items, MIN_TEXT);
  if (Buffer.byteLength(best.json) > maxBytes) return withoutFirst(items, maxBytes, leftOut);
  // The longest cut at which it fits; below the shortest one, items go.
  let low = MIN_TEXT;
  let high = shortestTooLong(lengths, maxBytes);
  while (low + 1 < high) {
    const middle = Math.floor((low + high) / 2);
    const tried = limited(items, middle);
    if (Buffer.byteLength(tried.json) <= maxBytes) {
      low = middle;
      best = tried;
    } else high = middle;
  }
  return best;
}

function addLengths(value: PlainContent, lengths: number[]): void {
  if (typeof value === 'string') lengths.push(value.length);
  else if (typeof value === 'object' && value !== null) {
    for (const one of Object.values<PlainContent>(value)) addLengths(one, lengths);
  }
}

/** Characters of all texts when none is longer than `cut`. */
function lengthAt(lengths: readonly number[], cut: number): number {
  let sum = 0;
  for (const length of lengths) sum += Math.min(length, cut);
  return sum;
}

/** A cut at which the texts alone are too long, or beyond what any of them may have. */
function shortestTooLong(lengths: readonly number[], maxBytes: number): number {
  let low = MIN_TEXT;
  let high = Math.max(MIN_TEXT, maxBytes) + 1;
  while (low + 1 < high) {
    const middle = Math.floor((low + high) / 2);
    if (lengthAt(lengths, middle) > maxBytes) high = middle;
    else low = middle;
  }
  return high;
}

function limited(items: readonly PlainContent[], maxText: number): LimitedContent {
  const cut = items.map((item) => cutTexts(item, maxText));
  return { items: cut, json: JSON.stringify(cut), truncated: true };
}

function cutTexts(value: PlainContent, maxText: number): PlainContent {
  if (typeof value === 'string') return cutText(value, maxText);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item: PlainContent) => cutTexts(item, maxText));
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, cutTexts(one, maxText)]));
}

function cutText(value: string, maxText: number): string {
  if (value.length <= maxText) return value;
  const last = value.charCodeAt(maxText - 1);
  // Half of a pair is no character.
  const end = last >= 0xd800 && last <= 0xdbff ? maxText - 1 : maxText;
  const cut = `${value.slice(0, end)}… [${value.length - end} characters left out]`;
  return cut.length < value.length ? cut : value;
}

function withoutFirst(
  items: readonly PlainContent[],
  maxBytes: number,
  leftOut: (count: number) => PlainContent,
): LimitedContent | undefined {
  const markBytes = Buffer.byteLength(JSON.stringify(leftOut(items.length)));
  let room = maxBytes - markBytes - '[]'.length;
  let kept = items.length;
  while (kept > 0) {
    const item = cutTexts(items[kept - 1] ?? null, MIN_TEXT);
    const bytes = Buffer.byteLength(JSON.stringify(item)) + ','.length;
    if (bytes > room) break;
    room -= bytes;
    kept -= 1;
  }
  const result = [leftOut(kept), ...items.slice(kept).map((item) => cutTexts(item, MIN_TEXT))];
  const json = JSON.stringify(result);
  return Buffer.byteLength(json) <= maxBytes ? { items: result, json, truncated: true } : undefined;
}
