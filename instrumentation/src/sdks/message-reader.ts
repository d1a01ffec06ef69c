import type { Attributes } from '@opentelemetry/api';
import type { StreamReader } from '../adapter.ts';
import type { Message } from '../content.ts';
import { TextSize } from '../text-size.ts';
import { StreamedMessage } from './streamed-message.ts';

/** Reads a stream of one message: how long it is and, where content is captured, what it says. */
export abstract class MessageReader implements StreamReader {
  protected readonly size: TextSize = new TextSize();
  protected readonly said: StreamedMessage | undefined;

  constructor(capture: boolean) {
    this.said = capture ? new StreamedMessage() : undefined;
  }

  abstract read(chunk: unknown): boolean;
  abstract attributes(): Attributes;

  received(): TextSize {
    return this.size;
  }

  messages(): readonly Message[] {
    return this.said?.messages() ?? [];
  }
}
