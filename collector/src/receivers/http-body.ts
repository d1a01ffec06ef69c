import type { IncomingMessage } from 'node:http';
import { createGunzip } from 'node:zlib';
import type { Gunzip } from 'node:zlib';
import { Refusal } from '../pipeline/refusal.ts';
import type { Reservation } from './byte-budget.ts';

export type BodyCoding = 'identity' | 'gzip';

const INFLATE_CHUNK_BYTES = 64 * 1024;

/** The sender went away before its request was complete; there is nobody to answer. */
export class Disconnected extends Error {
  constructor() {
    super('the sender closed the connection before the request was complete');
    this.name = 'Disconnected';
  }
}

/** Refusal for a body over the limit, before or after decompression. */
export function tooLarge(maxBytes: number): Refusal {
  return new Refusal(
    'too_large',
    `the request is larger than ${maxBytes} bytes, counted after decompression`,
  );
}

class BodyReader {
  readonly #request: IncomingMessage;
  readonly #maxBytes: number;
  readonly #reservation: Reservation;
  readonly #gunzip: Gunzip | null;
  readonly #chunks: Buffer[] = [];
  #receivedBytes = 0;
  #bodyBytes = 0;
  #settled = false;
  #resolve: (body: Buffer) => void = () => {};
  #reject: (error: Error) => void = () => {};

  constructor(request: IncomingMessage, coding: BodyCoding, maxBytes: number, reservation: Reservation) {
    this.#request = request;
    this.#maxBytes = maxBytes;
    this.#reservation = reservation;
    this.#gunzip = coding === 'gzip' ? createGunzip({ chunkSize: INFLATE_CHUNK_BYTES }) : null;
  }

  async read(): Promise<Buffer> {
    const body = new Promise<Buffer>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#gunzip?.on('data', (chunk: Buffer) => this.#keep(chunk));
    this.#gunzip?.on('end', () => this.#finish());
    this.#gunzip?.on('error', (cause) =>
      this.#fail(new Refusal('invalid', 'the gzip data is damaged', { cause })),
    );
    this.#request.on('data', this.#onData);
    this.#request.on('end', this.#onEnd);
    this.#request.on('error', this.#onGone);
    this.#request.on('close', this.#onGone);
    return body;
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#receivedBytes += chunk.length;
    if (this.#gunzip === null) return this.#keep(chunk);
    if (this.#receivedBytes > this.#maxBytes) return this.#fail(tooLarge(this.#maxBytes));
    if (this.#gunzip.write(chunk)) return undefined;
    this.#request.pause();
    this.#gunzip.once('drain', () => {
      if (!this.#settled) this.#request.resume();
    });
    return undefined;
  };

  readonly #onEnd = (): void => {
    if (this.#gunzip === null || this.#receivedBytes === 0) this.#finish();
    else this.#gunzip.end();
  };

  readonly #onGone = (): void => {
    if (!this.#request.complete) this.#fail(new Disconnected());
  };

  #keep(chunk: Buffer): void {
    if (this.#settled) return;
    this.#bodyBytes += chunk.length;
    if (this.#bodyBytes > this.#maxBytes) return this.#fail(tooLarge(this.#maxBytes));
    try {
      this.#reservation.take(chunk.length);
    } catch (error) {
      return this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
    this.#chunks.push(chunk);
    return undefined;
  }

  #finish(): void {
    if (!this.#settle()) return;
    const [only] = this.#chunks;
    this.#resolve(
      this.#chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.#chunks, this.#bodyBytes),
    );
  }

  #fail(error: Error): void {
    if (this.#settle()) this.#reject(error);
  }

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#request.off('data', this.#onData);
    this.#request.off('end', this.#onEnd);
    this.#request.off('close', this.#onGone);
    if (!this.#request.complete) this.#request.pause();
    this.#gunzip?.destroy();
    return true;
  }
}

/**
 * Reads a request's body, decompressed. Rejects with Refusal `too_large`, `invalid` (damaged gzip) or
 * `unavailable` (budget), and with Disconnected; what is left of the request is then still to be read.
 */
export async function readBody(
  request: IncomingMessage,
  coding: BodyCoding,
  maxBytes: number,
  reservation: Reservation,
): Promise<Buffer> {
  return new BodyReader(request, coding, maxBytes, reservation).read();
}
