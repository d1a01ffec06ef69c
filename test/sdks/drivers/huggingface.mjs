import { count, SLOW, USAGE } from './reading.mjs';

export const packages = ['@huggingface/inference'];

const stream_options = { include_usage: true };
const usage = USAGE;

export function scenarios({ modules, url, behave, prompt }) {
  const hf = modules['@huggingface/inference'];
  /** The router at the stand-in. */
  const routed = (from, init) => fetch(String(from).replace('https://router.huggingface.co', url), init);
  const router = new hf.InferenceClient('hf_test', { fetch: routed, retry_on_error: false });
  const endpoint = new hf.InferenceClient('hf_test', { endpointUrl: `${url}/v1` });
  const under = async (behaviour, send) => {
    await behave(behaviour);
    return send();
  };
  const body = (more) => ({ model: 'm/llama', messages: [{ role: 'user', content: prompt }], ...more });
  const chat = (more, options) => router.chatCompletion(body(more), options);
  const stream = (more, options) => router.chatCompletionStream(body({ stream_options, ...more }), options);
  return {
    ...complete({ hf, under, chat, endpoint, body, routed }),
    ...streamed({ under, stream, endpoint, body }),
    ...failing({ under, chat, stream }),
    ...generation({ hf, under, url, prompt }),
    shape: () => under({}, async () => shapeOf(hf, router, await stream())),
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

function complete({ hf, under, chat, endpoint, body, routed }) {
  const provided = { 'm/llama': { provider: 'together' } };
  /** The list of who serves a model, as the hub tells it. */
  const listed = (from, init) =>
    String(from).startsWith('https://huggingface.co/api/models/')
      ? Promise.resolve(Response.json({ inferenceProviderMapping: mappingOf(provided) }))
      : routed(String(from).replace('/together/v1/', '/v1/'), init);
  return {
    plain: () => under({ usage }, async () => (await chat()).choices[0].message.content),
    tools: () => under({ usage, tool: true }, async () => (await chat()).choices[0].finish_reason),
    cached: () => under({ usage: { input: 10, cacheRead: 5000, output: 7 } }, async () => (await chat()).usage),
    endpoint: () => under({ usage }, async () => (await endpoint.chatCompletion(body())).object),
    standalone: () =>
      under({ usage }, async () => {
        const args = { ...body(), accessToken: 'hf_test' };
        return (await hf.chatCompletion(args, { fetch: routed })).object;
      }),
    provider: () =>
      under({ usage }, async () => (await chat({ provider: 'together' }, { fetch: listed })).object),
  };
}

function mappingOf(models) {
  const status = { status: 'live', task: 'conversational' };
  return Object.fromEntries(
    Object.entries(models).map(([model, { provider }]) => [provider, { ...status, providerId: model }]),
  );
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
  const generate = new hf.InferenceClient('hf_test', { endpointUrl: `${url}/generate` });
  const embed = new hf.InferenceClient('hf_test', { endpointUrl: `${url}/embed` });
  const parameters = { max_new_tokens: 50, details: true };
  const counts = { input: 45, output: 18 };
  return {
    generation: () =>
      under({ usage: counts }, async () => (await generate.textGeneration({ inputs: prompt, parameters })).generated_text),
    generationNoDetails: () =>
      under({ usage: counts }, async () => (await generate.textGeneration({ inputs: prompt })).generated_text),
    generationStream: () =>
      under({ usage: counts }, async () => count(generate.textGenerationStream({ inputs: prompt, parameters }))),
    embeddings: () =>
      under({}, async () => (await embed.featureExtraction({ model: 'm/embed', inputs: prompt })).length),
  };
}
