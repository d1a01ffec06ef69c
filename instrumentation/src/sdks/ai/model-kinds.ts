import type { Attributes } from '@opentelemetry/api';
import type { CallKind, Operation } from '../../adapter.ts';
import { asObject, putCount, putNumber, putPart, putString, type Json } from '../../json.ts';
import {
  ATTR_AUDIO_OUTPUT_TOKENS,
  ATTR_AUDIO_SECONDS,
  ATTR_INPUT_CHARACTERS,
  ATTR_OUTPUT_TOKENS,
  ATTR_REQUEST_STREAM,
  ATTR_REQUESTS,
  ATTR_USAGE_DEFERRED,
} from '../../semconv.ts';
import { sizeOfParts } from '../../text-size.ts';
import { charactersOf } from '../openai-audio.ts';
import { bodyOf, putAnswer } from './model-answer.ts';
import { putImages } from './model-charges.ts';
import { MODEL_CONTENT } from './model-content.ts';
import { putModel } from './model-identity.ts';
import { ModelStreamReader } from './model-stream.ts';
import { SoundStreamReader, type PutFinish } from './sound-stream.ts';

/** What a model object is for: the SDK has one interface for each. */
export type ModelRole =
  'language' | 'embedding' | 'image' | 'speech' | 'transcription' | 'reranking' | 'decision' | 'extraction';

/** A method of a model, and how its calls are read. */
export interface ModelMethod {
  readonly name: string;
  readonly kind: (model: unknown) => CallKind;
}

function requestOf(model: unknown): Attributes {
  const attributes: Attributes = {};
  putModel(attributes, model);
  return attributes;
}

/** `maxTokens` in version 4, `maxOutputTokens` since. */
function languageRequest(model: unknown, params: unknown, stream: boolean): Attributes {
  const options = asObject(params) ?? {};
  const attributes = requestOf(model);
  if (stream) attributes[ATTR_REQUEST_STREAM] = true;
  putNumber(attributes, 'gen_ai.request.max_tokens', options['maxOutputTokens'] ?? options['maxTokens']);
  putNumber(attributes, 'gen_ai.request.temperature', options['temperature']);
  putNumber(attributes, 'gen_ai.request.top_p', options['topP']);
  putNumber(attributes, 'gen_ai.request.top_k', options['topK']);
  putNumber(attributes, 'gen_ai.request.frequency_penalty', options['frequencyPenalty']);
  putNumber(attributes, 'gen_ai.request.presence_penalty', options['presencePenalty']);
  putNumber(attributes, 'gen_ai.request.seed', options['seed']);
  const asked = asObject(options['providerOptions']);
  const tier = asObject(asked?.['openai'])?.['serviceTier'];
  if (tier !== 'auto') putString(attributes, 'openai.request.service_tier', tier);
  putString(attributes, 'gen_ai.request.service_tier', asObject(asked?.['google'])?.['serviceTier']);
  return attributes;
}

function answerOf(model: unknown, result: unknown): Attributes {
  const attributes: Attributes = {};
  const answer = asObject(result);
  if (answer !== undefined) putAnswer(attributes, model, answer);
  return attributes;
}

/** The prompt has no tools in it; version 4 keeps them in `mode`. */
const REQUEST_PARTS = ['prompt', 'tools', 'mode'];
/** `content` since version 5. */
const RESPONSE_PARTS = ['text', 'reasoning', 'toolCalls', 'content'];

function language(model: unknown, stream: boolean): CallKind {
  const kind: CallKind = {
    operation: 'chat',
    request: (resource, params) => languageRequest(resource, params, stream),
    response: (result) => answerOf(model, result),
    requestSize: (params) => sizeOfParts(params, REQUEST_PARTS),
    responseSize: (result) => sizeOfParts(result, RESPONSE_PARTS),
    content: MODEL_CONTENT,
  };
  if (!stream) return kind;
  return {
    ...kind,
    stream: (capture) => new ModelStreamReader(model, capture),
    streamOf: (result) => asObject(result)?.['stream'],
  };
}

function simple(
  operation: Operation,
  more: (attributes: Attributes, result: Json, params: Json) => void,
  requestParts?: readonly string[],
): ModelMethod['kind'] {
  return (model) => ({
    operation,
    request: requestOf,
    response: (result, params) => {
      const attributes = answerOf(model, result);
      more(attributes, asObject(result) ?? {}, asObject(params) ?? {});
      return attributes;
    },
    ...(requestParts === undefined ? {} : { requestSize: (params) => sizeOfParts(params, requestParts) }),
  });
}

const NO_MORE = (): void => undefined;

