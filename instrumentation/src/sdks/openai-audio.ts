import type { Attributes } from '@opentelemetry/api';
import type { CallKind, Operation, StreamReader } from '../adapter.ts';
import { asObject, putCount, type Json } from '../json.ts';
import { ATTR_AUDIO_SECONDS, ATTR_INPUT_CHARACTERS, ATTR_REQUEST_STREAM } from '../semconv.ts';
import { TextSize } from '../text-size.ts';
import { openaiRequest } from './openai-client.ts';
import { putIdentity, putTokenUsage } from './openai-usage.ts';

/** Longer texts than any API speaks are not counted. */
const MAX_SPOKEN = 1_000_000;

/** Characters as they are charged: a surrogate pair is one. */
export function charactersOf(text: string): number {
  let count = text.length;
  for (let i = 1; i < text.length; i += 1) {
    const low = text.charCodeAt(i) & 0xfc00;
    if (low === 0xdc00 && (text.charCodeAt(i - 1) & 0xfc00) === 0xd800) count -= 1;
  }
  return count;
}

/**
 * Speech: paid by the characters of the request. The answer is sound, which stays the app's unread, and with it the
 * usage of models that are paid by tokens.
 */
export function speechKind(vendor: string): CallKind {
  return {
    operation: 'speech',
    request: (resource, params) => openaiRequest(resource, asObject(params) ?? {}, 'speech', vendor),
    response: () => ({}),
    charged: (params) => {
      const text = asObject(params)?.['input'];
      if (typeof text !== 'string' || text.length > MAX_SPOKEN) return {};
      return { [ATTR_INPUT_CHARACTERS]: charactersOf(text) };
    },
  };
}

/** A transcript is paid by tokens or by the length of the sound, which verbose ones tell beside the usage. */
function putTranscriptUsage(attributes: Attributes, body: Json): void {
  const usage = asObject(body['usage']);
  putTokenUsage(attributes, usage, body['model']);
  if (usage?.['type'] === 'tokens') return;
  const duration = typeof body['duration'] === 'string' ? Number(body['duration']) : body['duration'];
  putCount(attributes, ATTR_AUDIO_SECONDS, usage?.['seconds'], duration);
}

function response(parsed: unknown): Attributes {
  const body = asObject(parsed);
  const attributes: Attributes = {};
  if (body === undefined) return attributes;
  putIdentity(attributes, body);
  putTranscriptUsage(attributes, body);
  return attributes;
}

/** Reads the events of a transcript; the last one tells the usage. */
class TranscriptStreamReader implements StreamReader {
  #done: Json | undefined;
  readonly #received = new TextSize();

  read(chunk: unknown): boolean {
    const event = asObject(chunk);
    if (event === undefined) return false;
    if (asObject(event['usage']) !== undefined) this.#done = event;
    const delta = event['delta'];
    if (typeof delta !== 'string' || delta === '') return false;
    this.#received.add(delta);
    return true;
  }

  attributes(): Attributes {
    const attributes: Attributes = {};
    if (this.#done !== undefined) putTranscriptUsage(attributes, this.#done);
    return attributes;
  }

  received(): TextSize {
    return this.#received;
  }
}

function textKind(vendor: string, operation: Operation): CallKind {
  return {
    operation,
    request: (resource, params) => {
      const body = asObject(params) ?? {};
      const attributes = openaiRequest(resource, body, operation, vendor);
      if (body['stream'] === true) attributes[ATTR_REQUEST_STREAM] = true;
      return attributes;
    },
    response,
    stream: () => new TranscriptStreamReader(),
  };
}

/** Transcripts of sound, streamed or not. */
export function transcriptionKind(vendor: string): CallKind {
  return textKind(vendor, 'transcription');
}

/** Translations of sound into English. */
export function translationKind(vendor: string): CallKind {
  return textKind(vendor, 'translation');
}
