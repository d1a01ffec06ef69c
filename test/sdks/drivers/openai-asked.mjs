// Streams of apps that do not ask for usage, down to every character that they see.
import { count, few, SLOW, USAGE } from './reading.mjs';

export const packages = ['openai'];

const stream = true;
const usage = USAGE;

export function scenarios({ modules, url, under, prompt }) {
  const openai = new modules.openai.OpenAI({ apiKey: 'sk-test', baseURL: `${url}/v1`, maxRetries: 0 });
  const body = (more) => ({ model: 'gpt-4o', messages: [{ role: 'user', content: prompt }], ...more });
  const chat = (more, options) => openai.chat.completions.create(body({ stream, ...more }), options);
  const complete = (more) =>
    openai.completions.create({ model: 'gpt-3.5-turbo-instruct', prompt, stream, ...more });
  return {
    ...read({ under, chat, complete }),
    ...helped({ under, openai, body }),
    ...left({ under, chat }),
    declined: () =>
      under({ usage }, async () => count(await chat({ stream_options: { include_usage: false } }))),
    unchanged: () =>
      under({ usage }, async () => {
        const request = Object.freeze(body({ stream, stream_options: Object.freeze({}) }));
        await count(await openai.chat.completions.create(request));
        return request;
      }),
  };
}

/** Everything that a stream gives, without ids, which count the requests of all. */
async function everything(source) {
  const chunks = [];
  for await (const chunk of source) chunks.push(chunk);
  return chunks;
}

function read({ under, chat, complete }) {
  return {
    chunks: () => under({ usage }, async () => everything(await chat())),
    chunksOfTools: () => under({ usage, tool: true }, async () => everything(await chat())),
    chunksCumulative: () => under({ usage, cumulativeUsage: true }, async () => everything(await chat())),
    chunksOfCompletion: () => under({ usage }, async () => everything(await complete())),
    tee: () => under({ usage }, async () => Promise.all((await chat()).tee().map(everything))),
    readable: () => under({ usage }, async () => new Response((await chat()).toReadableStream()).text()),
    withResponse: () =>
      under({ usage }, async () => {
        const { data } = await chat().withResponse();
        return everything(data);
      }),
    byHand: () =>
      under({ usage, chunks: 2 }, async () => {
        const iterator = (await chat())[Symbol.asyncIterator]();
        const results = [];
        for (let step = 0; step < 7; step += 1) results.push(await iterator.next());
        return results;
      }),
    atOnce: () =>
      under({ usage, chunks: 2 }, async () => {
        const iterator = (await chat()).iterator();
        return Promise.all(Array.from({ length: 8 }, () => iterator.next()));
      }),
  };
}

function helped({ under, openai, body }) {
  const lookup = {
    type: 'function',
    function: { name: 'lookup', parameters: {}, parse: JSON.parse, function: () => 'all well' },
  };
  return {
    helper: () =>
      under({ usage }, async () => {
        const chunks = [];
        const helper = openai.chat.completions.stream(body()).on('chunk', (chunk) => chunks.push(chunk));
        return [await helper.finalChatCompletion(), chunks];
      }),
    runTools: {
      spans: 2,
      run: () =>
        under({ usage, tool: true }, async () => {
          const chunks = [];
          const request = body({ stream, tools: [lookup] });
          const runner = openai.chat.completions.runTools(request, { maxChatCompletions: 2 });
          runner.on('chunk', (chunk) => chunks.push(chunk));
          const end = await runner.done().then(
            () => 'done',
            (error) => error.message,
          );
          return [end, chunks, runner.messages];
        }),
    },
  };
}

function left({ under, chat }) {
  return {
    break: () => under(SLOW, async () => count(await chat(), 3)),
    abort: () =>
      under(SLOW, async () => {
        const source = await chat();
        return few(await count(source, 3, () => source.controller.abort()));
      }),
    asResponse: () => under({}, async () => (await chat().asResponse()).status),
    errorMidway: () => under({ errorAfter: 3 }, async () => everything(await chat())),
    closedMidway: () => under({ closeAfter: 3, chunkDelayMs: 5 }, async () => everything(await chat())),
  };
}
