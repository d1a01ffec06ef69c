import type { Attributes } from '@opentelemetry/api';
import type { CallKind, StreamReader } from '../../adapter.ts';
import { asObject, putCount, putString, type Json } from '../../json.ts';
import { ATTR_INPUT_CHARACTERS, ATTR_REQUESTS, ATTR_RESPONSE_MODEL } from '../../semconv.ts';
import { sizeOfParts, TextSize } from '../../text-size.ts';
import { charactersOf } from '../openai-audio.ts';
import { completionResponse } from './completions.ts';
import { mistralRequest } from './mistral-request.ts';

export const EMBEDDINGS: CallKind = {
  operation: 'embeddings',
  request: (resource, body) => mistralRequest(resource, body, 'embeddings', false),
  response: (parsed) => {
    const { 'gen_ai.usage.output_tokens': _none, ...attributes } = completionResponse(parsed);
    return attributes;
  },
  requestSize: (body) => sizeOfParts(body, ['inputs']),
};

export const MODERATION: CallKind = {
  operation: 'moderation',
  request: (resource, body) => mistralRequest(resource, body, 'moderation', false),
  response: completionResponse,
  requestSize: (body) => sizeOfParts(body, ['inputs']),
};

/** Sold by the page. */
export const OCR: CallKind = {
  operation: 'ocr',
  request: (resource, body) => mistralRequest(resource, body, 'ocr', false),
  response: (parsed) => {
    const body = asObject(parsed);
    const attributes: Attributes = {};
    putString(attributes, ATTR_RESPONSE_MODEL, body?.['model']);
    putCount(attributes, ATTR_REQUESTS, asObject(body?.['usageInfo'])?.['pagesProcessed']);
    return attributes;
  },
};

/** Events of transcriptions and of speech, of which the last has what was used. */
class DoneReader implements StreamReader {
  #done: Json | undefined;
  readonly #received = new TextSize();

  read(event: unknown): boolean {
    const data = asObject(asObject(event)?.['data']);
    if (data === undefined) return false;
    if (asObject(data['usage']) !== undefined) this.#done = data;
    if (data['type'] === 'transcription.text.delta') this.#received.addAll(data['text']);
    return typeof data['type'] === 'string' && data['type'].endsWith('.delta');
  }

  received(): TextSize {
    return this.#received;
  }

  attributes(): Attributes {
    return completionResponse(this.#done);
  }
}

function transcription(stream: boolean): CallKind {
  return {
    operation: 'transcription',
    request: (resource, body) => mistralRequest(resource, body, 'transcription', stream),
    response: completionResponse,
    ...(stream ? { stream: () => new DoneReader() } : {}),
  };
}

/** Sold by the second of audio, with tokens of the text beside. */
export const TRANSCRIPTION: CallKind = transcription(false);
export const TRANSCRIPTION_STREAM: CallKind = transcription(true);

/** Sold by the character of the text that is spoken. */
export const SPEECH: CallKind = {
  operation: 'speech',
  request: (resource, params) => {
    const body = asObject(params);
    return mistralRequest(resource, body, 'speech', body?.['stream'] === true);
  },
  response: () => ({}),
  charged: (params) => {
    const text = asObject(params)?.['input'];
    return typeof text === 'string' ? { [ATTR_INPUT_CHARACTERS]: charactersOf(text) } : {};
  },
  stream: () => new SpeechReader(),
};

/** Counts nothing: what is charged for is known from the request. */
class SpeechReader implements StreamReader {
  readonly #received = new TextSize();

  read(): boolean {
    return true;
  }

  received(): TextSize {
    this.#received.addAll({ type: 'audio' });
    return this.#received;
  }

  attributes(): Attributes {
    return {};
  }
}
