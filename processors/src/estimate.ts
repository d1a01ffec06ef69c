import type { Call, ContentPart, GenAiSpan, Usage, UsageBucket } from './call.ts';
import { contentText, sizeOfTexts } from './content-text.ts';
import {
  CHARACTER_KEYS,
  CONTENT_KEYS,
  type ContentKeys,
  type EstimateMode,
  type Side,
} from './estimate-keys.ts';
import { knownOperation } from './operations.ts';
import { readCount } from './token-count.ts';
import { encodingOf, tokensOfSize, type Encoding, type TextSize } from './token-rates.ts';

/** A real tokenizer, bounded by whoever provides it. */
export interface TokenCounter {
  /** A new batch begins: what counting has cost so far is forgotten. */
  begin(): void;
  /** Tokens of a text; null where that tokenizer is not there, or the batch has had its share of work. */
  count(encoding: Encoding, text: string): number | null;
}

/** Completes the usage of calls that report none. */
export interface UsageEstimator {
  /** Before the calls of a batch. */
  begin(): void;
  /**
   * Fills the sides that the call must have and does not report, and marks the call `estimated`; never changes
   * a count that is there. False, and nothing changed, where a side cannot be estimated.
   */
  complete(call: Call, span: GenAiSpan): boolean;
}

/** [contract] Attribute of an estimated call: the method, as `tokenizer:o200k_base` or `characters`. */
export const ESTIMATE_METHOD = 'spanmeter.usage.estimate';
/** [contract] Attribute of an estimated call: the sides that are estimated, as `input,output` or `output`. */
export const ESTIMATE_SIDES = 'spanmeter.usage.estimate.sides';

/** Bytes of content that are read of one value; longer ones are taken to go on as they began. */
const MAX_READ_BYTES = 262_144;
/** Characters of one side that are tokenised; longer ones likewise. */
const MAX_TOKENISED = 65_536;
/** Far above any model's context; counts beyond are no text. */
const MAX_CHARACTERS = 1e9;

/** OpenAI's chat format: three tokens around each message and one for its role, three before the answer. */
const PER_MESSAGE = 4;
const PER_REQUEST = 3;

const SIDES: readonly Side[] = ['input', 'output'];

/** The buckets that are parts of a side's total. */
const PARTS: Readonly<Record<Side, readonly UsageBucket[]>> = {
  input: ['cache_read', 'cache_read_audio', 'cache_write_5m', 'cache_write_1h', 'input_audio', 'input_image'],
  output: ['reasoning', 'output_audio', 'output_image'],
};

interface Estimate {
  readonly tokens: number;
  readonly method: string;
}

/** The sides that this kind of call always has. */
function sidesOf(call: Call): readonly Side[] | null {
  const operation = knownOperation(call.operation);
  if (operation === null || operation.generates) return SIDES;
  return operation.name === 'embeddings' ? ['input'] : null;
}

function sentSize(span: GenAiSpan, side: Side): TextSize | null {
  const keys = CHARACTER_KEYS[side];
  const read = (key: string): number | null => readCount(span.attributes.get(key)) ?? null;
  const characters = read(keys.characters);
  if (characters === null || characters > MAX_CHARACTERS) return null;
  const symbols = Math.min(read(keys.symbols) ?? 0, characters);
  return { characters, symbols, wide: Math.min(read(keys.wide) ?? 0, characters - symbols) };
}

/** Names of what is said, at the end of an indexed key such as `gen_ai.prompt.0.content`. */
const INDEXED_TEXT = /\.(?:content|text|name|arguments|refusal|json_schema)$/;
const DIGIT = /\d/;
const INDEXED_MEDIA = /(?:^|[._])(?:image|audio|file|video)(?:[._]|$)/;

function isOf(way: ContentKeys, key: string): boolean {
  // `gen_ai.prompt.0.content` is content, `gen_ai.prompt.name` is not.
  return (
    way.keys.includes(key) ||
    way.prefixes.some((prefix) => key.startsWith(prefix) && DIGIT.test(key.charAt(prefix.length)))
  );
}

/** What a side says in the first way that the span uses; null where it says nothing, or more than text. */
interface Said {
  readonly texts: readonly string[];
  readonly messages: number;
  /** How much longer the content is than what was read of it. */
  readonly scale: number;
}

