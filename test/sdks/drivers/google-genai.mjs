import { count, few, LEFT, SLOW } from './reading.mjs';

export const packages = ['@google/genai'];

/** Gemini tells of no cache writes. */
const USAGE = { input: 450, output: 180, cacheRead: 1000, reasoning: 20, audioInput: 30 };
const model = 'gemini-2.5-flash';

export function scenarios({ modules, url, under, arrival, prompt }) {
  const { GoogleGenAI } = modules['@google/genai'];
  const connect = (more = {}, http = {}) =>
    new GoogleGenAI({ apiKey: 'test', ...more, httpOptions: { baseUrl: url, ...http } });
  // Credentials that nobody has to be asked for.
  const authClient = { getRequestHeaders: async () => new Headers({ authorization: 'Bearer test' }) };
  const onVertex = { vertexai: true, project: 'p', location: 'europe-west1', apiKey: undefined };
  const vertex = connect({ ...onVertex, googleAuthOptions: { authClient } });
  const lab = {
    under,
    arrival,
    gemini: connect(),
    vertex,
    connect,
    prompt,
    body: { model, contents: prompt },
  };
  return {
    ...whole(lab),
    ...streamed(lab),
    ...onceOrTwice(lab),
    ...others(lab),
    ...interactions(lab),
    ...cutShort(lab),
    ...failing(lab),
  };
}

function whole({ under, gemini, vertex, body, prompt }) {
  const ask = (more) => gemini.models.generateContent({ ...body, ...more });
  return {
    plain: () => under({ usage: USAGE }, async () => (await ask()).text),
    vertex: () =>
      under({ usage: USAGE }, async () => {
        const { usageMetadata, text } = await vertex.models.generateContent(body);
        return [text, usageMetadata.trafficType];
      }),
    cached: () =>
      under({ usage: { input: 10, cacheRead: 5000, output: 7 } }, async () => {
        const config = { cachedContent: 'cachedContents/1', systemInstruction: prompt };
        return (await ask({ config })).usageMetadata;
      }),
    parts: () =>
      under({ usage: USAGE }, async () => {
        const contents = [{ role: 'user', parts: [{ text: prompt }, { inlineData: { data: 'aGk=' } }] }];
        return (await ask({ contents, config: { candidateCount: 1, temperature: 0 } })).responseId;
      }),
    tools: () => under({ usage: USAGE, tool: true }, async () => (await ask()).functionCalls),
    helper: () =>
      under({ usage: USAGE }, async () => {
        const chat = gemini.chats.create({ model });
        const { text } = await chat.sendMessage({ message: prompt });
        return [text, chat.getHistory().length];
      }),
    awaitedThrice: () =>
      under({ usage: USAGE }, async () => {
        const promise = ask();
        return (await Promise.all([promise, promise, promise.then((it) => it)])).length;
      }),
  };
}

function streamed({ under, gemini, vertex, body, prompt }) {
  const stream = (more) => gemini.models.generateContentStream({ ...body, ...more });
  return {
    stream: () => under({ usage: USAGE }, async () => count(await stream())),
    streamCumulative: () => under({ usage: USAGE, cumulativeUsage: true }, async () => count(await stream())),
    streamVertex: () =>
      under({ usage: USAGE }, async () => count(await vertex.models.generateContentStream(body))),
    streamHelper: () =>
      under({ usage: USAGE }, async () =>
        count(await gemini.chats.create({ model }).sendMessageStream({ message: prompt })),
      ),
    shape: () =>
      under({}, async () => {
        const source = await stream();
        const shape = [
          Object.prototype.toString.call(source),
          Object.keys(source).join(),
          typeof source.return,
        ];
        await count(source);
        return shape;
      }),
  };
}

/** Loops of the SDK itself: each request is a call. */
function onceOrTwice({ under, gemini, body, prompt }) {
  const lookup = {
    tool: async () => ({ functionDeclarations: [{ name: 'lookup' }] }),
    callTool: async (calls) =>
      calls.map(({ name, id }) => ({ functionResponse: { name, id, response: { ok: true } } })),
  };
  const config = { tools: [lookup] };
  return {
    toolLoop: {
      run: () =>
        under({ usage: USAGE, tool: true }, async () => {
          const { text, automaticFunctionCallingHistory } = await gemini.models.generateContent({
            ...body,
            contents: [{ role: 'user', parts: [{ text: prompt }] }],
            config,
          });
          return [text, automaticFunctionCallingHistory.length];
        }),
      spans: 2,
    },
    toolLoopStream: {
      run: () =>
        under({ usage: USAGE, tool: true }, async () =>
          count(await gemini.models.generateContentStream({ ...body, config })),
        ),
      spans: 2,
    },
    continued: {
      run: () =>
        under({ usage: USAGE }, async () => {
          const { usageMetadata } = await gemini.models.generateContent({
            ...body,
            contents: `${prompt} in two parts`,
          });
          return usageMetadata.totalTokenCount;
        }),
      spans: 2,
    },
  };
}

