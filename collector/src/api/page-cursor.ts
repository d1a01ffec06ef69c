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

const POSITION = z.tuple([
  z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/),
  z.string().max(512),
  z.string().regex(/^[0-9a-f]{32}$/),
  z.string().regex(/^[0-9a-f]{16}$/),
]);

const CURSOR = z.tuple([z.literal(1), z.string()]).rest(z.string());

/** Names the question that a cursor continues: what is asked, of which tenant. */
function questionDigest(question: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(question)).digest('base64url').slice(0, 16);
}

/** An opaque cursor. It grants nothing: it is a place in the list, and the tenant's policies hold on every page. */
export function encodeCursor(position: PagePosition, question: readonly unknown[]): string {
  const { startedAt, tenant, traceId, spanId } = position;
  return encodePlace([startedAt, tenant, traceId, spanId], question);
}

/** Rejects with Refusal `invalid` a cursor that is garbled or belongs to another question. */
export function decodeCursor(text: string, question: readonly unknown[]): PagePosition {
  const [startedAt, tenant, traceId, spanId] = decodePlace(text, POSITION, question);
  return { startedAt, tenant, traceId, spanId };
}

/** A cursor of any list: a place in it, bound to the question. */
export function encodePlace(place: readonly string[], question: readonly unknown[]): string {
  return Buffer.from(JSON.stringify([1, questionDigest(question), ...place])).toString('base64url');
}

/** Reads a place that `encodePlace` wrote. Rejects with Refusal `invalid` like `decodeCursor`. */
export function decodePlace<T extends readonly string[]>(
  text: string,
  schema: z.ZodType<T>,
  question: readonly unknown[],
): T {
  let digest: string;
  let place: T;
  try {
    const content: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    const [, named, ...rest] = CURSOR.parse(content);
    digest = named;
    place = schema.parse(rest);
  } catch (error) {
    throw new Refusal('invalid', '"cursor" is not one that this endpoint gave.', { cause: error });
  }
  if (digest !== questionDigest(question)) {
    throw new Refusal('invalid', '"cursor" belongs to another tenant or other filters.');
  }
  return place;
}
