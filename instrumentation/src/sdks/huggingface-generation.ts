import type { Attributes } from '@opentelemetry/api';
import type { ContentReader, Message } from '../content.ts';
import { asObject, putCount, type Json } from '../json.ts';
import { ATTR_INPUT_TOKENS, ATTR_OUTPUT_TOKENS } from '../semconv.ts';
import type { TextSize } from '../text-size.ts';
import { putFinishReason } from './finish-reasons.ts';
import { MessageReader } from './message-reader.ts';
import { COMPLETION_CONTENT } from './openai-chat-content.ts';
import { completionResponse, CompletionStreamReader } from './openai-completions.ts';

/** Details of a generation, where the request asked for them: text-generation-inference's own counts. */
function detailsAttributes(details: Json | undefined): Attributes {
  const attributes: Attributes = {};
  if (details === undefined) return attributes;
  const prefill = details['prefill'];
  const read = Array.isArray(prefill) && prefill.length > 0 ? prefill.length : undefined;
  putCount(attributes, ATTR_INPUT_TOKENS, details['input_length'], read);
  putCount(attributes, ATTR_OUTPUT_TOKENS, details['generated_tokens']);
  putFinishReason(attributes, details['finish_reason']);
  return attributes;
}

/** A generation is alone or the first of a list. */
function firstOf(data: unknown): Json | undefined {
  return asObject(Array.isArray(data) ? data[0] : data);
}

/** Attributes of a whole generation, in the words of text-generation-inference or of legacy completions. */
export function generationResponse(data: unknown): Attributes {
  const first = firstOf(data);
  if (first?.['choices'] !== undefined) return completionResponse(first);
  return detailsAttributes(asObject(first?.['details']));
}

function answerOf(text: unknown): readonly Message[] {
  if (typeof text !== 'string' || text === '') return [];
  return [{ role: 'assistant', parts: [{ type: 'text', content: text }] }];
}

/** Content of text generation. */
export const GENERATION_CONTENT: ContentReader = {
  input: (body) => COMPLETION_CONTENT.input({ prompt: asObject(body)?.['inputs'] }),
  output: (data) => {
    const first = firstOf(data);
    return first?.['choices'] === undefined
      ? answerOf(first?.['generated_text'])
      : COMPLETION_CONTENT.output(first);
  },
};

/** Reads tokens one by one, the last of which comes with the details of all; or chunks of legacy completions. */
export class GenerationStreamReader extends MessageReader {
  readonly #completion: CompletionStreamReader;
  #isCompletion = false;
  #details: Json | undefined;

  constructor(capture: boolean) {
    super(capture);
    this.#completion = new CompletionStreamReader(capture, false);
  }

  read(chunk: unknown): boolean {
    const event = asObject(chunk);
    if (event?.['choices'] !== undefined) {
      this.#isCompletion = true;
      return this.#completion.read(event);
    }
    this.#details = asObject(event?.['details']) ?? this.#details;
    const token = asObject(event?.['token']);
    const text = token?.['text'];
    if (typeof text !== 'string' || token?.['special'] === true) return false;
    this.size.add(text);
    this.said?.text(text);
    return text !== '';
  }

  attributes(): Attributes {
    return this.#isCompletion ? this.#completion.attributes() : detailsAttributes(this.#details);
  }

  override received(): TextSize {
    return this.#isCompletion ? this.#completion.received() : super.received();
  }

  override messages(): readonly Message[] {
    return (this.#isCompletion ? this.#completion.messages?.() : undefined) ?? super.messages();
  }
}
