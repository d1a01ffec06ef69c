import { count, few, SLOW } from './reading.mjs';

export const packages = ['cohere-ai'];

/** Cohere tells neither cache writes nor reasoning. */
const USAGE = { input: 450, output: 180 };
const model = 'command-a-03-2025';
/** The SDK keeps the process for as long as a stream that was left could have lasted. */
const LEFT = { timeoutInSeconds: 3 };

export function scenarios({ modules, url, under, arrival, prompt }) {
  const { CohereClient, CohereClientV2 } = modules['cohere-ai'];
  const options = { token: 'test', environment: url, maxRetries: 0, timeoutInSeconds: 10 };
  const v1 = new CohereClient(options);
  const v2 = new CohereClientV2(options);
  const messages = [{ role: 'user', content: prompt }];
  const chat = (more, settings) => v2.chat({ model, messages, ...more }, settings);
  const stream = (settings) => v2.chatStream({ model, messages }, settings);
  const lab = { under, arrival, v1, v2, chat, stream, prompt, messages, CohereClientV2, options };
  return { ...chats(lab), ...former(lab), ...others(lab), ...cutShort(lab), ...failing(lab) };
}

function chats({ under, v1, chat, stream, messages }) {
  return {
    plain: () => under({ usage: USAGE }, async () => (await chat()).message.content[0].text),
    stream: () => under({ usage: USAGE }, async () => count(await stream())),
    cached: () =>
      under({ usage: { input: 10, cacheRead: 5000, output: 7 } }, async () => (await chat()).usage),
    tools: () => under({ usage: USAGE, tool: true }, async () => (await chat()).message.toolCalls.length),
    byGetter: () => under({ usage: USAGE }, async () => (await v1.v2.chat({ model, messages })).id),
    withResponse: () =>
      under({ usage: USAGE }, async () => {
        const { data, rawResponse } = await chat().withRawResponse();
        return [data.usage.billedUnits, rawResponse.status];
      }),
    withResponseStream: () =>
      under({ usage: USAGE }, async () => count((await stream().withRawResponse()).data)),
    responseAndValue: () =>
      under({ usage: USAGE }, async () => {
        const promise = chat();
        const [whole, { data }] = await Promise.all([promise, promise.withRawResponse()]);
        return [whole === data, promise.constructor.name, promise instanceof Promise];
      }),
    shape: () =>
      under({}, async () => {
        const source = await stream();
        const shape = [source.constructor.name, Object.keys(source).join()];
        await count(source);
        return shape;
      }),
  };
}

function former({ under, v1, prompt }) {
  const message = prompt;
  const chatHistory = [{ role: 'USER', message }];
  return {
    v1Chat: () => under({ usage: USAGE }, async () => (await v1.chat({ model, message, chatHistory })).text),
    v1Stream: () => under({ usage: USAGE }, async () => count(await v1.chatStream({ model, message }))),
    v1Break: () => under(SLOW, async () => count(await v1.chatStream({ model, message }, LEFT), 3)),
    v1Generate: () =>
      under({ usage: USAGE }, async () => (await v1.generate({ model, prompt })).generations.length),
    v1Embeddings: () =>
      under({ usage: USAGE }, async () => {
        const request = { model: 'embed-english-v3.0', texts: [prompt], inputType: 'search_query' };
        return (await v1.embed(request)).embeddings.length;
      }),
    v1Rerank: () =>
      under({}, async () => {
        const request = { model: 'rerank-v3.5', query: prompt, documents: [prompt] };
        return (await v1.rerank(request)).results.length;
      }),
    v1RateLimited: () => under({ status: 429 }, () => v1.chat({ model, message })),
  };
}

function others({ under, v2, prompt }) {
  return {
    embeddings: () =>
      under({ usage: USAGE }, async () => {
        const texts = [prompt];
        const request = { model: 'embed-v4.0', texts, inputType: 'search_query', embeddingTypes: ['float'] };
        return (await v2.embed(request)).embeddings.float.length;
      }),
    rerank: () =>
      under({}, async () => {
        const request = { model: 'rerank-v3.5', query: prompt, documents: [prompt] };
        return (await v2.rerank(request)).results[0].relevanceScore;
      }),
  };
}

function cutShort({ under, arrival, chat, stream }) {
  return {
    break: () => under(SLOW, async () => count(await stream(LEFT), 3)),
    abort: () =>
      under(SLOW, async () => {
        const stop = new AbortController();
        return few(await count(await stream({ abortSignal: stop.signal }), 3, () => stop.abort()));
      }),
    abortEarly: () =>
      under({ delayMs: 8000 }, () => {
        const stop = new AbortController();
        void arrival().then(() => stop.abort());
        return chat({}, { abortSignal: stop.signal });
      }),
    neverRead: () =>
      under({}, async () => {
        await stream(LEFT);
        return 'left';
      }),
  };
}

function failing({ under, chat, stream, messages, CohereClientV2, options }) {
  return {
    errorMidway: () => under({ errorAfter: 3 }, async () => count(await stream())),
    closedMidway: () => under({ closeAfter: 3, chunkDelayMs: 5 }, async () => count(await stream())),
    rateLimited: () => under({ status: 429 }, () => chat()),
    unauthorizedStream: () => under({ status: 401 }, async () => count(await stream())),
    caught: () => under({ status: 400 }, () => chat().catch((error) => error.statusCode)),
    responseFailed: () => under({ status: 500 }, () => chat().withRawResponse()),
    retried: () =>
      under(
        { usage: USAGE, status: 503, times: 1, retryAfterMs: 5 },
        async () => (await chat({}, { maxRetries: 1 })).id,
      ),
    garbage: () => under({ garbage: true }, () => chat()),
    refused: () =>
      under({}, () => {
        const nowhere = new CohereClientV2({ ...options, environment: 'http://127.0.0.1:1' });
        return nowhere.chat({ model, messages });
      }),
  };
}
