import type { Attributes } from '@opentelemetry/api';
import { asObject, listIn, putNumber, putString, type Json } from '../../json.ts';
import {
  ATTR_CACHE_READ_TOKENS,
  ATTR_INPUT_TOKENS,
  ATTR_OUTPUT_TOKENS,
  ATTR_RESPONSE_ID,
  ATTR_RESPONSE_MODEL,
} from '../../semconv.ts';
import { putMessageUsage } from '../anthropic/message-usage.ts';
import { uncharge } from '../anthropic/refusals.ts';
import { putFinishReason } from '../finish-reasons.ts';
import { putConverseUsage } from './converse-usage.ts';

/** Bytes of a body, or of one chunk of a stream, that are decoded; larger ones are images and embeddings. */
const MAX_DECODED_BYTES = 8 * 1024 * 1024;

/** A body as JSON; undefined where it is too large or none. */
export function jsonOf(body: unknown): Json | undefined {
  try {
    if (typeof body === 'string') {
      return body.length > MAX_DECODED_BYTES ? undefined : asObject(JSON.parse(body));
    }
    if (!(body instanceof Uint8Array) || body.length === 0 || body.length > MAX_DECODED_BYTES)
      return undefined;
    const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
    return asObject(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** The text counts of `key` in a list of results, added up. */
function sumOf(list: unknown, key: string): number | undefined {
  let sum: number | undefined;
  for (const each of listIn(list)) {
    const count = asObject(each)?.[key];
    if (typeof count === 'number') sum = (sum ?? 0) + count;
  }
  return sum;
}

function putUsage(attributes: Attributes, usage: Json): void {
  if (usage['input_tokens'] !== undefined) putMessageUsage(attributes, usage, true);
  putConverseUsage(attributes, usage);
  // The format of OpenAI, whose input includes what was cached.
  putNumber(attributes, ATTR_INPUT_TOKENS, usage['prompt_tokens']);
  putNumber(attributes, ATTR_OUTPUT_TOKENS, usage['completion_tokens']);
  const details = asObject(usage['prompt_tokens_details']);
  putNumber(attributes, ATTR_CACHE_READ_TOKENS, details?.['cached_tokens']);
}

/** Where the vendors keep the reason why a model stopped, in a body or in its first result. */
const REASONS = ['stop_reason', 'stopReason', 'completionReason', 'finish_reason'];
const RESULTS = ['results', 'outputs', 'choices', 'generations'];

function reasonOf(body: Json): string | undefined {
  const results = RESULTS.map((name) => asObject(listIn(body[name])[0]));
  for (const holder of [body, ...results]) {
    for (const name of REASONS) {
      const reason = holder?.[name];
      if (typeof reason === 'string') return reason;
    }
  }
  return undefined;
}

/**
 * What a model's own body tells, or one chunk of a stream of them. Bodies are told apart by what is in them and not
 * by the model's name, since an ARN hides it: Anthropic, Amazon (Nova and Titan), Meta, Mistral, Cohere, OpenAI and
 * those with its format.
 */
export function bodyAttributes(body: Json): Attributes {
  const attributes: Attributes = {};
  putString(attributes, ATTR_RESPONSE_ID, body['id'] ?? body['response_id']);
  putString(attributes, ATTR_RESPONSE_MODEL, body['model']);
  putNumber(attributes, ATTR_INPUT_TOKENS, body['prompt_token_count'] ?? body['inputTextTokenCount']);
  const output = body['generation_token_count'] ?? body['totalOutputTextTokenCount'];
  putNumber(attributes, ATTR_OUTPUT_TOKENS, output ?? sumOf(body['results'], 'tokenCount'));
  const usage = asObject(body['usage']);
  if (usage !== undefined) putUsage(attributes, usage);
  const billed = asObject(asObject(body['meta'])?.['billed_units']);
  putNumber(attributes, ATTR_INPUT_TOKENS, billed?.['input_tokens']);
  putNumber(attributes, ATTR_OUTPUT_TOKENS, billed?.['output_tokens']);
  putFinishReason(attributes, reasonOf(body));
  uncharge(attributes, body);
  return attributes;
}

/** Where the vendors keep the text that a model wrote, in a body or a chunk. */
const TEXTS = ['generation', 'outputText', 'text', 'completion'];

/** The text that a model wrote. */
export function writtenText(body: Json): string {
  let written = '';
  const add = (holder: Json | undefined): void => {
    for (const name of TEXTS) {
      const text = holder?.[name];
      if (typeof text === 'string') written += text;
    }
    const said = asObject(holder?.['delta'] ?? holder?.['message'])?.['content'];
    if (typeof said === 'string') written += said;
  };
  add(body);
  for (const name of [...RESULTS, 'content']) for (const each of listIn(body[name])) add(asObject(each));
  return written;
}

/** Bedrock's own counts in the last chunk of a stream. */
export function invocationMetrics(body: Json): Attributes {
  const metrics = asObject(body['amazon-bedrock-invocationMetrics']);
  const attributes: Attributes = {};
  if (metrics === undefined) return attributes;
  putConverseUsage(attributes, {
    ...metrics,
    inputTokens: metrics['inputTokenCount'],
    outputTokens: metrics['outputTokenCount'],
  });
  return attributes;
}
