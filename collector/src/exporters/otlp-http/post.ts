import { request as httpRequest } from 'node:http';
import type { Agent, IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';

/** Longest answer that is read; what is longer counts as unreadable. */
const MAX_ANSWER_BYTES = 64 * 1_024;

/** Kept connections that may turn out closed before that counts as a failure. */
const MAX_STALE = 4;

export interface PostTarget {
  readonly url: URL;
  /** Keeps connections between requests; of `node:https` for an https URL. */
  readonly agent: Agent;
  readonly timeoutMs: number;
}

export interface PostAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly retryAfter: string | undefined;
  /** Null where it broke off or was too long: the status stands all the same. */
  readonly body: Buffer | null;
}

/** No answer within the time allowed. */
export class PostTimeout extends Error {
  readonly code: string = 'ETIMEDOUT';
  constructor(timeoutMs: number) {
    super(`no answer within ${timeoutMs} ms`);
    this.name = 'PostTimeout';
  }
}

function readAnswer(response: IncomingMessage): Promise<Buffer | null> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    response.on('data', (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size <= MAX_ANSWER_BYTES) return;
      resolve(null);
      response.destroy();
    });
    response.on('end', () => resolve(Buffer.concat(chunks)));
    response.on('error', () => resolve(null));
    response.on('close', () => resolve(null));
  });
}

function isStaleConnection(error: NodeJS.ErrnoException, reused: boolean): boolean {
  return reused && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
}

function attempt(
  { url, agent, timeoutMs }: PostTarget,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
  signal: AbortSignal,
): Promise<PostAnswer | 'stale'> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const request = send(url, { agent, method: 'POST', headers });
    let response: IncomingMessage | null = null;
    // With a status known, giving up means to do without the rest of the answer.
    const giveUp = (reason: Error): void =>
      void (response ?? request).destroy(response === null ? reason : undefined);
    const timer = setTimeout(() => giveUp(new PostTimeout(timeoutMs)), timeoutMs);
    const aborted = (): void => giveUp(signal.reason as Error);
    signal.addEventListener('abort', aborted, { once: true });
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
    };
    request.on('error', (error) => {
      if (response !== null) return;
      done();
      if (isStaleConnection(error, request.reusedSocket)) resolve('stale');
      else reject(error);
    });
    request.on('response', (incoming) => {
      response = incoming;
      const { 'content-type': contentType = '', 'retry-after': retryAfter } = incoming.headers;
      void readAnswer(incoming).then((answer) => {
        done();
        resolve({ status: incoming.statusCode ?? 0, contentType, retryAfter, body: answer });
      });
    });
    request.end(body);
  });
}

/**
 * Posts once over a kept connection; redirects are not followed. Resolves as soon as there is a status, even
 * where the rest of the answer breaks. Rejects with the connection's error, PostTimeout, or the signal's reason.
 */
export async function post(
  target: PostTarget,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
  signal: AbortSignal,
): Promise<PostAnswer> {
  const sized = { ...headers, 'content-length': String(body.length) };
  // A kept connection may have been closed from the other side just as it was taken: that is no failure yet.
  for (let stale = 0; ; stale++) {
    signal.throwIfAborted();
    const answer = await attempt(target, sized, body, signal);
    if (answer !== 'stale') return answer;
    if (stale === MAX_STALE) throw new Error('the destination keeps closing connections');
  }
}
