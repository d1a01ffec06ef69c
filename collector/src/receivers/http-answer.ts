import type { IncomingMessage, ServerResponse } from 'node:http';
import { encodeStatus } from '../otlp/response.ts';
import type { Encoding } from '../otlp/response.ts';
import type { Refusal } from '../pipeline/refusal.ts';

const CONTENT_TYPES: Readonly<Record<Encoding, string>> = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
};

/** A refused request's rest is read and thrown away up to here, so that its sender sees the answer. */
const MAX_DRAIN_BYTES = 128 * 1024 * 1024;
const MAX_DRAIN_MS = 5000;
/** A rest this small is read to its end, and the connection stays. */
const KEEP_ALIVE_DRAIN_BYTES = 256 * 1024;

/** Whole seconds, at least 1: `Retry-After` knows nothing smaller. */
export function retryAfterSeconds(retryAfterMs: number): number {
  return Math.max(1, Math.ceil(retryAfterMs / 1000));
}

/** Sends 200 with an Export<Signal>ServiceResponse in the request's encoding. */
export function sendAnswer(
  response: ServerResponse,
  encoding: Encoding,
  body: Uint8Array,
  close: boolean,
): void {
  response.writeHead(200, {
    'content-type': CONTENT_TYPES[encoding],
    'content-length': body.length,
    ...(close ? { connection: 'close' } : {}),
  });
  response.end(body);
}

export interface RefusalAnswer {
  readonly refusal: Refusal;
  /** The request's encoding; JSON where it is unknown. */
  readonly encoding: Encoding;
  readonly headers: Readonly<Record<string, string>>;
  /** The connection is to end after this answer. */
  readonly close: boolean;
  /** The sender waits for `100 Continue`, so no body is under way. */
  readonly bodyWithheld: boolean;
}

function leftToRead(request: IncomingMessage): 'nothing' | 'little' | 'much' {
  if (request.complete) return 'nothing';
  const length = request.headers['content-length'];
  if (length === undefined && request.headers['transfer-encoding'] === undefined) return 'nothing';
  return length !== undefined && Number(length) <= KEEP_ALIVE_DRAIN_BYTES ? 'little' : 'much';
}

/**
 * Sends an error with a `google.rpc.Status`. Closing a connection on which the sender still writes would reset
 * it and lose the answer, so the rest of the request is read first, within bounds.
 */
export function sendRefusal(request: IncomingMessage, response: ServerResponse, answer: RefusalAnswer): void {
  const { refusal, encoding, headers } = answer;
  const body = encodeStatus(encoding, refusal.grpcStatus, refusal.message, refusal.retryAfterMs);
  const left = answer.bodyWithheld ? 'much' : leftToRead(request);
  const close = answer.close || left === 'much';
  response.writeHead(refusal.httpStatus, {
    ...headers,
    'content-type': CONTENT_TYPES[encoding],
    'content-length': body.length,
    ...(refusal.retryAfterMs === undefined
      ? {}
      : { 'retry-after': String(retryAfterSeconds(refusal.retryAfterMs)) }),
    ...(close ? { connection: 'close' } : {}),
  });
  if (left !== 'much' || answer.bodyWithheld) {
    response.end(body);
    request.resume();
    return;
  }
  response.write(body);
  drain(request, () => response.end());
}

function drain(request: IncomingMessage, done: () => void): void {
  let drained = 0;
  let ended = false;
  const end = (): void => {
    if (ended) return;
    ended = true;
    clearTimeout(timer);
    done();
  };
  const timer = setTimeout(end, MAX_DRAIN_MS);
  request.on('data', (chunk: Buffer) => {
    drained += chunk.length;
    if (drained > MAX_DRAIN_BYTES) end();
  });
  request.once('end', end);
  request.once('error', end);
  request.once('close', end);
  request.resume();
}
