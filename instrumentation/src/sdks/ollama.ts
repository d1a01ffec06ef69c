import type { Attributes } from '@opentelemetry/api';
import type { CallKind, Method, ModuleHook, Operation, SdkAdapter } from '../adapter.ts';
import { asObject, countOf, holderOf, listIn, prototypeAt, putCount, putString, type Json } from '../json.ts';
import { serverOf } from '../provider.ts';
import {
  ATTR_INPUT_TOKENS,
  ATTR_OUTPUT_TOKENS,
  ATTR_REQUEST_STREAM,
  ATTR_RESPONSE_MODEL,
} from '../semconv.ts';
import { sizeOfParts, TextSize } from '../text-size.ts';
import { putFinishReason } from './finish-reasons.ts';
import { MessageReader } from './message-reader.ts';
import { putSettings, requestAttributes } from './request-attributes.ts';
import { partsOfContent, roleMessage, roleMessages } from './role-messages.ts';

/** The options that the conventions have names for. */
const SETTINGS: Readonly<Record<string, string>> = {
  num_predict: 'gen_ai.request.max_tokens',
  temperature: 'gen_ai.request.temperature',
  top_p: 'gen_ai.request.top_p',
  top_k: 'gen_ai.request.top_k',
  seed: 'gen_ai.request.seed',
};

function request(resource: unknown, params: unknown, operation: Operation): Attributes {
  const body = asObject(params);
  const server = serverOf(asObject(asObject(resource)?.['config'])?.['host']);
  const attributes = requestAttributes(operation, 'ollama', body?.['model'], server);
  if (body?.['stream'] === true) attributes[ATTR_REQUEST_STREAM] = true;
  putSettings(attributes, SETTINGS, asObject(body?.['options']));
  return attributes;
}

/** The server leaves a count out where there was nothing to count: a prompt that it still knew. */
function response(parsed: unknown): Attributes {
  const body = asObject(parsed);
  const attributes: Attributes = {};
  if (body === undefined) return attributes;
  putString(attributes, ATTR_RESPONSE_MODEL, body['model']);
  putCount(attributes, ATTR_INPUT_TOKENS, body['prompt_eval_count']);
  putCount(attributes, ATTR_OUTPUT_TOKENS, body['eval_count']);
  putFinishReason(attributes, body['done_reason']);
  return attributes;
}

/** The texts of a message, of a whole response or of one line of a stream. */
function textsOf(body: Json): unknown[] {
  const message = asObject(body['message']);
  return [body['response'], body['thinking'], message?.['content'], message?.['thinking']];
}

/** The last line has the counts. */
class LineReader extends MessageReader {
  #first: Json | undefined;
  #last: Json | undefined;

  read(chunk: unknown): boolean {
    const body = asObject(chunk);
    if (body === undefined) return false;
    this.#first ??= body;
    if (body['done'] === true || countOf(body['eval_count']) !== undefined) this.#last = body;
    const message = asObject(body['message']);
    const calls = message?.['tool_calls'];
    const [response, thinking, content, thought] = textsOf(body);
    for (const text of [response, thinking, content, thought, calls]) this.size.addAll(text);
    this.said?.text(response ?? content);
    this.said?.thinking(thinking ?? thought);
    this.said?.calls(calls);
    this.said?.finish(body['done_reason']);
    return (
      Array.isArray(calls) ||
      [response, thinking, content, thought].some((text) => typeof text === 'string' && text !== '')
    );
  }

  attributes(): Attributes {
    if (this.#last !== undefined) return response(this.#last);
    const attributes: Attributes = {};
    putString(attributes, ATTR_RESPONSE_MODEL, this.#first?.['model']);
    return attributes;
  }
}

/** Images are tokens too, whose number nobody knows. */
function requestSize(params: unknown): TextSize {
  const size = sizeOfParts(params, ['system', 'prompt', 'suffix', 'tools']);
  const body = asObject(params);
  const messages = listIn(body?.['messages']);
  if ([body, ...messages].some((holder) => asObject(holder)?.['images'] !== undefined)) {
    size.addAll({ type: 'image' });
  }
  size.addAll(messages);
  return size;
}

function responseSize(parsed: unknown): TextSize {
  const size = new TextSize();
  const body = asObject(parsed) ?? {};
  for (const text of textsOf(body)) size.addAll(text);
  size.addAll(asObject(body['message'])?.['tool_calls']);
  return size;
}

const CHAT: CallKind = {
  operation: 'chat',
  request: (resource, body) => request(resource, body, 'chat'),
  response,
  stream: (capture) => new LineReader(capture),
  requestSize,
  responseSize,
  content: {
    input: (body) => roleMessages(asObject(body)?.['messages']),
    tools: (body) => listIn(asObject(body)?.['tools']),
    output: (parsed) => {
      const body = asObject(parsed);
      return [roleMessage(body?.['message'], body?.['done_reason'])];
    },
  },
};

const GENERATE: CallKind = {
  ...CHAT,
  operation: 'text_completion',
  request: (resource, body) => request(resource, body, 'text_completion'),
  content: {
    input: (body) => [{ role: 'user', parts: partsOfContent(asObject(body)?.['prompt']) }],
    system: (body) => partsOfContent(asObject(body)?.['system']),
    output: (parsed) => {
      const body = asObject(parsed);
      const message = { content: body?.['response'], thinking: body?.['thinking'] };
      return [roleMessage(message, body?.['done_reason'])];
    },
  },
};

const EMBED: CallKind = {
  operation: 'embeddings',
  request: (resource, body) => request(resource, body, 'embeddings'),
  response,
  requestSize: (body) => sizeOfParts(body, ['input', 'prompt']),
};

const KINDS: Readonly<Record<string, CallKind>> = {
  chat: CHAT,
  generate: GENERATE,
  embed: EMBED,
  embeddings: EMBED,
};

const METHODS: readonly Method[] = Object.entries(KINDS).map(([name, kind]) => ({
  // The class for Node extends the one for browsers, which has the methods.
  owner: (moduleExports) => holderOf(prototypeAt(moduleExports, ['Ollama']), name),
  name,
  kind,
}));

const VERSIONS = ['>=0.5.0 <0.7'];

/** The build without Node's file system. Its class is the one that Node's extends, so that either may come first. */
const BROWSER: ModuleHook = {
  module: 'ollama/browser',
  versions: VERSIONS,
  patch: (moduleExports, host) => {
    for (const { owner, name, kind } of METHODS) {
      const holder = owner(moduleExports);
      if (holder !== undefined) host.wrapMethod(holder, name, kind);
    }
    return moduleExports;
  },
};

/** The `ollama` package: chats, generation, embeddings of both kinds; local models and Ollama's cloud. */
export const ollama: SdkAdapter = {
  module: 'ollama',
  versions: VERSIONS,
  methods: METHODS,
  hooks: [BROWSER],
  exportsOf: (client) => {
    const prototype = asObject(typeof client === 'function' ? client.prototype : client);
    const isOurs = typeof prototype?.['processStreamableRequest'] === 'function';
    return isOurs
      ? {
          Ollama: {
            prototype: typeof client === 'function' ? prototype : (Object.getPrototypeOf(client) as unknown),
          },
        }
      : undefined;
  },
  rivals: ['@traceloop/instrumentation-ollama'],
};
