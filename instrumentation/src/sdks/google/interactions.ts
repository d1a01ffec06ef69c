import type { Attributes } from '@opentelemetry/api';
import type { CallKind } from '../../adapter.ts';
import { asObject, countOf, objectsIn, putNumber, putString, type Json } from '../../json.ts';
import {
  ATTR_FINISH_REASONS,
  ATTR_OPERATION,
  ATTR_REQUEST_MODEL,
  ATTR_REQUEST_STREAM,
  ATTR_RESPONSE_ID,
  ATTR_RESPONSE_MODEL,
  ATTR_USAGE_DEFERRED,
} from '../../semconv.ts';
import { TextSize } from '../../text-size.ts';
import { MessageReader } from '../message-reader.ts';
import { begunFor, isUnderWay, noteBegun, noteTold, takesUsage } from '../openai-background.ts';
import { putGeminiUsage, putSearches } from './gemini-usage.ts';
import { whereAndWhat } from './gemini.ts';
import { INTERACTION_CONTENT } from './interaction-content.ts';

function request(resource: unknown, params: unknown): Attributes {
  const body = asObject(params);
  const config = asObject(body?.['generation_config']);
  const attributes = whereAndWhat(resource, body?.['model'] ?? body?.['agent'], 'generate_content');
  if (body?.['stream'] === true) attributes[ATTR_REQUEST_STREAM] = true;
  putNumber(attributes, 'gen_ai.request.max_tokens', config?.['max_output_tokens']);
  putNumber(attributes, 'gen_ai.request.temperature', config?.['temperature']);
  putNumber(attributes, 'gen_ai.request.top_p', config?.['top_p']);
  putNumber(attributes, 'gen_ai.request.seed', config?.['seed']);
  putString(attributes, 'gen_ai.request.service_tier', body?.['service_tier']);
  return attributes;
}

/** Counts of an interaction, by the names that `generateContent` has for them. */
const COUNTS: Readonly<Record<string, string>> = {
  promptTokenCount: 'total_input_tokens',
  cachedContentTokenCount: 'total_cached_tokens',
  toolUsePromptTokenCount: 'total_tool_use_tokens',
  candidatesTokenCount: 'total_output_tokens',
  thoughtsTokenCount: 'total_thought_tokens',
  totalTokenCount: 'total_tokens',
};

const DETAILS: Readonly<Record<string, string>> = {
  promptTokensDetails: 'input_tokens_by_modality',
  cacheTokensDetails: 'cached_tokens_by_modality',
  toolUsePromptTokensDetails: 'tool_use_tokens_by_modality',
  candidatesTokensDetails: 'output_tokens_by_modality',
};

/** Usage of all hops together: a continuation is a request of its own, whose input is charged again. */
export function putInteractionUsage(
  attributes: Attributes,
  hops: readonly Json[],
  complete: boolean,
  model: unknown,
): void {
  if (hops.length === 0) return;
  const usage: Record<string, unknown> = {};
  for (const [name, source] of Object.entries(COUNTS)) {
    const counts = hops.map((hop) => countOf(hop[source])).filter((count) => count !== undefined);
    if (counts.length > 0) usage[name] = counts.reduce((sum, count) => sum + count);
  }
  for (const [name, source] of Object.entries(DETAILS)) {
    usage[name] = hops
      .flatMap((hop) => objectsIn(hop[source]))
      .map(({ modality, tokens }) => ({ modality, tokenCount: tokens }));
  }
  putGeminiUsage(attributes, usage, complete);
  let searches = 0;
  for (const { type, count } of hops.flatMap((hop) => objectsIn(hop['grounding_tool_count']))) {
    if (type === 'google_search') searches += countOf(count) ?? 0;
  }
  putSearches(attributes, searches, model);
}

/** Ways in which an interaction can be over. */
const OVER: ReadonlySet<unknown> = new Set([
  'completed',
  'requires_action',
  'failed',
  'cancelled',
  'incomplete',
  'budget_exceeded',
]);

function putIdentity(attributes: Attributes, body: Json): void {
  putString(attributes, ATTR_RESPONSE_ID, body['id']);
  putString(attributes, ATTR_RESPONSE_MODEL, body['model']);
  putString(attributes, 'gen_ai.response.service_tier', body['service_tier']);
  if (OVER.has(body['status'])) attributes[ATTR_FINISH_REASONS] = [String(body['status'])];
}

/** What an interaction tells, of which some hops may have told their usage: `last` is what is known of it itself. */
type Tell = (last: Json, hops: readonly Json[], params: unknown) => Attributes;

const tellCreated: Tell = (last, hops, params) => {
  const attributes: Attributes = {};
  putIdentity(attributes, last);
  putInteractionUsage(
    attributes,
    hops,
    OVER.has(last['status']),
    last['model'] ?? asObject(params)?.['model'],
  );
  return attributes;
};

/** What goes on in the background is told by whoever first sees it finished. */
const tellBegun: Tell = (last, hops, params) => {
  if (hops.length > 0 && !isUnderWay(last)) {
    noteTold(last);
    return tellCreated(last, hops, params);
  }
  const attributes: Attributes = {};
  putIdentity(attributes, last);
  if (typeof last['id'] !== 'string') return attributes;
  noteBegun(last);
  attributes[ATTR_USAGE_DEFERRED] = true;
  return attributes;
};

