import type { Attributes } from '@opentelemetry/api';
import type { CallKind, Operation, StreamReader } from '../../adapter.ts';
import type { ContentReader, Message } from '../../content.ts';
import { asObject, putNumber, type Json } from '../../json.ts';
import { ATTR_INPUT_TOKENS, ATTR_OUTPUT_TOKENS, ATTR_REQUEST_STREAM } from '../../semconv.ts';
import { sizeOfParts, TextSize } from '../../text-size.ts';
import { MESSAGE_CONTENT } from '../anthropic/message-content.ts';
import { MessageStreamReader } from '../anthropic/message-stream.ts';
import { MessageReader } from '../message-reader.ts';
import { ConverseReader, streamIn } from './converse.ts';
import { CONVERSE_CONTENT } from './converse-content.ts';
import { putServing } from './converse-usage.ts';
import { putPlace, type Exchange } from './exchange.ts';
import { bodyAttributes, invocationMetrics, jsonOf, writtenText } from './model-body.ts';
import { putResponseId, requested } from './requested.ts';

/** Documents that one request may rank for one price (AWS, "Amazon Bedrock pricing"). */
const DOCUMENTS_PER_REQUEST = 100;

/** What a model is for, by its name; one whose ARN hides it is taken to write. */
const PURPOSES: readonly (readonly [RegExp, Operation])[] = [
  [/embed/, 'embeddings'],
  [/rerank/, 'rerank'],
  [/titan-image|nova-canvas|stability\./, 'image_generation'],
];

function operationOf(model: unknown): Operation {
  if (typeof model !== 'string') return 'chat';
  return PURPOSES.find(([name]) => name.test(model))?.[1] ?? 'chat';
}

/** Counts that the body told win; Bedrock's own are those of models whose bodies tell none. */
function complete(told: Attributes, exchange: Exchange): Attributes {
  if (told[ATTR_INPUT_TOKENS] === undefined) putNumber(told, ATTR_INPUT_TOKENS, exchange.inputTokens);
  if (told[ATTR_OUTPUT_TOKENS] === undefined) putNumber(told, ATTR_OUTPUT_TOKENS, exchange.outputTokens);
  return told;
}

function putUnits(attributes: Attributes, operation: Operation, input: unknown): void {
  const body = jsonOf(asObject(input)?.['body']);
  if (operation === 'rerank') {
    const documents = body?.['documents'];
    const count = Array.isArray(documents) ? Math.ceil(documents.length / DOCUMENTS_PER_REQUEST) : 1;
    putNumber(attributes, 'spanmeter.usage.requests', Math.max(count, 1));
  } else {
    const images = asObject(body?.['imageGenerationConfig'])?.['numberOfImages'];
    putNumber(attributes, 'spanmeter.usage.images', images ?? 1);
  }
}

function response(output: unknown, input: unknown, operation: Operation, exchange: Exchange): Attributes {
  const value = asObject(output) ?? {};
  const attributes: Attributes = {};
  putPlace(attributes, exchange);
  putResponseId(attributes, value);
  putServing(attributes, value);
  if (operation === 'rerank' || operation === 'image_generation') {
    putUnits(attributes, operation, input);
    return attributes;
  }
  // Embeddings are long, and their body tells no more than Bedrock does.
  const isCounted = operation === 'embeddings' && exchange.inputTokens !== undefined;
  const body = isCounted ? undefined : jsonOf(value['body']);
  Object.assign(attributes, complete(body === undefined ? {} : bodyAttributes(body), exchange));
  if (operation === 'embeddings') delete attributes[ATTR_OUTPUT_TOKENS];
  return attributes;
}

/** Reads the chunks of a model's own stream: each is JSON in the vendor's format, the last has Bedrock's counts. */
class InvokeReader extends MessageReader {
  readonly #known: Attributes = {};
  #vendor: StreamReader | undefined;
  #metrics: Attributes = {};

