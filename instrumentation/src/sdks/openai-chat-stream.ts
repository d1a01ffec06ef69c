import type { Attributes } from '@opentelemetry/api';
import type { StreamReader } from '../adapter.ts';
import type { Message, Part } from '../content.ts';
import { asObject, putString, type Json } from '../json.ts';
import { TextSize } from '../text-size.ts';
import { putFinishReasons } from './finish-reasons.ts';
import { putIdentity, putTokenUsage } from './openai-usage.ts';

/** More choices, or tools of one choice, than this are not worth a slot each. */
const MAX_SLOTS = 128;

function slotOf(indexed: Json): number {
  const index = indexed['index'];
  return typeof index === 'number' && Number.isInteger(index) && index >= 0 && index < MAX_SLOTS ? index : 0;
}

/** What one choice has said so far; only where content is captured. */
interface Draft {
  text: string;
  reasoning: string;
  readonly tools: { id: unknown; name: string; arguments: string }[];
}

/** Whether a chunk tells usage and nothing else. */
function tellsOnlyUsage(chunk: unknown): boolean {
  const body = asObject(chunk);
  const choices = body?.['choices'];
  return Array.isArray(choices) && choices.length === 0 && asObject(body?.['usage']) !== undefined;
}

/** The usage of a chunk, where it tells some: beside the choices, in one, or in Groq's own part. */
function usageOf(body: Json, choices: unknown): Json | undefined {
  const usage = asObject(body['usage']) ?? asObject(asObject(body['x_groq'])?.['usage']);
  if (usage !== undefined) return usage;
  return Array.isArray(choices) ? asObject(asObject(choices[0])?.['usage']) : undefined;
}

function hasModel(chunk: Json | undefined): boolean {
  return typeof chunk?.['model'] === 'string' && chunk['model'] !== '';
}

export interface ChatStreamOptions {
  readonly capture: boolean;
  readonly asked: boolean;
  /** Sets what the model that answered charges beside tokens. */
  readonly putSearches: (attributes: Attributes, model: unknown) => void;
}

/**
 * Reads chunks of chat completions. The last chunk with usage counts, since some compatible servers repeat a growing
 * total in every one.
 */
export class ChatStreamReader implements StreamReader {
  /** Only where we asked for usage: its chunk is then not the app's. */
  readonly hides?: (chunk: unknown) => boolean;
  readonly messages?: () => readonly Message[];
  readonly #options: ChatStreamOptions;
  #first: Json | undefined;
  #usage: Json | undefined;
  #tier: unknown;
  readonly #reasons: string[] = [];
  readonly #drafts: Draft[] = [];
  readonly #received = new TextSize();

  constructor(options: ChatStreamOptions) {
    this.#options = options;
    if (options.asked) this.hides = tellsOnlyUsage;
    if (options.capture) this.messages = () => this.#messages();
  }

  read(chunk: unknown): boolean {
    const body = asObject(chunk);
    if (body === undefined) return false;
    // Azure begins with a chunk about its filters, whose id and model are empty.
    if (!hasModel(this.#first)) this.#first = body;
    const choices = body['choices'];
    this.#usage = usageOf(body, choices) ?? this.#usage;
    // Where usage was asked for, every other chunk says that it has none, which the app would not have seen.
    if (this.#options.asked && body['usage'] === null) Reflect.deleteProperty(body, 'usage');
    if (typeof body['service_tier'] === 'string') this.#tier = body['service_tier'];
    if (!Array.isArray(choices)) return false;
    let output = false;
    for (const each of choices) {
      const choice = asObject(each);
      if (choice === undefined) continue;
      const slot = slotOf(choice);
      const reason = choice['finish_reason'];
      if (typeof reason === 'string') this.#reasons[slot] = reason;
      const delta = asObject(choice['delta']);
      if (this.#size(delta)) output = true;
      if (this.#options.capture && delta !== undefined) this.#draft(slot, delta);
    }
    return output;
  }

  received(): TextSize {
    return this.#received;
  }

  attributes(): Attributes {
    const attributes: Attributes = {};
    const first = this.#first;
    if (first === undefined) return attributes;
    putIdentity(attributes, first);
    putString(attributes, 'openai.response.service_tier', this.#tier);
    putTokenUsage(attributes, this.#usage, first['model']);
    this.#options.putSearches(attributes, first['model']);
    putFinishReasons(attributes, this.#reasons);
    return attributes;
  }

  /** The first chunk usually names only the role; what counts is the first one with anything beside it. */
  #size(delta: Json | undefined): boolean {
    let output = false;
    for (const key in delta) {
      const value = delta[key];
      if (key === 'role' || value === null || value === undefined || value === '') continue;
      output = true;
      if (typeof value === 'string') this.#received.add(value);
      else this.#received.addAll(value);
    }
    return output;
  }

  #draft(slot: number, delta: Json): void {
    const draft = (this.#drafts[slot] ??= { text: '', reasoning: '', tools: [] });
    const text = delta['content'] ?? delta['refusal'];
    if (typeof text === 'string') draft.text += text;
    const reasoning = delta['reasoning_content'] ?? delta['reasoning'];
    if (typeof reasoning === 'string') draft.reasoning += reasoning;
    const calls = delta['tool_calls'];
    if (!Array.isArray(calls)) return;
    for (const each of calls) {
      const call = asObject(each);
      if (call === undefined) continue;
      const tool = (draft.tools[slotOf(call)] ??= { id: undefined, name: '', arguments: '' });
      const called = asObject(call['function']);
      tool.id ??= call['id'];
      if (typeof called?.['name'] === 'string') tool.name ||= called['name'];
      if (typeof called?.['arguments'] === 'string') tool.arguments += called['arguments'];
    }
  }

  #messages(): readonly Message[] {
    return this.#drafts.flatMap((draft, slot) => {
      const parts: Part[] = [];
      if (draft.reasoning !== '') parts.push({ type: 'reasoning', content: draft.reasoning });
      if (draft.text !== '') parts.push({ type: 'text', content: draft.text });
      for (const tool of draft.tools) if (tool !== undefined) parts.push({ type: 'tool_call', ...tool });
      const reason = this.#reasons[slot];
      return [{ role: 'assistant', parts, ...(reason === undefined ? {} : { finish_reason: reason }) }];
    });
  }
}
