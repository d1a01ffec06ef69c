import { count, SLOW, USAGE } from './reading.mjs';

export const packages = ['@huggingface/inference'];

const stream_options = { include_usage: true };
const usage = USAGE;

export function scenarios({ modules, url, under, prompt }) {
  const hf = modules['@huggingface/inference'];
  atStandIn(url);
  const router = new hf.InferenceClient('hf_test', { retry_on_error: false });
  const endpoint = new hf.InferenceClient('hf_test', { endpointUrl: `${url}/v1` });
  const body = (more) => ({ model: 'm/llama', messages: [{ role: 'user', content: prompt }], ...more });
  const chat = (more) => router.chatCompletion(body(more));
  const stream = (more, options) => router.chatCompletionStream(body({ stream_options, ...more }), options);
  return {
    ...complete({ hf, under, chat, endpoint, body }),
    ...streamed({ under, stream, endpoint, body }),
    ...failing({ under, chat, stream }),
    ...generation({ hf, under, url, prompt }),
    // Left before it began, so that nothing was asked.
    shape: { spans: 0, run: () => under({}, async () => shapeOf(hf, router, stream())) },
  };
}

/** Has the router answered by the stand-in, and the hub by a list of one provider. */
function atStandIn(url) {
  const network = globalThis.fetch;
  globalThis.fetch = (from, init) => {
    const asked = typeof from === 'string' ? from : from.href;
    if (!asked.startsWith('https://huggingface.co/')) {
      return network(asked.replace(/^https:\/\/router\.huggingface\.co(\/together)?/, url), init);
    }
    const together = { status: 'live', task: 'conversational', providerId: 'm/llama' };
    return Promise.resolve(Response.json({ inferenceProviderMapping: { together } }));
  };
}

async function shapeOf({ InferenceClient, chatCompletion }, router, source) {
  const shape = [
    router instanceof InferenceClient,
    router.constructor === InferenceClient,
    Object.keys(router).join(),
    typeof router.chatCompletion,
    chatCompletion.name,
    chatCompletion.length,
    Object.prototype.toString.call(source),
  ];
  await source.return();
  return shape;
}

function complete({ hf, under, chat, endpoint, body }) {
  return {
    plain: () => under({ usage }, async () => (await chat()).choices[0].message.content),
    tools: () => under({ usage, tool: true }, async () => (await chat()).choices[0].finish_reason),
    cached: () =>
      under({ usage: { input: 10, cacheRead: 5000, output: 7 } }, async () => (await chat()).usage),
    endpoint: () => under({ usage }, async () => (await endpoint.chatCompletion(body())).object),
    standalone: () =>
      under({ usage }, async () => (await hf.chatCompletion({ ...body(), accessToken: 'hf_test' })).object),
    provider: () => under({ usage }, async () => (await chat({ provider: 'together' })).object),
  };
}

function streamed({ under, stream, endpoint, body }) {
  return {
    stream: () => under({ usage }, async () => count(stream())),
    streamNoUsage: () => under({ usage }, async () => count(stream({ stream_options: undefined }))),
    streamEndpoint: () =>
      under({ usage }, async () => count(endpoint.chatCompletionStream(body({ stream_options })))),
    break: () => under({ usage, chunks: 5 }, async () => count(stream(), 3)),
    abort: () =>
      under(SLOW, async () => {
        const stop = new AbortController();
        await count(stream({}, { signal: stop.signal }), 3, () => stop.abort());
        return 'went on';
      }),
    neverRead: () =>
      under({}, async () => {
        const source = stream();
        await source.next();
        return 'left';
      }),
    errorMidway: () => under({ errorAfter: 3 }, async () => count(stream())),
    closedMidway: () => under({ closeAfter: 3, chunkDelayMs: 5 }, async () => count(stream())),
  };
}

function failing({ under, chat, stream }) {
  return {
    rateLimited: () => under({ status: 429 }, () => chat()),
    rateLimitedStream: () => under({ status: 429 }, async () => count(stream())),
    garbage: () => under({ garbage: true }, () => chat()),
  };
}

function generation({ hf, under, url, prompt }) {
  // Since version 4 endpoints are asked for legacy completions.
  const isOld = hf.InferenceClientProviderApiError === undefined;
  const generate = new hf.InferenceClient('hf_test', {
    endpointUrl: isOld ? `${url}/generate` : `${url}/v1`,
  });
  const embed = new hf.InferenceClient('hf_test', { endpointUrl: `${url}/embed` });
  const parameters = { max_new_tokens: 50, details: true };
  const usage = { input: 45, output: 18 };
  const request = { model: 'm/gen', inputs: prompt };
  const more = isOld ? { parameters } : { parameters, stream_options };
  return {
    generation: () =>
      under({ usage }, async () => (await generate.textGeneration({ ...request, ...more })).generated_text),
    generationStream: () =>
      under({ usage }, async () => count(generate.textGenerationStream({ ...request, ...more }))),
    generationStreamBare: () => under({ usage }, async () => count(generate.textGenerationStream(request))),
    embeddings: () =>
      under({}, async () => (await embed.featureExtraction({ model: 'm/embed', inputs: prompt })).length),
  };
}
