import { Refusal } from '../pipeline/refusal.ts';

/** What an open request costs beside its body: parser, headers, promise chain. */
const REQUEST_OVERHEAD_BYTES = 4096;
const RETRY_AFTER_MS = 1000;

/** What one request holds of the budget. */
export interface Reservation {
  /** Throws Refusal `unavailable` where the budget does not have as much. */
  take(bytes: number): void;
  /** Gives everything back; safe to call twice. */
  release(): void;
}

/** Bounds the bytes of all requests that are in memory at once. */
export class ByteBudget {
  readonly #maxBytes: number;
  #heldBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Starts a request. Throws Refusal `unavailable` where not even an empty one fits. */
  open(): Reservation {
    let own = 0;
    const take = (bytes: number): void => {
      if (this.#heldBytes + bytes > this.#maxBytes) {
        throw new Refusal('unavailable', 'too many requests are being read, send again later', {
          retryAfterMs: RETRY_AFTER_MS,
        });
      }
      own += bytes;
      this.#heldBytes += bytes;
    };
    take(REQUEST_OVERHEAD_BYTES);
    const release = (): void => {
      this.#heldBytes -= own;
      own = 0;
    };
    return { take, release };
  }
}