function others({ under, gemini, vertex, prompt }) {
  const images = (method, more) =>
    under({}, async () => {
      const { generatedImages } = await vertex.models[method]({ model: 'imagen-4.0', prompt, ...more });
      return generatedImages.length;
    });
  return {
    embeddings: () =>
      under({ usage: { input: 1000 } }, async () => {
        const request = { model: 'text-embedding-005', contents: [prompt, prompt] };
        return (await vertex.models.embedContent(request)).embeddings[0].values.length;
      }),
    embeddingsOne: () =>
      under({ usage: { input: 1000 } }, async () => {
        const request = { model: 'gemini-embedding-2', contents: prompt };
        return (await vertex.models.embedContent(request)).embeddings[0].values.length;
      }),
    embeddingsUntold: () =>
      under({}, async () => {
        const request = { model: 'gemini-embedding-001', contents: prompt };
        return (await gemini.models.embedContent(request)).embeddings.length;
      }),
    images: () => images('generateImages', { config: { numberOfImages: 3 } }),
    imagesEdited: () => images('editImage', { referenceImages: [] }),
    imagesUpscaled: () => images('upscaleImage', { upscaleFactor: 'x2', image: { imageBytes: 'aGk=' } }),
  };
}

function interactions({ under, gemini, prompt }) {
  const create = (more) => gemini.interactions.create({ model, input: prompt, ...more });
  return {
    interaction: () =>
      under({ usage: USAGE }, async () => {
        const { status, output_text } = await create({ system_instruction: prompt });
        return [status, output_text];
      }),
    interactionStream: () => under({ usage: USAGE }, async () => count(await create({ stream: true }))),
    interactionReader: () =>
      under({ usage: USAGE }, async () => {
        const reader = (await create({ stream: true })).getReader();
        let chunks = 0;
        while (!(await reader.read()).done) chunks += 1;
        return chunks;
      }),
    interactionContinued: () =>
      under({ usage: USAGE }, async () => (await create({ input: `${prompt} in two parts` })).usage),
    interactionContinuedStream: () =>
      under({ usage: USAGE }, async () =>
        count(await create({ input: `${prompt} in two parts`, stream: true })),
      ),
    interactionResumedStream: () =>
      under({ usage: USAGE }, async () => {
        const more = { continuation_token: 'half', automatic_continuation: false, stream: true };
        return count(await create(more));
      }),
    interactionBreak: () =>
      under(SLOW, async () => count(await create({ stream: true, automatic_continuation: false }), 3)),
    interactionRefused: () => under({ status: 400 }, () => create()),
    interactionMidway: () =>
      under({ closeAfter: 3, chunkDelayMs: 5 }, async () => count(await create({ stream: true }))),
  };
}

function cutShort({ under, arrival, gemini, body }) {
  const stream = (config) => gemini.models.generateContentStream({ ...body, config });
  return {
    break: () => under(LEFT, async () => count(await stream(), 3)),
    breakCumulative: () =>
      under({ ...LEFT, usage: USAGE, cumulativeUsage: true }, async () => count(await stream(), 3)),
    abort: () =>
      under(SLOW, async () => {
        const stop = new AbortController();
        return few(await count(await stream({ abortSignal: stop.signal }), 3, () => stop.abort()));
      }),
    abortEarly: () =>
      under({ delayMs: 8000 }, () => {
        const stop = new AbortController();
        void arrival().then(() => stop.abort());
        return gemini.models.generateContent({ ...body, config: { abortSignal: stop.signal } });
      }),
    neverRead: () =>
      under({}, async () => {
        await stream();
        return 'left';
      }),
  };
}

function failing({ under, gemini, body, connect }) {
  const ask = (client = gemini) => client.models.generateContent(body);
  const stream = () => gemini.models.generateContentStream(body);
  return {
    errorMidway: () => under({ errorAfter: 3 }, async () => count(await stream())),
    closedMidway: () => under({ closeAfter: 3, chunkDelayMs: 5 }, async () => count(await stream())),
    rateLimited: () => under({ status: 429 }, () => ask()),
    unauthorizedStream: () => under({ status: 401 }, async () => count(await stream())),
    retried: () =>
      under({ usage: USAGE, status: 503, times: 1 }, async () => {
        const patient = connect({}, { retryOptions: { attempts: 3, initialDelay: 0.01 } });
        return (await ask(patient)).text;
      }),
    garbage: () => under({ garbage: true }, () => ask()),
    refused: () => under({}, () => ask(connect({}, { baseUrl: 'http://127.0.0.1:1' }))),
  };
}