function readSaid(parts: readonly ContentPart[], way: ContentKeys): Said | 'media' {
  const texts: string[] = [];
  let messages = 0;
  let read = 0;
  let all = 0;
  for (const part of parts) {
    const indexed = !way.keys.includes(part.key);
    if (indexed && INDEXED_MEDIA.test(part.key)) return 'media';
    if (indexed && part.key.endsWith('.role')) messages++;
    if (indexed && !INDEXED_TEXT.test(part.key)) continue;
    const found = contentText(part.text(MAX_READ_BYTES));
    if (found.media) return 'media';
    for (const text of found.texts) texts.push(text);
    messages += found.messages;
    read += Math.min(part.bytes, MAX_READ_BYTES);
    all += part.bytes;
  }
  return { texts, messages, scale: read === 0 ? 1 : all / read };
}

function saidBy(span: GenAiSpan, side: Side): Said | 'media' | null {
  const content = span.content;
  if (content === undefined || content.parts.length === 0) return null;
  for (const way of CONTENT_KEYS[side]) {
    const parts = content.parts.filter((part) => isOf(way, part.key));
    if (parts.length === 0) continue;
    // What was left out may be anything.
    return content.complete ? readSaid(parts, way) : 'media';
  }
  return null;
}

/** Tokens of texts by a tokenizer; a text past the bound is taken to go on as it began. */
function tokenised(counter: TokenCounter, encoding: Encoding, texts: readonly string[]): number | null {
  let tokens = 0;
  let counted = 0;
  let all = 0;
  for (const text of texts) {
    all += text.length;
    const room = MAX_TOKENISED - counted;
    if (room <= 0 || text === '') continue;
    const head = text.length > room ? text.slice(0, room) : text;
    const found = counter.count(encoding, head);
    if (found === null) return null;
    tokens += found;
    counted += head.length;
  }
  return counted === 0 ? 0 : (tokens * all) / counted;
}

function ofContent(
  said: Said,
  side: Side,
  call: Call,
  model: string,
  counter: TokenCounter | null,
): Estimate {
  const encoding = encodingOf(call.provider, model);
  const exact = encoding === null || counter === null ? null : tokenised(counter, encoding, said.texts);
  const framed = encoding !== null && side === 'input' && knownOperation(call.operation)?.generates === true;
  const frame = framed ? Math.max(1, said.messages) * PER_MESSAGE + PER_REQUEST : 0;
  if (exact !== null) {
    return { tokens: Math.ceil(exact * said.scale) + frame, method: `tokenizer:${String(encoding)}` };
  }
  const tokens = tokensOfSize(sizeOfTexts(said.texts), call.provider, model);
  return { tokens: Math.ceil(tokens * said.scale) + frame, method: 'characters' };
}

function putSide(call: Call, side: Side, tokens: number): void {
  let parts = 0;
  for (const bucket of PARTS[side]) parts += Number(call.usage[bucket] ?? 0);
  // Reasoning is not in the text that was seen, so it comes on top; cached input is a part of the text.
  const total = side === 'output' ? tokens + parts : Math.max(tokens, parts);
  const usage: Usage = { ...call.usage, [side]: String(total - parts) };
  call.usage = usage;
  if (side === 'input') call.inputTokens = total;
  else call.outputTokens = total;
}

/** Makes the estimator of a mode; without a tokenizer everything goes by characters. */
export function createUsageEstimator(
  mode: Exclude<EstimateMode, 'off'>,
  counter: TokenCounter | null = null,
): UsageEstimator {
  const estimate = (call: Call, span: GenAiSpan, side: Side): Estimate | null => {
    const model = call.responseModel ?? call.requestModel ?? '';
    const said = mode === 'content' ? saidBy(span, side) : null;
    if (said === 'media') return null;
    if (said !== null) return ofContent(said, side, call, model, counter);
    const size = sentSize(span, side);
    return size === null ? null : { tokens: tokensOfSize(size, call.provider, model), method: 'characters' };
  };

  return {
    begin: () => counter?.begin(),
    complete(call, span) {
      // Counts that may be split in several ways leave nothing certain to complete.
      if (call.errorType !== null || call.usageAlternatives.length > 0) return false;
      const missing = sidesOf(call)?.filter(
        (side) => (side === 'input' ? call.inputTokens : call.outputTokens) === null,
      );
      if (missing === undefined || missing.length === 0) return false;
      const found: (readonly [Side, Estimate])[] = [];
      for (const side of missing) {
        const one = estimate(call, span, side);
        if (one === null) return false;
        found.push([side, one]);
      }
      for (const [side, { tokens }] of found) putSide(call, side, tokens);
      call.usageSource = 'estimated';
      call.attributes = {
        ...call.attributes,
        [ESTIMATE_METHOD]: [...new Set(found.map(([, { method }]) => method))].join(','),
        [ESTIMATE_SIDES]: missing.join(','),
      };
      return true;
    },
  };
}
