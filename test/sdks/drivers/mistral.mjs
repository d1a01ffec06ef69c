import { count, few, SLOW } from './reading.mjs';

export const packages = ['@mistralai/mistralai', 'zod'];

/** Mistral tells no cache writes. */
const USAGE = { input: 450, output: 180, cacheRead: 1000 };
const model = 'mistral-medium-latest';

export function scenarios({ modules, url, under, arrival, prompt }) {
  const { Mistral } = modules['@mistralai/mistralai'];
  const { z } = modules.zod;
  const connect = (more = {}) => new Mistral({ apiKey: 'test', serverURL: url, ...more });
  const mistral = connect();
  const messages = [{ role: 'user', content: prompt }];
  const chat = (more, options) => mistral.chat.complete({ model, messages, ...more }, options);
  const stream = (options) => mistral.chat.stream({ model, messages }, options);
  const lab = { under, arrival, mistral, chat, stream, prompt, messages, connect, z };
  return { ...chats(lab), ...conversations(lab), ...others(lab), ...cutShort(lab), ...failing(lab) };
}

function chats({ under, mistral, chat, stream, messages, prompt, z }) {
  const responseFormat = z.object({ answer: z.string() });
  return {
    plain: () => under({ usage: USAGE }, async () => (await chat()).choices[0].message.content),
    stream: () => under({ usage: USAGE }, async () => count(await stream())),
    cached: () =>
      under({ usage: { input: 10, cacheRead: 5000, output: 7 } }, async () => (await chat()).usage),
    tools: () =>
      under({ usage: USAGE, tool: true }, async () => (await chat()).choices[0].message.toolCalls.length),
    tiered: () => under({ usage: USAGE, serviceTier: 'priority' }, async () => (await chat()).id),
    parse: () =>
      under({ usage: USAGE }, async () => {
        const { choices } = await mistral.chat.parse({ model, messages, responseFormat });
        return choices[0].message.parsed;
      }),
    parseStream: () =>
      under({ usage: USAGE }, async () =>
        count(await mistral.chat.parseStream({ model, messages, responseFormat })),
      ),
    reader: () =>
      under({ usage: USAGE }, async () => {
        const reader = (await stream()).getReader();
        let chunks = 0;
        while (!(await reader.read()).done) chunks += 1;
        return chunks;
      }),
    fim: () =>
      under({ usage: USAGE }, async () => {
        const request = { model: 'codestral-latest', prompt, suffix: 'return a' };
        return (await mistral.fim.complete(request)).choices.length;
      }),
    fimStream: () =>
      under({ usage: USAGE }, async () =>
        count(await mistral.fim.stream({ model: 'codestral-latest', prompt })),
      ),
    agent: () =>
      under(
        { usage: USAGE },
        async () => (await mistral.agents.complete({ agentId: 'ag_1', messages })).model,
      ),
    agentStream: () =>
      under({ usage: USAGE }, async () => count(await mistral.agents.stream({ agentId: 'ag_1', messages }))),
    shape: () =>
      under({}, async () => {
        const source = await stream();
        const shape = [
          source.constructor.name,
          source instanceof ReadableStream,
          Object.keys(source).join(),
          Object.getOwnPropertyDescriptor(mistral.constructor.prototype, 'chat').get.name,
        ];
        await count(source);
        return shape;
      }),
  };
}

function conversations({ under, mistral, prompt }) {
  const { conversations: all } = mistral.beta;
  const conversationId = 'conv_1';
  return {
    conversation: () =>
      under({ usage: USAGE }, async () => (await all.start({ model, inputs: prompt })).outputs.length),
    conversationStream: () =>
      under({ usage: USAGE }, async () => count(await all.startStream({ model, inputs: prompt }))),
    conversationAppend: () =>
      under({ usage: USAGE }, async () => {
        const conversationAppendRequest = { inputs: prompt };
        return (await all.append({ conversationId, conversationAppendRequest })).conversationId;
      }),
  };
}

function others({ under, mistral, prompt }) {
  return {
    embeddings: () =>
      under({ usage: { input: 1000 } }, async () => {
        const request = { model: 'mistral-embed', inputs: [prompt] };
        return (await mistral.embeddings.create(request)).data[0].embedding.length;
      }),
    moderation: () =>
      under({}, async () => {
        const request = { model: 'mistral-moderation-latest', inputs: [prompt] };
        return (await mistral.classifiers.moderate(request)).results.length;
      }),
    ocr: () =>
      under({}, async () => {
        const document = { type: 'document_url', documentUrl: 'http://127.0.0.1/a.pdf' };
        const { usageInfo } = await mistral.ocr.process({ model: 'mistral-ocr-latest', document });
        return usageInfo.pagesProcessed;
      }),
    transcription: () =>
      under({ usage: USAGE }, async () => {
        const file = { fileName: 'a.wav', content: new Uint8Array([1, 2, 3]) };
        const request = { model: 'voxtral-mini-transcribe-3', file };
        return (await mistral.audio.transcriptions.complete(request)).usage.promptAudioSeconds;
      }),
    ...(mistral.audio.speech === undefined
      ? {}
      : {
          speech: () =>
            under({}, async () => {
              const request = { model: 'voxtral-mini-tts-3', input: prompt, voiceId: 'v' };
              return (await mistral.audio.speech.complete(request)).audioData.length;
            }),
        }),
    transcriptionStream: () =>
      under({ usage: USAGE }, async () => {
        const request = { model: 'voxtral-mini-transcribe-3', fileUrl: 'http://127.0.0.1/a.wav' };
        return count(await mistral.audio.transcriptions.stream(request));
      }),
  };
}

function cutShort({ under, arrival, chat, stream }) {
  return {
    break: () => under(SLOW, async () => count(await stream(), 3)),
    cancel: () =>
      under(SLOW, async () => {
        await (await stream()).cancel();
        return 'cancelled';
      }),
    abort: () =>
      under(SLOW, async () => {
        const stop = new AbortController();
        const source = await stream({ fetchOptions: { signal: stop.signal } });
        return few(await count(source, 3, () => stop.abort()));
      }),
    abortEarly: () =>
      under({ delayMs: 8000 }, () => {
        const stop = new AbortController();
        void arrival().then(() => stop.abort());
        return chat({}, { fetchOptions: { signal: stop.signal } });
      }),
    neverRead: () =>
      under({}, async () => {
        await stream();
        return 'left';
      }),
  };
}

function failing({ under, mistral, chat, stream, messages, connect }) {
  return {
    errorMidway: () => under({ errorAfter: 3 }, async () => count(await stream())),
    closedMidway: () => under({ closeAfter: 3, chunkDelayMs: 5 }, async () => count(await stream())),
    rateLimited: () => under({ status: 429 }, () => chat()),
    unauthorizedStream: () => under({ status: 401 }, async () => count(await stream())),
    retried: () =>
      under({ usage: USAGE, status: 503, times: 1 }, async () => {
        const backoff = { initialInterval: 1, maxInterval: 5, exponent: 1, maxElapsedTime: 1000 };
        return (await chat({}, { retries: { strategy: 'backoff', backoff } })).model;
      }),
    // Version 1 leaves a rejection of its own unhandled.
    ...(mistral.audio.speech === undefined ? {} : { garbage: () => under({ garbage: true }, () => chat()) }),
    refused: () =>
      under({}, () => connect({ serverURL: 'http://127.0.0.1:1' }).chat.complete({ model, messages })),
    invalid: () => under({}, () => mistral.chat.complete({ model, messages: 'none' })),
  };
}
