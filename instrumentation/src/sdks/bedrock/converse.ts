import type { Attributes } from '@opentelemetry/api';
import type { CallKind, StreamReader } from '../../adapter.ts';
import type { Message } from '../../content.ts';
import { asObject, putNumber, putString, type Json } from '../../json.ts';
import { ATTR_REQUEST_STREAM, ATTR_RESPONSE_MODEL } from '../../semconv.ts';
import { sizeOfParts, TextSize } from '../../text-size.ts';
import { putFinishReason } from '../finish-reasons.ts';
import { CONVERSE_CONTENT, outputMessage } from './converse-content.ts';
import { putConverseUsage, putServing } from './converse-usage.ts';
import { putPlace, type Exchange } from './exchange.ts';
import { putResponseId, requested } from './requested.ts';

function request(input: unknown, stream: boolean): Attributes {
  const body = asObject(input) ?? {};
  const attributes = requested(body, 'chat');
  if (stream) attributes[ATTR_REQUEST_STREAM] = true;
  const inference = asObject(body['inferenceConfig']);
  putNumber(attributes, 'gen_ai.request.max_tokens', inference?.['maxTokens']);
  putNumber(attributes, 'gen_ai.request.temperature', inference?.['temperature']);
  putNumber(attributes, 'gen_ai.request.top_p', inference?.['topP']);
  return attributes;
}

/** The model that a prompt router chose, at whose price the call is charged. */
function putRouted(attributes: Attributes, body: Json): void {
  const router = asObject(asObject(body['trace'])?.['promptRouter']);
  putString(attributes, ATTR_RESPONSE_MODEL, router?.['invokedModelId']);
}

function response(output: unknown, exchange: Exchange): Attributes {
  const body = asObject(output) ?? {};
  const attributes: Attributes = {};
  putPlace(attributes, exchange);
  putResponseId(attributes, body);
  putServing(attributes, body);
  putConverseUsage(attributes, asObject(body['usage']));
  putRouted(attributes, body);
  putFinishReason(attributes, body['stopReason']);
  return attributes;
}

/** Kept of one answer, where content is captured. */
const MAX_BLOCKS = 1000;

/** Reads the events of ConverseStream, which are those of Amazon's own models too: the last one has the usage. */
export class ConverseReader implements StreamReader {
  readonly #received = new TextSize();
  readonly #blocks: Record<string, unknown>[] | undefined;
  #metadata: Json | undefined;
  #reason: unknown;
  readonly messages?: () => readonly Message[];

  constructor(capture: boolean) {
    if (!capture) return;
    const blocks: Record<string, unknown>[] = [];
    this.#blocks = blocks;
    this.messages = () => [outputMessage(blocks, this.#reason)];
  }

  read(chunk: unknown): boolean {
    const event = asObject(chunk);
    const delta = asObject(asObject(event?.['contentBlockDelta'])?.['delta']);
    if (delta !== undefined) return this.#delta(delta);
    const start = asObject(asObject(asObject(event?.['contentBlockStart'])?.['start'])?.['toolUse']);
    if (start !== undefined) {
      this.#received.addAll(start['name']);
      this.#add({ toolUse: { ...start, input: '' } });
    }
    this.#reason = asObject(event?.['messageStop'])?.['stopReason'] ?? this.#reason;
    this.#metadata = asObject(event?.['metadata']) ?? this.#metadata;
    return false;
  }

  #delta(delta: Json): boolean {
    const tool = asObject(delta['toolUse'])?.['input'];
    const reasoning = asObject(delta['reasoningContent'])?.['text'];
    const text = delta['text'] ?? tool ?? reasoning;
    if (typeof text !== 'string') return true;
    this.#received.add(text);
    if (this.#blocks === undefined) return true;
    const last = this.#blocks.at(-1);
    if (tool !== undefined) {
      const use = asObject(last?.['toolUse']);
      if (last !== undefined && use !== undefined)
        last['toolUse'] = { ...use, input: String(use['input']) + text };
    } else if (reasoning !== undefined) {
      const before = asObject(asObject(last?.['reasoningContent'])?.['reasoningText'])?.['text'];
      const reasoningContent = { reasoningText: { text: typeof before === 'string' ? before + text : text } };
      if (typeof before === 'string' && last !== undefined) last['reasoningContent'] = reasoningContent;
      else this.#add({ reasoningContent });
    } else if (typeof last?.['text'] === 'string') last['text'] += text;
    else this.#add({ text });
    return true;
  }

  #add(block: Record<string, unknown>): void {
    if (this.#blocks !== undefined && this.#blocks.length < MAX_BLOCKS) this.#blocks.push(block);
  }

  received(): TextSize {
    return this.#received;
  }

  attributes(): Attributes {
    const attributes: Attributes = {};
    if (this.#metadata !== undefined) {
      putConverseUsage(attributes, asObject(this.#metadata['usage']));
      putServing(attributes, this.#metadata);
      putRouted(attributes, this.#metadata);
    }
    putFinishReason(attributes, this.#reason);
    return attributes;
  }
}

/** A reader whose attributes come with what the call's exchange and output tell besides. */
function placed(reader: StreamReader, exchange: Exchange, output: () => Json): StreamReader {
  const messages = reader.messages?.bind(reader);
  return {
    read: (chunk) => reader.read(chunk),
    received: () => reader.received(),
    attributes: () => {
      const attributes: Attributes = {};
      putPlace(attributes, exchange);
      putResponseId(attributes, output());
      return Object.assign(attributes, reader.attributes());
    },
    ...(messages === undefined ? {} : { messages }),
  };
}

/** How a call whose output has a stream in `field` is read. */
export function streamIn(
  field: string,
  exchange: Exchange,
  make: (capture: boolean) => StreamReader,
): Pick<CallKind, 'stream' | 'streamOf'> {
  let output: Json = {};
  return {
    stream: (capture) => placed(make(capture), exchange, () => output),
    streamOf: (value) => {
      output = asObject(value) ?? {};
      return output[field];
    },
  };
}

/** Converse or ConverseStream, as one call. */
export function converseKind(exchange: Exchange, streamed: boolean): CallKind {
  return {
    operation: 'chat',
    body: (args) => asObject(args[0])?.['input'],
    request: (_, input) => request(input, streamed),
    response: (value) => response(value, exchange),
    ...(streamed ? streamIn('stream', exchange, (capture) => new ConverseReader(capture)) : {}),
    requestSize: (input) => sizeOfParts(input, ['system', 'messages', 'toolConfig']),
    responseSize: (value) => sizeOfParts(value, ['output']),
    content: CONVERSE_CONTENT,
  };
}
