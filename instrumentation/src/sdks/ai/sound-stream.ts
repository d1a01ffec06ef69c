import type { Attributes } from '@opentelemetry/api';
import type { StreamReader } from '../../adapter.ts';
import { asObject, type Json } from '../../json.ts';
import { TextSize } from '../../text-size.ts';

/** Puts what the last part of a stream tells, of the model that `response` identifies. */
export type PutFinish = (attributes: Attributes, model: unknown, finish: Json, response: Json) => void;

/** Reads the parts of a transcript or of speech, whose last one has the usage. */
export class SoundStreamReader implements StreamReader {
  readonly #model: unknown;
  readonly #put: PutFinish;
  readonly #received = new TextSize();
  #identity: Json = {};
  #finish: Json | undefined;
  #error: unknown;

  constructor(model: unknown, put: PutFinish) {
    this.#model = model;
    this.#put = put;
  }

  read(chunk: unknown): boolean {
    const part = asObject(chunk);
    const type = part?.['type'];
    if (type === 'finish') this.#finish = part;
    else if (type === 'response-metadata') this.#identity = { ...this.#identity, ...part };
    else if (type === 'error') this.#error = part?.['error'] ?? new Error('stream error');
    if (type === 'transcript-delta' && typeof part?.['delta'] === 'string') this.#received.add(part['delta']);
    return type === 'transcript-delta' || type === 'audio';
  }

  received(): TextSize {
    return this.#received;
  }

  failure(): unknown {
    return this.#error;
  }

  attributes(): Attributes {
    const attributes: Attributes = {};
    this.#put(attributes, this.#model, this.#finish ?? {}, this.#identity);
    return attributes;
  }
}
