import type { ObservedCall } from '../../call.ts';
import { deliver } from '../../deliver.ts';
import { asObject, type Json } from '../../json.ts';
import { isPromise } from '../../promises.ts';
import { isStream } from '../../stream.ts';

/** What `then` and `withRawResponse()` of the SDK's promise are made of (`cohere-ai@8.1 core/fetcher`). */
interface ResponsePromise {
  innerPromise: Promise<unknown>;
}

function isResponsePromise(value: unknown): value is ResponsePromise {
  return isPromise(asObject(value)?.['innerPromise']);
}

/** Bedrock tells in headers what Cohere's bodies there leave out (`cohere-ai@8.1 aws-utils`). */
const HEADERS = {
  inputTokens: 'x-amzn-bedrock-input-token-count',
  outputTokens: 'x-amzn-bedrock-output-token-count',
} as const;

function countIn(headers: Headers, name: string): number | undefined {
  const text = headers.get(name);
  return text !== null && /^\d{1,12}$/.test(text) ? Number(text) : undefined;
}

/** What was answered, with the counts of its headers where it has none itself; only to be read. */
function counted({ data, rawResponse }: Json): unknown {
  const headers = asObject(rawResponse)?.['headers'];
  const body = asObject(data);
  if (body === undefined || isStream(data) || !(headers instanceof Headers)) return data;
  const inputTokens = countIn(headers, HEADERS.inputTokens);
  const outputTokens = countIn(headers, HEADERS.outputTokens);
  if (inputTokens === undefined && outputTokens === undefined) return data;
  const tokens = { tokens: { inputTokens, outputTokens } };
  const [usage, meta] = [asObject(body['usage']), asObject(body['meta'])];
  return { ...body, usage: { ...tokens, ...usage }, meta: { ...tokens, ...meta } };
}

/**
 * Watches the SDK's promise in place, whichever way the app asks it. The promise inside is followed by another,
 * so that a rejection that nobody handles is still one. Undefined for another shape, as older versions give.
 */
export function watchResponsePromise(result: unknown, call: ObservedCall): unknown {
  if (!isResponsePromise(result)) return undefined;
  result.innerPromise = result.innerPromise.then(
    (answer) => {
      call.answer();
      deliver(
        call.guard(() => counted(asObject(answer) ?? {})),
        call,
      );
      return answer;
    },
    (error: unknown) => {
      call.fail(error);
      throw error;
    },
  );
  return result;
}
