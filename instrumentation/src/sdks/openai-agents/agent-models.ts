import { context, createContextKey, type Attributes, type Context } from '@opentelemetry/api';
import type { AdapterHost, AnyFunction, CallKind, StreamReader } from '../../adapter.ts';
import { canHide } from '../../hidden.ts';
import { asObject, classNameOf, holderOf, putNumber, putString, type Json } from '../../json.ts';
import {
  ATTR_CACHE_READ_TOKENS,
  ATTR_CACHE_WRITE_TOKENS,
  ATTR_INPUT_TOKENS,
  ATTR_OUTPUT_TOKENS,
  ATTR_PROVIDER,
  ATTR_REASONING_TOKENS,
  ATTR_REQUEST_MODEL,
  ATTR_REQUEST_STREAM,
  ATTR_RESPONSE_ID,
} from '../../semconv.ts';
import { TextSize } from '../../text-size.ts';
import { vendorOf } from '../ai/model-identity.ts';
import { openaiRequest } from '../openai-client.ts';
import { responseAttributes } from '../openai-responses.ts';
import { isPromise } from '../../promises.ts';

const MAX_AGENTS = 1000;
const METHODS = ['getResponse', 'getStreamedResponse'] as const;

/** What the SDK's own span of a request says of it: models keep their name to themselves. */
interface Generation {
  model?: unknown;
}

const GENERATION = createContextKey('spanmeter.agents.generation');

/** Notes which model a request under way in `ctx` is for, as the SDK's `generation` span has it. */
export function noteGeneration(ctx: Context, model: unknown): void {
  const generation = ctx.getValue(GENERATION) as Generation | undefined;
  if (generation !== undefined && typeof model === 'string') generation.model = model;
}

/** Wraps the models that agents use, which are of any class: only the answers that no SDK below tells are told. */
export class AgentModels {
  readonly #host: AdapterHost;

  constructor(host: AdapterHost) {
    this.#host = host;
  }

  /** Looks at the models of a run: of its configuration, and of every agent that can be handed over to. */
  see(config: unknown, agent: unknown): void {
    const settings = asObject(config);
    this.#model(settings?.['model']);
    this.#provider(settings?.['modelProvider']);
    const seen = new Set<unknown>();
    const waiting: unknown[] = [agent];
    while (waiting.length > 0 && seen.size < MAX_AGENTS) {
      const one = asObject(waiting.pop());
      if (one === undefined || seen.has(one)) continue;
      seen.add(one);
      this.#model(one['model']);
      // A state to go on from, and a handoff, have the agent inside.
      waiting.push(one['_currentAgent'], one['agent']);
      if (Array.isArray(one['handoffs'])) waiting.push(...(one['handoffs'] as unknown[]));
    }
  }

  #model(value: unknown): void {
    const model = asObject(value);
    if (model === undefined) return;
    for (const name of METHODS) {
      const owner = holderOf(model, name);
      if (owner === undefined || !canHide(owner, name)) continue;
      this.#host.wrap(owner, name, (original) => this.#observed(original, name === 'getStreamedResponse'));
    }
  }

  #provider(value: unknown): void {
    const provider = asObject(value);
    const owner = holderOf(provider, 'getModel');
    if (owner === undefined || !canHide(owner, 'getModel')) return;
    const see = (model: unknown): unknown => {
      this.#host.guard(() => this.#model(model));
      return model;
    };
    this.#host.wrap(
      owner,
      'getModel',
      (original) =>
        function (this: unknown, ...args: unknown[]): unknown {
          const model = original.apply(this, args);
          return isPromise(model) ? model.then(see) : see(model);
        },
    );
  }

  #observed(original: AnyFunction, stream: boolean): AnyFunction {
    const host = this.#host;
    return function (this: unknown, ...args: unknown[]): unknown {
      const generation: Generation = {};
      const inside = context.active().setValue(GENERATION, generation);
      return context.with(inside, () =>
        host.run(modelKind(generation, stream), this, args, (given) =>
          original.apply(this, given as unknown[]),
        ),
      );
    };
  }
}

