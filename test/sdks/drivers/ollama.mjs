import { count, few, LEFT, SLOW } from './reading.mjs';

export const packages = ['ollama'];

const USAGE = { input: 450, output: 180 };
const model = 'llama3.2';

export function scenarios({ modules, url, under, prompt }) {
  const { Ollama } = modules.ollama;
  const ollama = new Ollama({ host: url });
  const messages = [{ role: 'user', content: prompt }];
  const chat = (more, client = ollama) => client.chat({ model, messages, ...more });
  const lab = { under, ollama, chat, prompt, Ollama, url };
  return { ...whole(lab), ...cutShort(lab), ...failing(lab) };
}

function whole({ under, ollama, chat, prompt }) {
  const generate = (more) => ollama.generate({ model, prompt, ...more });
  return {
    plain: () => under({ usage: USAGE }, async () => (await chat()).message.content),
    stream: () => under({ usage: USAGE }, async () => count(await chat({ stream: true }))),
    cached: () => under({ usage: USAGE }, async () => (await chat({ keep_alive: '1h' })).eval_count),
    tools: () => under({ usage: USAGE, tool: true }, async () => (await chat()).message.tool_calls.length),
    generate: () => under({ usage: USAGE }, async () => (await generate({ system: prompt })).response),
    generateStream: () => under({ usage: USAGE }, async () => count(await generate({ stream: true }))),
    images: () => under({ usage: USAGE }, async () => (await generate({ images: ['aGk='] })).done),
    embeddings: () =>
      under({ usage: USAGE }, async () => (await ollama.embed({ model, input: prompt })).embeddings.length),
    embeddingsUntold: () =>
      under({ usage: USAGE }, async () => (await ollama.embeddings({ model, prompt })).embedding.length),
    awaitedThrice: () =>
      under({ usage: USAGE }, async () => {
        const promise = chat();
        return (await Promise.all([promise, promise, promise.then((it) => it)])).length;
      }),
    shape: () =>
      under({}, async () => {
        const source = await chat({ stream: true });
        const shape = [source.constructor.name, Object.keys(source).join(), typeof source.abort];
        await count(source);
        return shape;
      }),
  };
}

function cutShort({ under, chat, Ollama, url }) {
  return {
    break: () => under(LEFT, async () => count(await chat({ stream: true }), 3)),
    abort: () =>
      under(SLOW, async () => {
        const source = await chat({ stream: true });
        return few(await count(source, 3, () => source.abort()));
      }),
    abortAll: () =>
      under(SLOW, async () => {
        const client = new Ollama({ host: url });
        return few(await count(await chat({ stream: true }, client), 3, () => client.abort()));
      }),
    abortUnread: () =>
      under(SLOW, async () => {
        (await chat({ stream: true })).abort();
        return 'aborted';
      }),
    neverRead: () =>
      under({}, async () => {
        await chat({ stream: true });
        return 'left';
      }),
  };
}

function failing({ under, ollama, chat, Ollama }) {
  return {
    errorMidway: () => under({ errorAfter: 3 }, async () => count(await chat({ stream: true }))),
    closedMidway: () =>
      under({ closeAfter: 3, chunkDelayMs: 5 }, async () => count(await chat({ stream: true }))),
    rateLimited: () => under({ status: 429 }, () => chat()),
    notFoundStream: () => under({ status: 404 }, () => chat({ stream: true })),
    embeddingsFailed: () => under({ status: 500 }, () => ollama.embed({ model, input: 'hi' })),
    garbage: () => under({ garbage: true }, () => chat()),
    refused: () => under({}, () => chat({}, new Ollama({ host: 'http://127.0.0.1:1' }))),
    noRequest: () => under({}, () => ollama.chat()),
  };
}