/** Cohere tells its searches in the body, which the SDK passes on. */
function putSearchUnits(attributes: Attributes, result: Json): void {
  const meta = asObject(asObject(asObject(result['response'])?.['body'])?.['meta']);
  putCount(attributes, ATTR_REQUESTS, asObject(meta?.['billed_units'])?.['search_units']);
}

/** Priced by what is to be said. */
function putCharacters(attributes: Attributes, _result: Json, params: Json): void {
  const { text } = params;
  if (typeof text === 'string') attributes['spanmeter.usage.input_characters'] = charactersOf(text);
}

/** Tokens, where those are what is paid for, else the seconds that are: not always those of the sound. */
function putSeconds(attributes: Attributes, result: Json): void {
  const usage = asObject(bodyOf(result)?.['usage']) ?? asObject(result['usage']);
  if (usage?.['type'] === 'tokens') return;
  putCount(attributes, ATTR_AUDIO_SECONDS, usage?.['seconds'], result['durationInSeconds']);
}

/** A stream of sound, or of what was said. */
function sounding(operation: Operation, put: PutFinish): ModelMethod['kind'] {
  return (model) => ({
    operation,
    request: (resource) => ({ ...requestOf(resource), [ATTR_REQUEST_STREAM]: true }),
    response: (result) => answerOf(model, result),
    stream: () => new SoundStreamReader(model, put),
    streamOf: (result) => asObject(result)?.['stream'],
  });
}

/** Transcripts have their provider's own usage, as the body has it of one that is no stream. */
const putTranscript: PutFinish = (attributes, model, { usage, ...told }, response) => {
  const answer = { ...told, response: { ...response, body: { usage } } };
  putAnswer(attributes, model, answer);
  putSeconds(attributes, answer);
};

/** Speech has the SDK's words for it: its text comes as a stream, too, so that nobody else has counted it. */
const putSpeech: PutFinish = (attributes, model, finish, response) => {
  putAnswer(attributes, model, { ...finish, response });
  const made = attributes[ATTR_OUTPUT_TOKENS];
  if (made === undefined)
    putCount(attributes, ATTR_INPUT_CHARACTERS, asObject(finish['usage'])?.['inputCharacters']);
  else putPart(attributes, ATTR_AUDIO_OUTPUT_TOKENS, made);
};

const TRANSCRIPT = simple('transcription', putSeconds);

/** Where a provider does not take a URL it gives nothing, and is asked again with the sound. */
function transcriptFromUrl(model: unknown): CallKind {
  const kind = TRANSCRIPT(model);
  return {
    ...kind,
    response: (result, ...given) =>
      asObject(result) === undefined ? { [ATTR_USAGE_DEFERRED]: true } : kind.response(result, ...given),
  };
}

const IMAGE = simple('image_generation', putImages);

/**
 * Images of Gemini are made by its language model, which the image model asks (`@ai-sdk/google@3` doGenerateGemini):
 * where that one is told, this is the same request.
 */
function image(model: unknown): CallKind {
  const kind = IMAGE(model);
  const { modelId } = asObject(model) ?? {};
  const isGemini = typeof modelId === 'string' && modelId.includes('gemini-');
  return isGemini ? { ...kind, operation: 'chat', layer: true } : kind;
}

const DO_GENERATE = 'doGenerate';
const DO_STREAM = 'doStream';

/** Methods of each kind of model: the one place that all of the SDK's functions and agents go through. */
export const MODEL_METHODS: Readonly<Record<ModelRole, readonly ModelMethod[]>> = {
  language: [
    { name: DO_GENERATE, kind: (model) => language(model, false) },
    { name: DO_STREAM, kind: (model) => language(model, true) },
  ],
  embedding: [{ name: 'doEmbed', kind: simple('embeddings', NO_MORE, ['values']) }],
  image: [{ name: DO_GENERATE, kind: image }],
  speech: [
    { name: DO_GENERATE, kind: simple('speech', putCharacters) },
    { name: DO_STREAM, kind: sounding('speech', putSpeech) },
  ],
  transcription: [
    { name: DO_GENERATE, kind: TRANSCRIPT },
    { name: 'doGenerateFromUrl', kind: transcriptFromUrl },
    { name: DO_STREAM, kind: sounding('transcription', putTranscript) },
  ],
  // `doEvaluate` is what it was called at first.
  decision: [
    { name: 'doDecide', kind: simple('chat', NO_MORE) },
    { name: 'doEvaluate', kind: simple('chat', NO_MORE) },
  ],
  extraction: [{ name: 'doExtract', kind: simple('chat', NO_MORE) }],
  reranking: [{ name: 'doRerank', kind: simple('rerank', putSearchUnits, ['query', 'documents']) }],
};
