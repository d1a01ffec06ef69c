import { bytes, count, few, SLOW, USAGE } from './reading.mjs';

export const packages = ['groq-sdk'];

const stream = true;
const usage = { input: 450, output: 180, cacheRead: 1000, reasoning: 20 };

export function scenarios({ modules, url, behave, prompt }) {
  const { Groq, toFile } = modules['groq-sdk'];
  const groq = new Groq({ apiKey: 'gsk-test', baseURL: url, maxRetries: 0 });
  const messages = [{ role: 'user', content: prompt }];
  const under = async (behaviour, send) => {
    await behave(behaviour);
    return send();
  };
  const chat = (more, options) =>
    groq.chat.completions.create({ model: 'openai/gpt-oss-20b', messages, ...more }, options);
  return {
    ...complete({ under, chat }),
    ...streamed({ under, chat }),
    ...failing({ under, chat }),
    ...sound({ under, groq, prompt, toFile }),
  };
}

function complete({ under, chat }) {
  return {
    plain: () => under({ usage }, async () => (await chat()).choices[0].message.content),
    tools: () => under({ usage, tool: true }, async () => (await chat()).choices[0].finish_reason),
    cached: () =>
      under({ usage: { input: 10, cacheRead: 5000, output: 7 } }, async () => (await chat()).usage),
    withResponse: () =>
      under({ usage }, async () => {
        const { data, response } = await chat().withResponse();
        return [data.usage.prompt_tokens, response.status];
      }),
    asResponse: () =>
      under({ usage }, async () => (await (await chat().asResponse()).json()).usage.completion_tokens),
  };
}

function streamed({ under, chat }) {
  return {
    stream: () => under({ usage }, async () => count(await chat({ stream }))),
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
        { usage: USAGE, status: 500, times: 1, retryAfterMs: 5 },
        async () => (await chat({}, { maxRetries: 2 })).model,
      ),
    garbage: () => under({ garbage: true }, () => chat()),
  };
}

function sound({ under, groq, prompt, toFile }) {
  const file = () => toFile(Buffer.from('bytes'), 'heron.mp3');
  return {
    transcriptVerbose: () =>
      under({}, async () => {
        const request = { model: 'whisper-large-v3', file: await file(), response_format: 'verbose_json' };
        return (await groq.audio.transcriptions.create(request)).text;
      }),
    translation: () =>
      under({}, async () => {
        const request = { model: 'whisper-large-v3', file: await file(), response_format: 'verbose_json' };
        return (await groq.audio.translations.create(request)).text;
      }),
    speech: () =>
      under({}, async () => {
        const request = { model: 'playai-tts', voice: 'Fritz-PlayAI', input: prompt, response_format: 'wav' };
        return (await (await groq.audio.speech.create(request)).arrayBuffer()).byteLength;
      }),
  };
}
