import { bytes, count, SLOW, USAGE } from './reading.mjs';

export const packages = ['openai'];

const stream = true;
const usage = { input: 300, output: 120 };

export function scenarios({ modules, url, under, prompt }) {
  const { OpenAI, toFile } = modules.openai;
  const openai = new OpenAI({ apiKey: 'sk-test', baseURL: `${url}/v1`, maxRetries: 0 });
  const file = (name) => toFile(Buffer.from('bytes'), name);
  const given = { under, openai, prompt, file };
  return {
    ...completions(given),
    ...images(given),
    ...speech(given),
    ...transcripts(given),
    ...others(given),
  };
}

function completions({ under, openai, prompt }) {
  const create = (more) =>
    openai.completions.create({ model: 'gpt-3.5-turbo-instruct', prompt, max_tokens: 50, ...more });
  const stream_options = { include_usage: true };
  return {
    completion: () => under({ usage: USAGE }, async () => (await create()).choices[0].text),
    completionStream: () =>
      under({ usage: USAGE }, async () => count(await create({ stream, stream_options }))),
    completionStreamNoUsage: () => under({ usage: USAGE }, async () => count(await create({ stream }))),
    completionBreak: () => under(SLOW, async () => count(await create({ stream }), 3)),
    completionTokens: () => under({ usage: USAGE }, async () => (await create({ prompt: [1, 2, 3] })).object),
    completionRateLimited: () => under({ status: 429 }, () => create()),
  };
}

function images({ under, openai, prompt, file }) {
  const generate = (more) => openai.images.generate({ model: 'gpt-image-1', prompt, ...more });
  const edit = async (more) =>
    openai.images.edit({ model: 'gpt-image-1', prompt, image: await file('heron.png'), ...more });
  return {
    image: () => under({ usage }, async () => (await generate()).data.length),
    imageStream: () => under({ usage }, async () => count(await generate({ stream, partial_images: 2 }))),
    imagesByNumber: () =>
      under({ usage }, async () => (await generate({ model: 'dall-e-2', n: 3 })).data.length),
    imageEdit: () => under({ usage }, async () => (await edit()).data.length),
    imageEditStream: () => under({ usage }, async () => count(await edit({ stream }))),
    imageVariation: () =>
      under({ usage }, async () => {
        const image = await file('heron.png');
        return (await openai.images.createVariation({ model: 'dall-e-2', image, n: 2 })).data.length;
      }),
    imageRefused: () => under({ status: 400 }, () => generate()),
  };
}

function speech({ under, openai, prompt }) {
  const speak = (more) =>
    openai.audio.speech.create({ model: 'tts-1', voice: 'alloy', input: prompt, ...more });
  return {
    speech: () => under({}, async () => (await (await speak()).arrayBuffer()).byteLength),
    speechRead: () => under({}, async () => bytes((await speak()).body)),
    speechAsResponse: () => under({}, async () => bytes((await speak().asResponse()).body)),
    speechWide: () => under({}, async () => (await speak({ input: 'ab\u{1F426}' })).constructor.name),
    speechRateLimited: () => under({ status: 429 }, () => speak()),
  };
}

function transcripts({ under, openai, file }) {
  const transcribe = async (model, more) =>
    openai.audio.transcriptions.create({ model, file: await file('heron.mp3'), ...more });
  const verbose = { response_format: 'verbose_json' };
  return {
    transcript: () => under({ usage }, async () => (await transcribe('gpt-4o-transcribe')).text),
    transcriptStream: () =>
      under({ usage }, async () => count(await transcribe('gpt-4o-transcribe', { stream }))),
    transcriptBySeconds: () => under({}, async () => (await transcribe('whisper-1')).usage),
    transcriptVerbose: () => under({}, async () => (await transcribe('whisper-1', verbose)).duration),
    transcriptText: () => under({}, async () => transcribe('whisper-1', { response_format: 'text' })),
    translation: () =>
      under({}, async () => {
        const request = { model: 'whisper-1', file: await file('heron.mp3'), ...verbose };
        return (await openai.audio.translations.create(request)).text;
      }),
  };
}

function others({ under, openai, prompt }) {
  return {
    moderation: () =>
      under({}, async () => (await openai.moderations.create({ input: prompt })).results[0].flagged),
  };
}
