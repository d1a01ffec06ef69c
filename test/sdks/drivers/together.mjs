import { bytes, count, few, SLOW } from './reading.mjs';

export const packages = ['together-ai'];

const stream = true;
const usage = { input: 450, output: 180 };

export function scenarios({ modules, url, behave, prompt }) {
  const { Together } = modules['together-ai'];
  const together = new Together({ apiKey: 'test', baseURL: `${url}/v1`, maxRetries: 0 });
  const body = (more) => ({ model: 'm/llama', messages: [{ role: 'user', content: prompt }], ...more });
  const under = async (behaviour, send) => {
    await behave(behaviour);
    return send();
  };
  const chat = (more, options) => together.chat.completions.create(body(more), options);
  return {
    ...complete({ under, chat }),
    ...streamed({ under, chat, together, body }),
    ...failing({ under, chat }),
    ...others({ under, together, prompt }),
  };
}

function complete({ under, chat }) {
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
  };
}

function streamed({ under, chat, together, body }) {
  return {
    stream: () => under({ usage }, async () => count(await chat({ stream }))),
    helper: () =>
      under({ usage }, async () => {
        const { choices } = await together.chat.completions.stream(body()).finalChatCompletion();
        return choices[0].message.content;
      }),
    tee: () =>
      under({ usage }, async () => {
        const [left, right] = (await chat({ stream })).tee();
        return [await count(left), await count(right)];
      }),
    readable: () => under({ usage }, async () => bytes((await chat({ stream })).toReadableStream())),
    break: () => under(SLOW, async () => count(await chat({ stream }), 3)),
    abort: () =>
      under(SLOW, async () => {
        const source = await chat({ stream });
        return few(await count(source, 3, () => source.controller.abort()));
      }),
    neverRead: () =>
      under({}, async () => {
        await chat({ stream });
        return 'left';
      }),
    errorMidway: () => under({ errorAfter: 3 }, async () => count(await chat({ stream }))),
    closedMidway: () => under({ closeAfter: 3, chunkDelayMs: 5 }, async () => count(await chat({ stream }))),
  };
}

function failing({ under, chat }) {
  return {
    rateLimited: () => under({ status: 429, retryAfterMs: 5 }, () => chat()),
    retried: () =>
      under(
        { usage, status: 429, times: 1, retryAfterMs: 5 },
        async () => (await chat({}, { maxRetries: 2 })).model,
      ),
    garbage: () => under({ garbage: true }, () => chat()),
  };
}

function others({ under, together, prompt }) {
  return {
    completion: () =>
      under({ usage }, async () => (await together.completions.create({ model: 'm/llama', prompt })).object),
    embeddings: () =>
      under({ usage: { input: 1000 } }, async () => {
        const request = { model: 'm/embed', input: prompt };
        return (await together.embeddings.create(request)).data[0].embedding.length;
      }),
    rerank: () =>
      under({ usage: { input: 1000 } }, async () => {
        const request = { model: 'm/rerank', query: prompt, documents: ['one', 'two'] };
        return (await together.rerank.create(request)).results.length;
      }),
    imagesByNumber: () =>
      under({}, async () => (await together.images.generate({ model: 'm/flux', prompt, n: 2 })).data.length),
    speech: () =>
      under({}, async () => {
        const request = { model: 'm/sonic', voice: 'one', input: prompt };
        return (await (await together.audio.speech.create(request)).arrayBuffer()).byteLength;
      }),
  };
}
