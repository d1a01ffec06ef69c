import type { ServedRequest } from './provider/index.ts';

/** Tokens of one scenario; `input` includes the cached, `output` the reasoning ones. */
export interface Counts {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly reasoning: number;
}

export const NO_COUNTS: Counts = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0 };

const ATTRIBUTES: Readonly<Record<keyof Counts, string>> = {
  input: 'gen_ai.usage.input_tokens',
  output: 'gen_ai.usage.output_tokens',
  cacheRead: 'gen_ai.usage.cache_read.input_tokens',
  cacheWrite: 'gen_ai.usage.cache_write.input_tokens',
  reasoning: 'gen_ai.usage.reasoning.output_tokens',
};

/** What spans say, added up; a count that is absent adds nothing. */
export function countsOfSpans(
  spans: readonly { readonly attributes: Readonly<Record<string, unknown>> }[],
): Counts {
  const sum: Record<keyof Counts, number> = { ...NO_COUNTS };
  for (const { attributes } of spans) {
    for (const [name, key] of Object.entries(ATTRIBUTES)) {
      sum[name as keyof Counts] += Number(attributes[key] ?? 0);
    }
  }
  return sum;
}

/** Whether a request's client was told what it used. */
export function wasToldUsage({ usageSent, status }: ServedRequest): boolean {
  return usageSent && status >= 200 && status < 300;
}

/** What a stand-in told, added up. */
export function countsOfRequests(requests: readonly ServedRequest[]): Counts {
  const sum: Record<keyof Counts, number> = { ...NO_COUNTS };
  for (const request of requests) {
    if (!wasToldUsage(request)) continue;
    const { input, output, cacheRead, cacheWrite5m, cacheWrite1h, reasoning } = request.usage;
    sum.input += input + cacheRead + cacheWrite5m + cacheWrite1h;
    sum.output += output;
    sum.cacheRead += cacheRead;
    sum.cacheWrite += cacheWrite5m + cacheWrite1h;
    sum.reasoning += reasoning;
  }
  return sum;
}
