import type { Attributes } from '@opentelemetry/api';
import type { CallKind, Operation, StreamReader } from '../../adapter.ts';
import type { Message } from '../../content.ts';
import { asObject, listIn, objectsIn, putString, type Json } from '../../json.ts';
import { serverOf } from '../../provider.ts';
import { ATTR_REQUEST_STREAM, ATTR_RESPONSE_ID, ATTR_RESPONSE_MODEL } from '../../semconv.ts';
import { TextSize } from '../../text-size.ts';
import { putFinishReasons } from '../finish-reasons.ts';
import { putSettings, requestAttributes } from '../request-attributes.ts';
import { GEMINI_CONTENT, StreamedCandidates } from './gemini-content.ts';
import { addPart, geminiRequestSize, geminiResponseSize } from './gemini-size.ts';
import { putGeminiUsage, putSearches } from './gemini-usage.ts';

/** The location in a model's resource name, which goes before that of the client. */
const MODEL_LOCATION = /(?:^|\/)locations\/([^/]+)\//;

/** Who is asked, where, and for which model. `resource` holds the SDK's client for HTTP. */
export function whereAndWhat(resource: unknown, model: unknown, operation: Operation): Attributes {
  const holder = asObject(resource);
  const options = asObject(asObject(holder?.['apiClient'] ?? holder?.['parentClient'])?.['clientOptions']);
  const isVertex = options?.['vertexai'] === true;
  const server = serverOf(asObject(options?.['httpOptions'])?.['baseUrl']);
  const provider = isVertex ? 'gcp.vertex_ai' : 'gcp.gemini';
  const attributes = requestAttributes(operation, provider, model, server);
  if (isVertex) {
    const named = typeof model === 'string' ? MODEL_LOCATION.exec(model)?.[1] : undefined;
    putString(attributes, 'gcp.location', named ?? options['location']);
  }
  return attributes;
}

/** The config's fields that the conventions have names for. */
const SETTINGS: Readonly<Record<string, string>> = {
  maxOutputTokens: 'gen_ai.request.max_tokens',
  temperature: 'gen_ai.request.temperature',
  topP: 'gen_ai.request.top_p',
  topK: 'gen_ai.request.top_k',
  candidateCount: 'gen_ai.request.choice.count',
  seed: 'gen_ai.request.seed',
};

function request(resource: unknown, params: unknown): Attributes {
  const body = asObject(params);
  const config = asObject(body?.['config']);
  const attributes = whereAndWhat(resource, body?.['model'], 'generate_content');
  putSettings(attributes, SETTINGS, config);
  putString(attributes, 'gen_ai.request.service_tier', config?.['serviceTier']);
  return attributes;
}

/** What was searched for; entries of no text are there too, and are not charged. */
function searchQueries(body: Json): unknown[] {
  return objectsIn(body['candidates'])
    .flatMap(({ groundingMetadata }) => listIn(asObject(groundingMetadata)?.['webSearchQueries']))
    .filter((query) => query !== '');
}

/** Where Google says at which tier it served a request; a busy priority tier serves at the standard one. */
const TIER_HEADER = 'x-gemini-service-tier';

function putIdentity(attributes: Attributes, body: Json): void {
  putString(attributes, ATTR_RESPONSE_ID, body['responseId']);
  putString(attributes, ATTR_RESPONSE_MODEL, body['modelVersion']);
  const headers = asObject(asObject(body['sdkHttpResponse'])?.['headers']);
  putString(attributes, 'gen_ai.response.service_tier', headers?.[TIER_HEADER]);
}

/** Why each candidate ended, or why the prompt got none. */
function reasonsOf(body: Json): string[] {
  const reasons = objectsIn(body['candidates']).map(({ finishReason }) => finishReason);
  return [...reasons, asObject(body['promptFeedback'])?.['blockReason']].filter(
    (reason) => typeof reason === 'string',
  );
}

function response(parsed: unknown, params: unknown): Attributes {
  const body = asObject(parsed);
  const attributes: Attributes = {};
  if (body === undefined) return attributes;
  putIdentity(attributes, body);
  putGeminiUsage(attributes, asObject(body['usageMetadata']), true);
  putFinishReasons(attributes, reasonsOf(body));
  putSearches(
    attributes,
    new Set(searchQueries(body)).size,
    body['modelVersion'] ?? asObject(params)?.['model'],
  );
  return attributes;
}

/** More searches than any prompt makes. */
const MAX_SEARCHES = 1000;

/** Usage comes with every chunk and grows: the last one told is the total. */
class ContentStreamReader implements StreamReader {
  #first: Json | undefined;
  #usage: Json | undefined;
  #reasons: string[] = [];
  readonly #searches = new Set<unknown>();
  readonly #received = new TextSize();
  readonly #said: StreamedCandidates | undefined;

  constructor(capture: boolean) {
    this.#said = capture ? new StreamedCandidates() : undefined;
  }

  read(chunk: unknown): boolean {
    const body = asObject(chunk);
    if (body === undefined) return false;
    this.#first ??= body;
    this.#usage = asObject(body['usageMetadata']) ?? this.#usage;
    const reasons = reasonsOf(body);
    if (reasons.length > 0) this.#reasons = reasons;
    for (const query of searchQueries(body)) {
      if (this.#searches.size < MAX_SEARCHES) this.#searches.add(query);
    }
    this.#said?.add(body);
    const parts = objectsIn(body['candidates']).flatMap(({ content }) =>
      objectsIn(asObject(content)?.['parts']),
    );
    for (const part of parts) addPart(this.#received, part);
    return parts.some(({ text }) => text !== '');
  }

  received(): TextSize {
    return this.#received;
  }

  messages(): readonly Message[] {
    return this.#said?.messages() ?? [];
  }

  attributes(): Attributes {
    const attributes: Attributes = {};
    if (this.#first === undefined) return attributes;
    putIdentity(attributes, this.#first);
    putGeminiUsage(attributes, this.#usage, this.#reasons.length > 0);
    putFinishReasons(attributes, this.#reasons);
    putSearches(attributes, this.#searches.size, this.#first['modelVersion']);
    return attributes;
  }
}

/** One request of `generateContent`: each hop of a function-calling loop or a continuation is one. */
export const GENERATE: CallKind = {
  operation: 'generate_content',
  request,
  response,
  requestSize: geminiRequestSize,
  responseSize: geminiResponseSize,
  content: GEMINI_CONTENT,
};

/** One request of `generateContentStream`. */
export const GENERATE_STREAM: CallKind = {
  ...GENERATE,
  request: (resource, body) => ({ ...request(resource, body), [ATTR_REQUEST_STREAM]: true }),
  stream: (capture) => new ContentStreamReader(capture),
};
