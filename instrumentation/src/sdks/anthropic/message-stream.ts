import type { Attributes } from '@opentelemetry/api';
import type { StreamReader } from '../../adapter.ts';
import type { Message } from '../../content.ts';
import { asObject, type Json } from '../../json.ts';
import { TextSize } from '../../text-size.ts';
import { putFinishReason } from '../finish-reasons.ts';
import { outputMessage } from './message-content.ts';
import { putIdentity } from './message-response.ts';
import { putMessageUsage } from './message-usage.ts';
import { answeredLifetimes, isUnanswered, uncharge } from './refusals.ts';

/** Where the text of a delta is: answer, arguments of a tool, thinking. */
const DELTA_TEXTS = ['text', 'partial_json', 'thinking'];

/** Kept of one answer, where content is captured. */
const MAX_BLOCKS = 1000;

/** More models than a request may name. */
const MAX_FALLBACKS = 16;

interface Block {
  readonly start: Json;
  text: string;
}

/** What a stream may tell beside what its span says. */
export interface StreamSink {
  /** The message is complete, with the usage that all of it took; of its content just where models changed. */
  readonly onComplete?: (message: Json, usage: Json) => void;
}

/**
 * Reads the events of the Messages API: `message_start` tells the input and placeholders for the output; each
 * `message_delta` has totals that replace what was told before.
 */
export class MessageStreamReader implements StreamReader {
  readonly #sink: StreamSink;
  readonly #blocks: Block[] | undefined;
  #message: Json | undefined;
  #usage: Record<string, unknown> | undefined;
  #final = false;
  #reason: unknown;
  #details: unknown;
  /** Blocks that stand where one model declined and another one went on. */
  readonly #fallbacks: Json[] = [];
  #hasOutput = false;
  #isReplaced = false;
  #isComplete = false;
  readonly #received = new TextSize();
  readonly messages?: () => readonly Message[];

  constructor(capture = false, sink: StreamSink = {}) {
    this.#sink = sink;
    if (!capture) return;
    const blocks: Block[] = [];
    this.#blocks = blocks;
    this.messages = () => [outputMessage(blocks.map(finished), this.#reason)];
  }

  read(chunk: unknown): boolean {
    const event = asObject(chunk);
    switch (event?.['type']) {
      case 'content_block_start':
        this.#start(asObject(event['content_block']));
        return false;
      case 'content_block_delta':
        this.#delta(asObject(event['delta']));
        return true;
      case 'message_start':
        this.#message = asObject(event['message']);
        this.#usage = { ...asObject(this.#message?.['usage']) };
        return false;
      case 'message_delta':
        this.#final = true;
        this.#end(asObject(event['delta']));
        this.#replace(asObject(event['usage']));
        return false;
      default:
        return false;
    }
  }

  received(): TextSize {
    return this.#received;
  }

  attributes(): Attributes {
    if (this.#final) this.#complete();
    const attributes: Attributes = {};
    if (this.#message !== undefined) putIdentity(attributes, this.#message);
    putMessageUsage(attributes, this.#usage, this.#final);
    putFinishReason(attributes, this.#reason);
    const ending = { stop_reason: this.#reason, stop_details: this.#details, content: this.#fallbacks };
    if (this.#final && !this.#hasOutput) uncharge(attributes, ending);
    return attributes;
  }

  /** Asked at the call's end, also where the app left once it had read why the answer ended. */
  #complete(): void {
    if (this.#message === undefined || this.#isComplete) return;
    this.#isComplete = true;
    this.#sink.onComplete?.({ ...this.#message, content: this.#fallbacks }, this.#usage ?? {});
  }

  #end(delta: Json | undefined): void {
    this.#reason = delta?.['stop_reason'] ?? this.#reason;
    this.#details = delta?.['stop_details'] ?? this.#details;
  }

  #start(block: Json | undefined): void {
    if (block === undefined) return;
    this.#received.addAll(block['name']);
    // A fallback block names the model that writes the rest.
    const isFallback = block['type'] === 'fallback';
    if (!isFallback) this.#hasOutput = true;
    else if (this.#fallbacks.length < MAX_FALLBACKS) this.#fallbacks.push(block);
    const to = isFallback ? asObject(block['to'])?.['model'] : undefined;
    if (typeof to === 'string') this.#goOn(to);
    const blocks = this.#blocks;
    if (blocks !== undefined && blocks.length < MAX_BLOCKS) blocks.push({ start: block, text: '' });
  }

  /** Another model goes on; where `message_start` told the input of the one before, its usage is no part of this. */
  #goOn(model: string): void {
    if (this.#message?.['model'] !== model) this.#isReplaced = true;
    this.#message = { ...this.#message, model };
  }

  #delta(delta: Json | undefined): void {
    for (const name of DELTA_TEXTS) {
      const text = delta?.[name];
      if (typeof text !== 'string') continue;
      this.#received.add(text);
      const block = this.#blocks?.at(-1);
      if (block !== undefined) block.text += text;
    }
  }

  #replace(totals: Json | undefined): void {
    const usage = (this.#usage ??= {});
    for (const name in totals) {
      if (totals[name] !== null && totals[name] !== undefined) usage[name] = totals[name];
    }
    if (this.#isReplaced) this.#settle(usage, totals);
  }

  /** What was last begun by another model is its own, unless that model failed: then it is of the one before. */
  #settle(usage: Record<string, unknown>, totals: Json | undefined): void {
    const iterations = totals?.['iterations'];
    if (!isUnanswered(iterations)) {
      usage['cache_creation'] = answeredLifetimes(iterations);
      return;
    }
    usage['cache_creation'] = totals?.['cache_creation'] ?? {};
    const model = asObject(this.#fallbacks.at(-1)?.['from'])?.['model'];
    if (typeof model === 'string') this.#message = { ...this.#message, model };
  }
}

/** A block with what its deltas brought. */
function finished({ start, text }: Block): Json {
  switch (start['type']) {
    case 'text':
      return { ...start, text: asText(start['text']) + text };
    case 'thinking':
      return { ...start, thinking: asText(start['thinking']) + text };
    default:
      return text === '' ? start : { ...start, input: parsed(text) };
  }
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Arguments of a tool, as text where they were cut short. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
