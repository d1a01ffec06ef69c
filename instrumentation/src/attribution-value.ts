/** Characters of one value; what is longer is cut. */
const MAX_VALUE = 256;
/** Control characters end lines and hide in logs. */
// oxlint-disable-next-line no-control-regex
const INVALID = /[\u0000-\u001f\u007f-\u009f\ud800-\udfff\ufffd]/u;

/** What may be written of a value that attributes a call; undefined where it is no text, blank, or not valid. */
export function attributionValue(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const cut = value.length > MAX_VALUE ? cutText(value) : value;
  return cut.trim() === '' || INVALID.test(cut) ? undefined : cut;
}

function cutText(value: string): string {
  const last = value.charCodeAt(MAX_VALUE - 1);
  return value.slice(0, last >= 0xd800 && last <= 0xdbff ? MAX_VALUE - 1 : MAX_VALUE);
}