function modelKind(generation: Generation, stream: boolean): CallKind {
  const kind: CallKind = {
    operation: 'chat',
    layer: true,
    request: (model) => ({
      ...identity(asObject(model)),
      ...(stream ? { [ATTR_REQUEST_STREAM]: true } : {}),
    }),
    response: (response) => answerOf(response, generation),
  };
  return stream ? { ...kind, stream: () => new AgentStreamReader(generation) } : kind;
}

/** Models of others have their name in a field, if anywhere; whose they are may be unknown. */
function identity(model: Json | undefined): Attributes {
  // The SDK's own have its client, also where they do not ask by it but by a socket.
  if (model !== undefined && asObject(model['_client']) !== undefined) {
    return openaiRequest(model, { model: model['_model'] }, 'chat', 'openai');
  }
  const attributes: Attributes = {};
  const { modelId, model: name, provider } = model ?? {};
  putString(attributes, ATTR_REQUEST_MODEL, modelId ?? name);
  if (typeof provider === 'string') attributes[ATTR_PROVIDER] = vendorOf(provider);
  else if (classNameOf(model).startsWith('OpenAI')) attributes[ATTR_PROVIDER] = 'openai';
  return attributes;
}

function answerOf(value: unknown, generation: Generation): Attributes {
  const attributes: Attributes = {};
  const response = asObject(value);
  const provided = asObject(response?.['providerData']);
  if (provided?.['object'] === 'response') Object.assign(attributes, responseAttributes(provided));
  putUsage(attributes, asObject(response?.['usage']));
  putString(attributes, ATTR_RESPONSE_ID, response?.['responseId'] ?? response?.['id']);
  putGeneration(attributes, generation.model);
  return attributes;
}

/** The AI SDK's models are named `openai.chat:gpt-4o` (@openai/agents-extensions, `AiSdkModel`). */
function putGeneration(attributes: Attributes, model: unknown): void {
  if (typeof model !== 'string') return;
  const colon = model.indexOf(':');
  if (colon > 0) attributes[ATTR_PROVIDER] = vendorOf(model.slice(0, colon));
  putString(attributes, ATTR_REQUEST_MODEL, model.slice(colon + 1));
}

/** Totals have the cached and reasoning ones inside; details are one object, or one for each request. */
function putUsage(attributes: Attributes, usage: Json | undefined): void {
  if (usage === undefined) return;
  putNumber(attributes, ATTR_INPUT_TOKENS, usage['inputTokens']);
  putNumber(attributes, ATTR_OUTPUT_TOKENS, usage['outputTokens']);
  const input = usage['inputTokensDetails'];
  putNumber(attributes, ATTR_CACHE_READ_TOKENS, sumOf(input, 'cached_tokens'));
  putNumber(attributes, ATTR_CACHE_WRITE_TOKENS, sumOf(input, 'cache_write_tokens'));
  putNumber(attributes, ATTR_REASONING_TOKENS, sumOf(usage['outputTokensDetails'], 'reasoning_tokens'));
}

function sumOf(details: unknown, name: string): number | undefined {
  let sum: number | undefined;
  for (const each of Array.isArray(details) ? (details as unknown[]) : [details]) {
    const count = asObject(each)?.[name];
    if (typeof count === 'number') sum = (sum ?? 0) + count;
  }
  return sum;
}

/** Usage comes with the SDK's last event, `response_done`. */
class AgentStreamReader implements StreamReader {
  readonly #generation: Generation;
  readonly #received = new TextSize();
  #response: unknown;

  constructor(generation: Generation) {
    this.#generation = generation;
  }

  read(chunk: unknown): boolean {
    const event = asObject(chunk);
    if (event?.['type'] === 'response_done') this.#response = event['response'];
    if (event?.['type'] !== 'output_text_delta') return false;
    this.#received.addAll(event['delta']);
    return true;
  }

  received(): TextSize {
    return this.#received;
  }

  attributes(): Attributes {
    return answerOf(this.#response, this.#generation);
  }
}
