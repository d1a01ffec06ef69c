// What apps do with clients that Stainless generates, whichever API they are of.
import { bytes, count, few, SLOW } from './reading.mjs';

/** Chat completions, whole and streamed. */
export function chatScenarios({ under, chat, usage }) {
  return {
    plain: () => under({ usage }, async () => (await chat()).choices[0].message.content),
    tools: () => under({ usage, tool: true }, async () => (await chat()).choices[0].finish_reason),
    withResponse: () =>
      under({ usage }, async () => {
        const { data, response } = await chat().withResponse();
        return [data.usage.prompt_tokens, response.status];
      }),
    asResponse: () =>
      under({ usage }, async () => (await (await chat().asResponse()).json()).usage.completion_tokens),
    ...streamScenarios({ under, usage, stream: () => chat({ stream: true }) }),
    rateLimited: () => under({ status: 429, retryAfterMs: 5 }, () => chat()),
    garbage: () => under({ garbage: true }, () => chat()),
  };
}

/** A stream, read in every way, left at the chunk `until`, and cut off by the provider. */
export function streamScenarios({ under, usage, stream, until = 3 }) {
  return {
    stream: () => under({ usage }, async () => count(await stream())),
    tee: () =>
      under({ usage }, async () => {
        const [left, right] = (await stream()).tee();
        return [await count(left), await count(right)];
      }),
    readable: () => under({ usage }, async () => bytes((await stream()).toReadableStream())),
    break: () => under(SLOW, async () => count(await stream(), until)),
    abort: () =>
      under(SLOW, async () => {
        const source = await stream();
        return few(await count(source, until, () => source.controller.abort()));
      }),
    neverRead: () =>
      under({}, async () => {
        await stream();
        return 'left';
      }),
    errorMidway: () => under({ errorAfter: 3 }, async () => count(await stream())),
    closedMidway: () => under({ closeAfter: 3, chunkDelayMs: 5 }, async () => count(await stream())),
  };
}
