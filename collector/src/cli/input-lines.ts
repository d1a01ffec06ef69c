/** A line of input; null where it is longer than the limit and was passed over. */
export type InputLine = string | null;

const NEWLINE = 0x0a;

/**
 * The lines of a stream in UTF-8, ended by LF or CRLF and by nothing else: JSON may hold U+2028. Of a line over
 * `maxBytes` nothing is kept, so that no input makes a large one here.
 */
export async function* inputLines(
  source: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<InputLine> {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  const take = (part: Uint8Array): void => {
    bytes += part.length;
    if (bytes <= maxBytes) parts.push(part);
    else parts = [];
  };
  const line = (): InputLine => {
    const text = bytes > maxBytes ? null : Buffer.concat(parts).toString('utf8');
    parts = [];
    bytes = 0;
    return text === null ? null : text.replace(/\r$/, '');
  };
  for await (const chunk of source) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      take(chunk.subarray(from, end));
      from = end + 1;
      yield line();
    }
    if (from < chunk.length) take(chunk.subarray(from));
  }
  if (bytes > 0) yield line();
}