  read(event: unknown): boolean {
    const chunk = jsonOf(asObject(asObject(event)?.['chunk'])?.['bytes']);
    if (chunk === undefined) return false;
    this.#metrics = { ...this.#metrics, ...invocationMetrics(chunk) };
    this.#vendor ??= readerOf(chunk, this.said !== undefined);
    if (this.#vendor !== undefined) return this.#vendor.read(chunk);
    Object.assign(this.#known, bodyAttributes(chunk));
    const text = writtenText(chunk);
    if (text === '') return false;
    this.size.add(text);
    this.said?.text(text);
    return true;
  }

  override received(): TextSize {
    return this.#vendor?.received() ?? super.received();
  }

  override messages(): readonly Message[] {
    return this.#vendor?.messages?.() ?? super.messages();
  }

  attributes(): Attributes {
    const told = this.#vendor?.attributes() ?? { ...this.#known };
    const isTold = told[ATTR_INPUT_TOKENS] !== undefined && told[ATTR_OUTPUT_TOKENS] !== undefined;
    // Never counts of two sources on one span.
    return isTold ? told : { ...told, ...this.#metrics };
  }
}

/** The reader of a format that has events of its own; undefined where each chunk is read for itself. */
function readerOf(chunk: Json, capture: boolean): StreamReader | undefined {
  if (typeof chunk['type'] === 'string') return new MessageStreamReader(capture);
  const isConverse = ['messageStart', 'contentBlockStart', 'contentBlockDelta'].some((name) => name in chunk);
  return isConverse ? new ConverseReader(capture) : undefined;
}

/** Parts of the vendors' requests that the model reads. */
const READ_PARTS = ['system', 'messages', 'tools', 'toolConfig', 'prompt', 'inputText', 'message', 'texts'];

const CONTENT: ContentReader = {
  input: (input) => {
    const body = jsonOf(asObject(input)?.['body']);
    if (Array.isArray(body?.['messages'])) return formatOf(body).input(body);
    const prompt = body?.['prompt'] ?? body?.['inputText'] ?? body?.['message'];
    return prompt === undefined ? [] : [{ role: 'user', parts: [{ type: 'text', content: prompt }] }];
  },
  system: (input) => {
    const body = jsonOf(asObject(input)?.['body']);
    return body === undefined ? [] : (formatOf(body).system?.(body) ?? []);
  },
  tools: (input) => {
    const body = jsonOf(asObject(input)?.['body']);
    return body === undefined ? [] : (formatOf(body).tools?.(body) ?? []);
  },
  output: (output) => {
    const body = jsonOf(asObject(output)?.['body']);
    if (body === undefined) return [];
    if (body['output'] !== undefined) return CONVERSE_CONTENT.output(body);
    if (body['type'] === 'message') return MESSAGE_CONTENT.output(body);
    return [{ role: 'assistant', parts: [{ type: 'text', content: writtenText(body) }] }];
  },
};

/** Amazon's own models take what Converse takes, the others what Anthropic's do or nearly so. */
function formatOf(body: Json): ContentReader {
  return body['schemaVersion'] === 'messages-v1' || body['inferenceConfig'] !== undefined
    ? CONVERSE_CONTENT
    : MESSAGE_CONTENT;
}

/** InvokeModel or InvokeModelWithResponseStream, as one call. */
export function invokeKind(exchange: Exchange, model: unknown, streamed: boolean): CallKind {
  const operation = operationOf(model);
  return {
    operation,
    body: (args) => asObject(args[0])?.['input'],
    request: (_, input) => {
      const attributes = requested(asObject(input) ?? {}, operation);
      if (streamed) attributes[ATTR_REQUEST_STREAM] = true;
      return attributes;
    },
    response: (value, input) => response(value, input, operation, exchange),
    ...(streamed ? streamIn('body', exchange, (capture) => new InvokeReader(capture)) : {}),
    requestSize: (input) => sizeOfParts(jsonOf(asObject(input)?.['body']), READ_PARTS),
    responseSize: (value) => {
      const size = new TextSize();
      const body = jsonOf(asObject(value)?.['body']);
      if (body !== undefined) size.add(writtenText(body));
      return size;
    },
    content: CONTENT,
  };
}
