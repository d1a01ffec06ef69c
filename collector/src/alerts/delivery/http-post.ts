import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { readFile } from 'node:fs/promises';
import { guardedLookup, isRefusedAddress, RefusedAddress } from './address.ts';

/** Of an answer only the first words are told of. */
const MAX_ANSWER_BYTES = 2_048;

export interface PostRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** For connecting and the answer together. */
  readonly timeoutMs: number;
  /** Certificates to trust besides nobody's, as PEM; null trusts the system's. */
  readonly caFile: string | null;
}

export interface PostAnswer {
  readonly status: number;
  readonly retryAfter: string | null;
  /** Its first bytes, as text; empty where they did not come. */
  readonly text: string;
}

function readStart(response: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const done = (): void => resolve(Buffer.concat(chunks).subarray(0, MAX_ANSWER_BYTES).toString('utf8'));
    response.on('data', (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size >= MAX_ANSWER_BYTES) response.destroy();
    });
    response.on('end', done);
    response.on('error', done);
    response.on('close', done);
  });
}

/**
 * Posts once, over a connection of its own: messages are few, and a kept connection may be closed unseen. Follows no
 * redirect, and sends to no link-local address. Resolves once there is a status, even where the rest does not come.
 * Rejects with the connection's error, one that names the time, or the signal's reason.
 */
export async function postOnce(request: PostRequest, signal: AbortSignal): Promise<PostAnswer> {
  const { url, headers, body, timeoutMs, caFile } = request;
  if (isRefusedAddress(url.hostname)) throw new RefusedAddress();
  const content = Buffer.from(body);
  const options: RequestOptions & { ca?: Buffer } = {
    method: 'POST',
    agent: false,
    lookup: guardedLookup,
    headers: { ...headers, 'content-length': content.length },
    ...(caFile === null ? {} : { ca: await readFile(caFile) }),
  };
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const sent = send(url, options);
    let response: IncomingMessage | null = null;
    const giveUp = (reason: Error): void =>
      void (response ?? sent).destroy(response === null ? reason : undefined);
    const late = (): void => giveUp(new Error(`no answer within ${timeoutMs} ms`));
    const timer = setTimeout(late, timeoutMs);
    const aborted = (): void => giveUp(signal.reason as Error);
    signal.addEventListener('abort', aborted, { once: true });
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
    };
    sent.on('error', (error) => {
      if (response !== null) return;
      done();
      reject(error);
    });
    sent.on('response', (incoming) => {
      response = incoming;
      void readStart(incoming).then((text) => {
        done();
        const retryAfter = incoming.headers['retry-after'] ?? null;
        resolve({ status: incoming.statusCode ?? 0, retryAfter, text });
        sent.destroy();
      });
    });
    sent.end(content);
  });
}
