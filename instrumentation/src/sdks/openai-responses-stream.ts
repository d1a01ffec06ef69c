import type { Attributes } from '@opentelemetry/api';
import type { StreamReader } from '../adapter.ts';
import type { Message } from '../content.ts';
import { asObject, type Json } from '../json.ts';
import { TextSize } from '../text-size.ts';
import { RESPONSES_CONTENT } from './openai-responses-content.ts';

/** Events whose `delta` is text that the model wrote. */
const TEXT_DELTAS: ReadonlySet<unknown> = new Set([
  'response.code_interpreter_call_code.delta',
  'response.custom_tool_call_input.delta',
  'response.function_call_arguments.delta',
  'response.mcp_call_arguments.delta',
  'response.output_text.delta',
  'response.reasoning_summary_text.delta',
  'response.reasoning_text.delta',
  'response.refusal.delta',
]);

/** More items of one output than this are not kept. */
const MAX_ITEMS = 1000;

/** What a response tells of a call: `seen` counts the searches that a stream has shown. */
export type TellResponse = (response: unknown, seen: number) => Attributes;

/** Whether an item of the output is a search that is charged; opening what was found is not. */
export function isSearch(item: Json): boolean {
  const action = asObject(item['action'])?.['type'];
  return item['type'] === 'web_search_call' && (action === undefined || action === 'search');
}

/** Reads the events of a response; each that has the whole response so far replaces what was known of it. */
export class ResponsesStreamReader implements StreamReader {
  readonly messages?: () => readonly Message[];
  readonly #tell: TellResponse;
  readonly #items: unknown[] = [];
  readonly #received = new TextSize();
  readonly #capture: boolean;
  #response: Json | undefined;
  #searches = 0;
  #attributes: Attributes | undefined;

  constructor(capture: boolean, tell: TellResponse) {
    this.#capture = capture;
    this.#tell = tell;
    if (capture) this.messages = () => RESPONSES_CONTENT.output({ ...this.#response, output: this.#items });
  }

  read(chunk: unknown): boolean {
    const event = asObject(chunk);
    if (event === undefined) return false;
    const response = asObject(event['response']);
    if (response !== undefined) this.#response = response;
    const { type, delta, item } = event;
    if (type === 'response.output_item.done') this.#done(asObject(item));
    if (typeof delta !== 'string' || delta === '' || !TEXT_DELTAS.has(type)) return false;
    this.#received.add(delta);
    return true;
  }

  /** Asked once, at the call's end: what it takes note of must not be noted twice. */
  attributes(): Attributes {
    return { ...(this.#attributes ??= this.#tell(this.#response, this.#searches)) };
  }

  received(): TextSize {
    return this.#received;
  }

  #done(item: Json | undefined): void {
    if (item === undefined) return;
    if (isSearch(item)) this.#searches += 1;
    if (this.#capture && this.#items.length < MAX_ITEMS) this.#items.push(item);
  }
}