/** A look at an interaction costs nothing; the first at one that is over by now counts as the request itself. */
const tellFetched: Tell = (last, hops, params) => {
  const attributes: Attributes = {};
  putIdentity(attributes, last);
  if (!takesUsage({ ...last, usage: hops.at(-1) })) return attributes;
  attributes[ATTR_OPERATION] = 'generate_content';
  putString(attributes, ATTR_REQUEST_MODEL, last['model'] ?? last['agent']);
  return Object.assign(attributes, begunFor(last), tellCreated(last, hops, params));
};

/** The SDK adds up the usage of the hops itself, where nobody streams. */
function whole(parsed: unknown, params: unknown, tell: Tell): Attributes {
  const body = asObject(parsed);
  if (body === undefined) return {};
  const usage = asObject(body['usage']);
  return tell(body, usage === undefined ? [] : [usage], params);
}

/** More hops than the SDK makes. */
const MAX_HOPS = 256;

/** `interaction.completed` tells a hop's usage, `step.delta` may tell it so far. */
class InteractionStreamReader extends MessageReader {
  readonly #tell: Tell;
  readonly #hops = new Map<unknown, Json>();
  #last: Json | undefined;
  #told: Attributes | undefined;

  constructor(capture: boolean, tell: Tell) {
    super(capture);
    this.#tell = tell;
  }

  read(chunk: unknown): boolean {
    const event = asObject(chunk);
    const interaction = asObject(event?.['interaction']);
    if (interaction !== undefined) {
      this.#last = { ...this.#last, ...interaction };
      this.#note(interaction['usage']);
      return false;
    }
    this.#note(asObject(event?.['metadata'])?.['total_usage']);
    const delta = asObject(event?.['delta']);
    if (delta === undefined) return false;
    const text = delta['text'] ?? delta['arguments'] ?? asObject(delta['content'])?.['text'];
    if (typeof text !== 'string') return delta['type'] !== 'thought_signature';
    this.size.add(text);
    if (delta['type'] === 'text') this.said?.text(text);
    return text !== '';
  }

  #note(usage: unknown): void {
    const told = asObject(usage);
    if (told !== undefined && this.#hops.size < MAX_HOPS) this.#hops.set(this.#last?.['id'], told);
  }

  /** Asked once, at the call's end: what it takes note of must not be noted twice. */
  attributes(): Attributes {
    this.#told ??= this.#tell(this.#last ?? {}, [...this.#hops.values()], undefined);
    return { ...this.#told };
  }
}

/** Nothing is known of what runs on behind an answer: what it will use is told to whoever asks for it later. */
function sizeUnlessPending(body: unknown, add: (size: TextSize, body: Json) => void): TextSize {
  const size = new TextSize();
  const object = asObject(body);
  const isPending = object?.['background'] === true || object?.['status'] === 'in_progress';
  if (object === undefined || isPending) size.addAll({ type: 'file' });
  else add(size, object);
  return size;
}

function interaction(tell: Tell): CallKind {
  return {
    operation: 'generate_content',
    request,
    response: (parsed, params) => whole(parsed, params, tell),
    stream: (capture) => new InteractionStreamReader(capture, tell),
    // `@google/genai@3.1` `ContinuationInterruptedError`: hops before the one that failed are charged.
    spent: (error, params) => whole(asObject(error)?.['partialInteraction'], params, tellCreated),
    requestSize: (body) =>
      sizeUnlessPending(body, (size, { input, system_instruction: system, tools, ...rest }) => {
        for (const part of [input, system, tools]) size.addAll(part);
        if (rest['previous_interaction_id'] !== undefined) size.addAll({ type: 'file' });
      }),
    responseSize: (body) =>
      sizeUnlessPending(body, (size, object) => size.addAll(object['steps'] ?? object['outputs'])),
    content: INTERACTION_CONTENT,
  };
}

/** One interaction, with its continuations: the SDK gives no way to see them apart. */
export const INTERACTION: CallKind = interaction(tellCreated);
const IN_BACKGROUND = interaction(tellBegun);

/** An interaction as it is asked for: in the background it goes on after the answer. */
export function interactionKind(args: readonly unknown[]): CallKind {
  return asObject(args[0])?.['background'] === true ? IN_BACKGROUND : INTERACTION;
}

/** A look at an interaction by its id, as often as the app likes: `get()`, also streamed, and `cancel()`. */
export const FETCHED_INTERACTION: CallKind = {
  operation: 'fetch_response',
  body: ([id]) => ({ id }),
  request: (resource, params) => {
    const attributes = whereAndWhat(resource, undefined, 'fetch_response');
    putString(attributes, ATTR_RESPONSE_ID, asObject(params)?.['id']);
    return attributes;
  },
  response: (parsed, params) => whole(parsed, params, tellFetched),
  stream: (capture) => new InteractionStreamReader(capture, tellFetched),
};
