/**
 * An app that uses both SDKs in every way that matters and prints what it sees. It is run bare and under
 * `register`: what it prints must not differ. Each scenario is attributed under its own name as feature.
 */
export const SCENARIOS = `
import OpenAI from 'openai';
import Anthropic from '@anthropic-ai/sdk';
import { withAttribution } from '@spanmeter/instrumentation';
const openai = new OpenAI({ maxRetries: 0 });
const anthropic = new Anthropic({ maxRetries: 0 });
const messages = [{ role: 'user', content: 'hi' }];
const as = (behaviour) => ({ headers: { 'x-stand-in': JSON.stringify(behaviour) } });
const chat = (more, behaviour = {}, options = {}) =>
  openai.chat.completions.create({ model: 'gpt-4o', messages, ...more }, { ...as(behaviour), ...options });
const say = (more, behaviour = {}, options = {}) =>
  anthropic.messages.create(
    { model: 'claude-haiku-4-5', max_tokens: 99, messages, ...more }, { ...as(behaviour), ...options });
const usage = { input: 450, output: 180, cacheRead: 1000, cacheWrite5m: 300, cacheWrite1h: 70, reasoning: 20 };
const stream = true;
const stream_options = { include_usage: true };
const count = async (source, until = Infinity, then = () => {}) => {
  let chunks = 0;
  for await (const _ of source) {
    chunks += 1;
    if (chunks === until && then() === 'break') break;
  }
  return chunks;
};
const read = async (web) => {
  let bytes = 0;
  for await (const part of web) bytes += part.length;
  return bytes;
};
const SCENARIOS = {
  openaiPlain: async () => (await chat({}, { usage })).choices[0].message.content,
  openaiTool: async () => (await chat({}, { usage, tool: true })).choices[0].finish_reason,
  openaiStream: async () => count(await chat({ stream }, { usage })),
  openaiStreamUsage: async () => count(await chat({ stream, stream_options }, { usage })),
  openaiCumulative: async () => count(await chat({ stream }, { usage, cumulativeUsage: true })),
  openaiBreak: async () => count(await chat({ stream }, { chunks: 50, chunkDelayMs: 5 }), 3, () => 'break'),
  openaiAbort: async () => {
    const source = await chat({ stream }, { chunks: 50, chunkDelayMs: 5 });
    return count(source, 3, () => source.controller.abort());
  },
  openaiSignal: async () => {
    const stop = new AbortController();
    return count(await chat({ stream }, { chunks: 50, chunkDelayMs: 5 }, { signal: stop.signal }), 3, () => stop.abort());
  },
  openaiSignalEarly: async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 20);
    return chat({}, { delayMs: 5000 }, { signal: stop.signal });
  },
  openaiUnreadAbort: async () => {
    const source = await chat({ stream }, { chunks: 50, chunkDelayMs: 5 });
    source.controller.abort();
    return 'aborted';
  },
  openaiErrorMidway: async () => count(await chat({ stream }, { errorAfter: 3 })),
  openaiClosedMidway: async () => count(await chat({ stream }, { closeAfter: 3, chunkDelayMs: 5 })),
  openaiAsResponse: async () => (await (await chat({}, { usage }).asResponse()).json()).usage.completion_tokens,
  openaiAsResponseStream: async () => read((await chat({ stream }, { usage }).asResponse()).body),
  openaiAsResponseThenAwait: async () => {
    const promise = chat({}, { usage });
    const response = await promise.asResponse();
    return [response.status, (await promise).usage.completion_tokens];
  },
  openaiWithResponse: async () => {
    const { data, response, request_id } = await chat({}, { usage }).withResponse();
    return [data.usage.prompt_tokens, response.status, typeof request_id];
  },
  openaiWithResponseStream: async () => {
    const { data, response } = await chat({ stream, stream_options }, { usage }).withResponse();
    return [await count(data), response.status];
  },
  openaiTee: async () => {
    const [left, right] = (await chat({ stream, stream_options }, { usage })).tee();
    return [await count(left), await count(right)];
  },
  openaiReadable: async () => read((await chat({ stream, stream_options }, { usage })).toReadableStream()),
  openaiParse: async () => (await openai.chat.completions.parse({ model: 'gpt-4o', messages }, as({ usage }))).choices[0].message.parsed,
  openaiHelper: async () =>
    (await openai.chat.completions.stream({ model: 'gpt-4o', messages, stream_options }, as({ usage })).finalChatCompletion()).usage.total_tokens,
  openaiThrice: async () => {
    const promise = chat({}, { usage });
    return (await Promise.all([promise, promise, promise.then((it) => it)])).length;
  },
  openaiTwiceIterated: async () => {
    const source = await chat({ stream }, { usage });
    await count(source);
    return count(source);
  },
  openaiShape: async () => {
    const promise = chat({ stream }, {});
    const source = await promise;
    const iterator = source[Symbol.asyncIterator]();
    const shape = [promise.constructor.name, promise instanceof Promise, source.constructor.name,
      Object.prototype.toString.call(iterator), typeof iterator.return, Object.keys(source).join()];
    await iterator.return();
    return shape;
  },
  openai429: async () => chat({}, { status: 429, retryAfterMs: 5 }),
  openai500: async () => chat({}, { status: 500 }),
  openai401Stream: async () => count(await chat({ stream }, { status: 401 })),
  openaiRetried: async () => (await chat({}, { usage, status: 500, times: 1, key: process.env.RUN, retryAfterMs: 5 }, { maxRetries: 2 })).model,
  openaiGarbage: async () => chat({}, { garbage: true }),
  openaiRefused: async () => new OpenAI({ baseURL: 'http://127.0.0.1:1/v1', maxRetries: 0 }).chat.completions.create({ model: 'gpt-4o', messages }),
  openaiBadBody: async () => (await chat({ model: undefined, messages: undefined })).object,
  openaiEmbeddings: async () => (await openai.embeddings.create({ model: 'text-embedding-3-large', input: 'hi', dimensions: 4 }, as({ usage: { input: 1000 } }))).data[0].embedding.length,
  anthropicPlain: async () => (await say({}, { usage })).content[0].text,
  anthropicTool: async () => (await say({}, { usage, tool: true })).stop_reason,
  anthropicStream: async () => count(await say({ stream }, { usage })),
  anthropicBreak: async () => count(await say({ stream }, { usage, chunks: 50, chunkDelayMs: 5 }), 5, () => 'break'),
  anthropicAbort: async () => {
    const source = await say({ stream }, { usage, chunks: 50, chunkDelayMs: 5 });
    return count(source, 5, () => source.controller.abort());
  },
  anthropicErrorMidway: async () => count(await say({ stream }, { usage, errorAfter: 3 })),
  anthropicClosedMidway: async () => count(await say({ stream }, { usage, closeAfter: 3, chunkDelayMs: 5 })),
  anthropicAsResponse: async () => (await (await say({}, { usage }).asResponse()).json()).usage.output_tokens,
  anthropicWithResponse: async () => {
    const { data, response } = await say({}, { usage }).withResponse();
    return [data.usage.output_tokens, response.status];
  },
  anthropicHelper: async () => (await anthropic.messages.stream({ model: 'claude-haiku-4-5', max_tokens: 9, messages }, as({ usage })).finalMessage()).usage.output_tokens,
  anthropicTee: async () => {
    const [left, right] = (await say({ stream }, { usage })).tee();
    return [await count(left), await count(right)];
  },
  anthropic429: async () => say({}, { status: 429, retryAfterMs: 5 }),
  anthropic529: async () => say({}, { status: 529 }),
  anthropicRetried: async () => (await say({}, { usage, status: 529, times: 1, key: process.env.RUN, retryAfterMs: 5 }, { maxRetries: 2 })).model,
};
process.on('unhandledRejection', (error) => console.log('UNHANDLED', error?.name));
for (const [name, run] of Object.entries(SCENARIOS)) {
  const shown = await withAttribution({ feature: name }, () => run().then(
    (result) => JSON.stringify(result),
    (error) => error.constructor.name + ' ' + error.status,
  ));
  console.log(name, shown);
}
`;
