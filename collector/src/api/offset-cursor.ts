import { createHash } from 'node:crypto';
import { z } from 'zod';
import { Refusal } from '../pipeline/refusal.ts';

const CONTENT = z.tuple([z.literal(1), z.string(), z.int().min(0)]);

function digest(question: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(question)).digest('base64url').slice(0, 16);
}

/** An opaque cursor into a list that does not change for one question. */
export function encodeOffset(offset: number, question: readonly unknown[]): string {
  return Buffer.from(JSON.stringify([1, digest(question), offset])).toString('base64url');
}

/** Rejects with Refusal `invalid` a cursor that is garbled or belongs to another question. */
export function decodeOffset(text: string, question: readonly unknown[]): number {
  let content: z.output<typeof CONTENT>;
  try {
    content = CONTENT.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
  } catch (error) {
    throw new Refusal('invalid', '"cursor" is not one that this endpoint gave.', { cause: error });
  }
  if (content[1] !== digest(question)) {
    throw new Refusal('invalid', '"cursor" belongs to another question, or the prices have changed since.');
  }
  return content[2];
}
