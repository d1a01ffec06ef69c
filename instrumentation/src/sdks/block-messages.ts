import type { Message, Part } from '../content.ts';
import { objectsIn, textOr, type Json } from '../json.ts';

/** Reads one block of a message. */
type PartOf = (block: Json) => Part;

/** The parts of content that is text or a list of blocks. */
export function blockParts(content: unknown, partOf: PartOf): Part[] {
  if (typeof content === 'string') return [{ type: 'text', content }];
  return objectsIn(content).map(partOf);
}

/** All messages of a request; none where it has none. */
export function blockMessages(messages: unknown, partOf: PartOf): Message[] {
  return objectsIn(messages).map(({ role, content }) => ({
    role: textOr(role, 'user'),
    parts: blockParts(content, partOf),
  }));
}

/** The answer of a model as one message. */
export function blockAnswer(blocks: unknown, reason: unknown, partOf: PartOf): Message {
  const message = { role: 'assistant', parts: blockParts(blocks, partOf) };
  return typeof reason === 'string' ? { ...message, finish_reason: reason } : message;
}
