import { createHash } from 'node:crypto';
import { z } from 'zod';
import { Refusal } from '../pipeline/refusal.ts';

/** The last row of a page; the next page starts right after it. */
export interface PagePosition {
  /** ISO instant with microseconds, as the database wrote it. */
  readonly startedAt: string;
  readonly tenant: string;
  readonly traceId: string;
  readonly spanId: string;
}

const CONTENT = z.tuple([
  z.literal(1),
  z.string(),
  z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/),
  z.string().max(512),
  z.string().regex(/^[0-9a-f]{32}$/),
  z.string().regex(/^[0-9a-f]{16}$/),
]);

/** Names the question that a cursor continues: what is asked, of which tenant. */
function questionDigest(question: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(question)).digest('base64url').slice(0, 16);
}

/** An opaque cursor. It grants nothing: it is a place in the list, and the tenant's policies hold on every page. */
export function encodeCursor(position: PagePosition, question: readonly unknown[]): string {
  const { startedAt, tenant, traceId, spanId } = position;
  const content = [1, questionDigest(question), startedAt, tenant, traceId, spanId];
  return Buffer.from(JSON.stringify(content)).toString('base64url');
}

/** Rejects with Refusal `invalid` a cursor that is garbled or belongs to another question. */
export function decodeCursor(text: string, question: readonly unknown[]): PagePosition {
  let content: z.output<typeof CONTENT>;
  try {
    content = CONTENT.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
  } catch (error) {
    throw new Refusal('invalid', '"cursor" is not one that this endpoint gave.', { cause: error });
  }
  const [, digest, startedAt, tenant, traceId, spanId] = content;
  if (digest !== questionDigest(question)) {
    throw new Refusal('invalid', '"cursor" belongs to another tenant or other filters.');
  }
  return { startedAt, tenant, traceId, spanId };
}
