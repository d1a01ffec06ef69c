/** Why a request was not taken. Between stages nothing else is thrown on purpose. */
export type RefusalCode =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'method_not_allowed'
  | 'too_large'
  | 'unsupported_media_type'
  | 'overloaded'
  | 'unavailable';

interface Answer {
  readonly http: number;
  readonly grpc: number;
}

/**
 * One table from refusals to wire codes. OTLP 1.11: clients retry HTTP 429, 502, 503 and 504 and gRPC
 * UNAVAILABLE; RESOURCE_EXHAUSTED only with RetryInfo; a body over the limit is 413 and RESOURCE_EXHAUSTED
 * without RetryInfo, so it is not retried.
 */
const ANSWERS: Readonly<Record<RefusalCode, Answer>> = {
  invalid: { http: 400, grpc: 3 },
  unauthenticated: { http: 401, grpc: 16 },
  forbidden: { http: 403, grpc: 7 },
  not_found: { http: 404, grpc: 12 },
  method_not_allowed: { http: 405, grpc: 12 },
  too_large: { http: 413, grpc: 8 },
  unsupported_media_type: { http: 415, grpc: 3 },
  overloaded: { http: 429, grpc: 8 },
  unavailable: { http: 503, grpc: 14 },
};

/** Every code, for a counter that shows 0 of each. */
export const REFUSAL_CODES: readonly string[] = Object.keys(ANSWERS);

/** A deliberate "no" with a code that every door can translate. `message` is safe to show to the sender. */
export class Refusal extends Error {
  readonly code: RefusalCode;
  /** When the sender may try again, in milliseconds; set on `overloaded` and `unavailable` only. */
  readonly retryAfterMs: number | undefined;

  constructor(code: RefusalCode, message: string, options: { retryAfterMs?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'Refusal';
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }

  get retryable(): boolean {
    return this.code === 'overloaded' || this.code === 'unavailable';
  }

  get httpStatus(): number {
    return ANSWERS[this.code].http;
  }

  get grpcStatus(): number {
    return ANSWERS[this.code].grpc;
  }
}
