import { bytes, count, few, SLOW, unhandled, USAGE } from './reading.mjs';

export const packages = ['openai'];

const stream = true;
const stream_options = { include_usage: true };

export function scenarios({ modules, url, under, arrival, prompt }) {
  const OpenAI = modules.openai.OpenAI;
  const connect = (more = {}) =>
    new OpenAI({ apiKey: 'sk-test', baseURL: `${url}/v1`, maxRetries: 0, ...more });
  const openai = connect();
  const messages = [{ role: 'user', content: prompt }];
  // A model whose cache writes have a price.
  const body = (more) => ({ model: 'gpt-5.6-luna', messages, ...more });
  const chat = (more, options) => openai.chat.completions.create(body(more), options);
  return {
    ...complete({ under, chat, openai, body, connect }),
    ...cutShort({ under, chat, arrival }),
    ...raw({ under, chat }),
    ...failing({ under, chat, openai, body, connect }),
  };
}

function complete({ under, chat, openai, body }) {
  const usage = USAGE;
  return {
    plain: () => under({ usage }, async () => (await chat()).choices[0].message.content),
    stream: () => under({ usage }, async () => count(await chat({ stream, stream_options }))),
    streamNoUsage: () => under({ usage }, async () => count(await chat({ stream }))),
    streamCumulative: () =>
      under({ usage, cumulativeUsage: true }, async () => count(await chat({ stream }))),
    tools: () => under({ usage, tool: true }, async () => (await chat()).choices[0].finish_reason),
    cached: () =>
      under({ usage: { input: 10, cacheRead: 5000, output: 7 } }, async () => (await chat()).usage),
    parse: () =>
      under({ usage }, async () => {
        const { choices } = await openai.chat.completions.parse(body());
        return choices[0].message.parsed;
      }),
    helper: () =>
      under({ usage }, async () => {
        const helper = openai.chat.completions.stream(body({ stream_options }));
        return (await helper.finalChatCompletion()).usage.total_tokens;
      }),
    embeddings: () =>
      under({ usage: { input: 1000 } }, async () => {
        const request = { model: 'text-embedding-3-large', input: 'hi', dimensions: 4 };
        return (await openai.embeddings.create(request)).data[0].embedding.length;
      }),
    awaitedThrice: () =>
      under({ usage }, async () => {
        const promise = chat();
        return (await Promise.all([promise, promise, promise.then((it) => it)])).length;
      }),
    tee: () =>
      under({ usage }, async () => {
        const [left, right] = (await chat({ stream, stream_options })).tee();
        return [await count(left), await count(right)];
      }),
    readable: () =>
      under({ usage }, async () => bytes((await chat({ stream, stream_options })).toReadableStream())),
    iteratedTwice: () =>
      under({ usage }, async () => {
        const source = await chat({ stream });
        await count(source);
        return count(source);
      }),
    noModel: () => under({}, async () => (await chat({ model: undefined, messages: undefined })).object),
  };
}

function cutShort({ under, chat, arrival }) {
  return {
    break: () => under(SLOW, async () => count(await chat({ stream }), 3)),
    abort: () =>
      under(SLOW, async () => {
        const source = await chat({ stream });
        return few(await count(source, 3, () => source.controller.abort()));
      }),
    abortSignal: () =>
      under(SLOW, async () => {
        const stop = new AbortController();
        return few(await count(await chat({ stream }, { signal: stop.signal }), 3, () => stop.abort()));
      }),
    abortEarly: () =>
      under({ delayMs: 8000 }, () => {
        const stop = new AbortController();
        void arrival().then(() => stop.abort());
        return chat({}, { signal: stop.signal });
      }),
    abortUnread: () =>
      under(SLOW, async () => {
        const source = await chat({ stream });
        source.controller.abort();
        return 'aborted';
      }),
    neverRead: () =>
      under({}, async () => {
        await chat({ stream, stream_options });
        return 'left';
      }),
    shape: () =>
      under({}, async () => {
        const promise = chat({ stream });
        const source = await promise;
        const iterator = source[Symbol.asyncIterator]();
        const shape = [
          promise.constructor.name,
          promise instanceof Promise,
          source.constructor.name,
          Object.prototype.toString.call(iterator),
          typeof iterator.return,
          Object.keys(source).join(),
        ];
        await iterator.return();
        return shape;
      }),
  };
}

function raw({ under, chat }) {
  const usage = USAGE;
  return {
    asResponse: () =>
      under({ usage }, async () => (await (await chat().asResponse()).json()).usage.completion_tokens),
    asResponseStream: () => under({ usage }, async () => bytes((await chat({ stream }).asResponse()).body)),
    asResponseThenAwait: () =>
      under({ usage }, async () => {
        const promise = chat();
        const response = await promise.asResponse();
        return [response.status, (await promise).usage.completion_tokens];
      }),
    withResponse: () =>
      under({ usage }, async () => {
        const { data, response, request_id } = await chat().withResponse();
        return [data.usage.prompt_tokens, response.status, typeof request_id];
      }),
    withResponseStream: () =>
      under({ usage }, async () => {
        const { data, response } = await chat({ stream, stream_options }).withResponse();
        return [await count(data), response.status];
      }),
  };
}

function failing({ under, chat, openai, body, connect }) {
  return {
    errorMidway: () => under({ errorAfter: 3 }, async () => count(await chat({ stream }))),
    closedMidway: () => under({ closeAfter: 3, chunkDelayMs: 5 }, async () => count(await chat({ stream }))),
    rateLimited: () => under({ status: 429, retryAfterMs: 5 }, () => chat()),
    serverError: () => under({ status: 500 }, () => chat()),
    unauthorizedStream: () => under({ status: 401 }, async () => count(await chat({ stream }))),
    retried: () =>
      under(
        { usage: USAGE, status: 500, times: 1, retryAfterMs: 5 },
        async () => (await chat({}, { maxRetries: 2 })).model,
      ),
    parseRateLimited: () =>
      under({ status: 429, retryAfterMs: 5 }, () => openai.chat.completions.parse(body())),
    parseLeft: () => under({ status: 400 }, () => unhandled(() => openai.chat.completions.parse(body()))),
    parseGarbage: () => under({ garbage: true }, () => openai.chat.completions.parse(body())),
    parseUnparsable: () =>
      under({ usage: USAGE }, () => {
        const json_schema = { name: 'answer', schema: { type: 'object' } };
        const response_format = { type: 'json_schema', json_schema };
        Object.defineProperties(response_format, {
          $brand: { value: 'auto-parseable-response-format' },
          $parseRaw: { value: (text) => JSON.parse(text) },
        });
        return openai.chat.completions.parse(body({ response_format }));
      }),
    garbage: () => under({ garbage: true }, () => chat()),
    refused: () =>
      under({}, () => connect({ baseURL: 'http://127.0.0.1:1/v1' }).chat.completions.create(body())),
  };
}
