import type { Attributes, Span } from '@opentelemetry/api';
import type { Logger } from '@opentelemetry/api-logs';
import type { ContentMode, ContentReader, Message } from './content.ts';

/** What may be captured, before it is written anywhere. */
export interface ContentToRedact {
  readonly input: readonly Message[];
  readonly output: readonly Message[];
  readonly system: readonly unknown[];
  readonly tools: readonly unknown[];
}

/** Takes out what must not leave; undefined leaves all of it out. A fault in it leaves all of it out too. */
export type RedactContent = (content: ContentToRedact) => Partial<ContentToRedact> | undefined;

/** Writes prompts and answers to spans and events, where that is switched on. */
export class CapturedContent {
  readonly #mode: ContentMode;

  constructor(mode: ContentMode, _redact: RedactContent | undefined, _logger: () => Logger) {
    this.#mode = mode;
  }

  get isWanted(): boolean {
    return this.#mode.onSpan || this.#mode.onEvent;
  }

  /** `attributes` are those of the span, for the event. */
  tell(
    _span: Span,
    _attributes: Attributes,
    _reader: ContentReader,
    _body: unknown,
    _output: readonly Message[],
  ): void {}
}
