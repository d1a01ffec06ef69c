import type { IncomingMessage } from 'node:http';

/** A request's body: what it says, and its bytes. */
export interface Body {
  /** The parsed JSON, or the text fields of a form; empty for another type. */
  readonly fields: Record<string, unknown>;
  readonly raw: Buffer;
}

const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** Reads a body to its end. Throws on one over 16 MiB, and on JSON that is none. */
export async function readBody(incoming: IncomingMessage): Promise<Body> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of incoming as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MAX_BODY_BYTES) throw new Error('request body too large');
    parts.push(part);
  }
  const raw = Buffer.concat(parts);
  return { raw, fields: raw.length === 0 ? {} : await fieldsOf(incoming.headers['content-type'] ?? '', raw) };
}

async function fieldsOf(type: string, raw: Buffer): Promise<Record<string, unknown>> {
  if (type.startsWith('multipart/form-data')) {
    const form = await new Response(new Uint8Array(raw), { headers: { 'content-type': type } }).formData();
    return Object.fromEntries([...form].filter(([, value]) => typeof value === 'string'));
  }
  // A body without a type is taken for JSON, as SDKs that send none mean it.
  if (type !== '' && !type.includes('json')) return {};
  return JSON.parse(raw.toString('utf8')) as Record<string, unknown>;
}
