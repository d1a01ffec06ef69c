import type { IncomingHttpHeaders } from 'node:http';

/** Disjoint token counts, except that `output` includes `reasoning` and the audio parts are inside. */
export interface StandInUsage {
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite5m: number;
  readonly cacheWrite1h: number;
  readonly output: number;
  readonly reasoning: number;
  readonly audioInput: number;
  readonly audioOutput: number;
}

/**
 * How the stand-in should answer one request: JSON in the header `x-stand-in`, or told beforehand at the
 * control endpoint. Without either every answer is a success with counts that follow from the request.
 */
export interface Behaviour {
  /** Counts to report instead of those derived from the request. */
  readonly usage?: Partial<StandInUsage>;
  /** Answer with this error status. 529 is Anthropic's "overloaded". */
  readonly status?: number;
  /** With `status`: only the first so many requests of this `key` fail. */
  readonly times?: number;
  readonly key?: string;
  /** `retry-after-ms` of an error answer. */
  readonly retryAfterMs?: number;
  /** Wait before the answer. */
  readonly delayMs?: number;
  /** Content chunks of a stream. */
  readonly chunks?: number;
  readonly chunkDelayMs?: number;
  /** After so many content chunks: go silent, close the connection, or send an error event. */
  readonly stallAfter?: number;
  readonly closeAfter?: number;
  readonly errorAfter?: number;
  /** Send a body that is not JSON. */
  readonly garbage?: boolean;
  /** Call a tool instead of answering with text. */
  readonly tool?: boolean;
  readonly serviceTier?: string;
  /** Further fields of the usage, as the provider names them. */
  readonly usageFields?: Readonly<Record<string, unknown>>;
  /** Report usage in every chunk, growing, as some compatible servers do. */
  readonly cumulativeUsage?: boolean;
}

/** Reads the behaviour that a request asks for; an unreadable header asks for nothing, undefined is none. */
export function behaviourOf(headers: IncomingHttpHeaders): Behaviour | undefined {
  const header = headers['x-stand-in'];
  if (typeof header !== 'string') return undefined;
  try {
    return JSON.parse(header) as Behaviour;
  } catch {
    return {};
  }
}

/** About four characters a token, at least one: the same text always counts the same. */
export function countTokens(text: string): number {
  return Math.max(1, Math.ceil(text.length / 4));
}

/** Counts of a request: what the behaviour states, else derived from the prompt and the output limit. */
export function usageOf(behaviour: Behaviour, prompt: string, maxTokens: number | undefined): StandInUsage {
  const output = Math.min(maxTokens ?? 64, 16 + (prompt.length % 97));
  const derived: StandInUsage = {
    input: countTokens(prompt),
    cacheRead: 0,
    cacheWrite5m: 0,
    cacheWrite1h: 0,
    output,
    reasoning: 0,
    audioInput: 0,
    audioOutput: 0,
  };
  return { ...derived, ...behaviour.usage };
}
