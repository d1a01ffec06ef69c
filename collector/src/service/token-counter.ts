import type { Encoding, TokenCounter } from '@spanmeter/processors';
import type { Config } from '../config/config.ts';
import { cost } from '../processors/cost.ts';
import { componentOf, tracesPipeline } from './processing.ts';

/** A piece of text without a break for the tokenizer is cut here: its time grows with the square of the piece. */
const MAX_PIECE = 512;

/** How far back a slice looks for a place where the tokenizer breaks anyway. */
const LOOK_BACK = 256;

/**
 * Work of one batch, in squares of bytes without a break: 3 to 5 ns each on one core, for prose as for the worst
 * that can be sent, so that a batch is held up by a fifth of a second at most, or counts over 5 MB of prose.
 */
const MAX_BATCH_WORK = 50_000_000;

/** Merges of frequent pieces that a tokenizer keeps; each may hold a piece of text. */
const MERGE_CACHE = 10_000;

/** Counts the tokens of one short text. */
type Count = (text: string) => number;

/** Reads the tokenizers that estimates from content need, and none where nothing asks for them. */
export async function loadTokenCounter(config: Config): Promise<TokenCounter | null> {
  const { processors } = tracesPipeline(config);
  const mode = componentOf(processors, config.processors, cost)?.options.estimate_missing_usage;
  return mode === 'content' ? openTokenCounter() : null;
}

/** Both public tokenizers of OpenAI, 100 to 200 MB of memory together. */
export async function openTokenCounter(): Promise<TokenCounter> {
  const [o200k, cl100k] = await Promise.all([
    import('gpt-tokenizer/encoding/o200k_base'),
    import('gpt-tokenizer/encoding/cl100k_base'),
  ]);
  o200k.setMergeCacheSize(MERGE_CACHE);
  cl100k.setMergeCacheSize(MERGE_CACHE);
  // Text that looks like a control token is text here.
  const plain = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() };
  return createTokenCounter({
    o200k_base: (text) => o200k.countTokens(text, plain),
    cl100k_base: (text) => cl100k.countTokens(text, plain),
  });
}

/** Bounds tokenizers: what a batch may cost them is limited, however its texts are made. */
export function createTokenCounter(encodings: Readonly<Record<Encoding, Count>>): TokenCounter {
  let left = MAX_BATCH_WORK;
  return {
    begin() {
      left = MAX_BATCH_WORK;
    },
    count(encoding, text) {
      const counting = encodings[encoding];
      let tokens = 0;
      for (let start = 0; start < text.length;) {
        const end = sliceEnd(text, start);
        const slice = text.slice(start, end);
        left -= workOf(slice);
        if (left < 0) return null;
        tokens += counting(slice);
        start = end;
      }
      return tokens;
    },
  };
}

/** The end of the next slice: before a space that follows something else, where a token begins in any case. */
function sliceEnd(text: string, start: number): number {
  const end = start + MAX_PIECE;
  if (end >= text.length) return text.length;
  for (let at = end; at > end - LOOK_BACK; at--) {
    if (
      text[at] === ' ' &&
      isWordCharacter(text.charCodeAt(at - 1)) &&
      isWordCharacter(text.charCodeAt(at + 1))
    )
      return at;
  }
  // Never between the halves of a character.
  return isHighSurrogate(text.charCodeAt(end - 1)) ? end - 1 : end;
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code < 0xdc00;
}

function isWordCharacter(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code >= 0x80;
}

/** The sum of the squares of the runs of like characters, in bytes. */
function workOf(text: string): number {
  let work = 0;
  let run = 0;
  let kind = -1;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const found = isWordCharacter(code) ? 1 : code <= 32 ? 2 : 3;
    if (found !== kind) {
      work += run * run;
      run = 0;
      kind = found;
    }
    run += code < 0x80 ? 1 : code < 0x800 ? 2 : 3;
  }
  return work + run * run;
}
