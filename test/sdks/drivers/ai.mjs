import { count, LEFT, SLOW, USAGE } from './reading.mjs';

export const packages = ['ai', '@ai-sdk/openai', '@ai-sdk/anthropic', '@ai-sdk/openai-compatible'];

// Warnings of version 7 hold the process's id, which is another one each time.
globalThis.AI_SDK_LOG_WARNINGS = false;

/** What differs between the majors, and the models of each provider. */
function prepare({ modules, url, under, arrival, prompt, spanmeter }) {
  const ai = modules.ai;
  const baseURL = `${url}/v1`;
  const { createOpenAI } = modules['@ai-sdk/openai'];
  const { createAnthropic } = modules['@ai-sdk/anthropic'];
  const { createOpenAICompatible } = modules['@ai-sdk/openai-compatible'];
  // Version 4 asks for the usage of a stream only where the API is OpenAI's own.
  const openai = createOpenAI({ apiKey: 'sk-test', baseURL, compatibility: 'strict' });
  const anthropic = createAnthropic({ apiKey: 'sk-test', baseURL });
  const compatible = createOpenAICompatible({ name: 'acme', apiKey: 'sk-test', baseURL, includeUsage: true });
  const isFirst = ai.stepCountIs === undefined && ai.isStepCount === undefined;
  const stepCount = ai.stepCountIs ?? ai.isStepCount;
  const parameters = ai.jsonSchema({ type: 'object', properties: { q: { type: 'string' } } });
  const lookup = { description: 'Looks up', execute: async ({ q }) => `found ${q}` };
  const steps = (max) => (isFirst ? { maxSteps: max } : { stopWhen: stepCount(max) });
  return {
    arrival,
    spanmeter,
    ai,
    openai,
    anthropic,
    compatible,
    steps,
    gpt: openai.chat('gpt-4o'),
    claude: anthropic('claude-haiku-4-5'),
    options: (more) => ({ model: openai.chat('gpt-4o'), prompt, maxRetries: 0, ...more }),
    tools: { lookup: isFirst ? { ...lookup, parameters } : { ...lookup, inputSchema: parameters } },
    under,
  };
}

export function scenarios(given) {
  const lab = prepare(given);
  return {
    ...complete(lab),
    ...claude(lab),
    ...cutShort(lab),
    ...failing(lab),
    ...wrapped(lab),
    ...ownSpans(lab),
    ...agents(lab),
  };
}

const shown = ({ text, finishReason, usage }) => ({ text, finishReason, usage });

function complete({ spanmeter, ai, under, options, openai, compatible, steps, tools }) {
  const usage = USAGE;
  return {
    plain: () => under({ usage }, async () => shown(await ai.generateText(options()))),
    stream: () =>
      under({ usage }, async () => {
        const result = ai.streamText(options());
        return [await count(result.textStream), await result.usage, await result.finishReason];
      }),
    fullStream: () =>
      under({ usage }, async () => {
        const types = [];
        for await (const part of ai.streamText(options()).fullStream) types.push(part.type);
        return types;
      }),
    response: () => under({ usage }, async () => ai.streamText(options()).toTextStreamResponse().text()),
    attributed: () =>
      under({ usage }, async () =>
        shown(await ai.generateText(spanmeter.attributed(options(), { user: 'u1' }))),
      ),
    callbacks: () =>
      under({ usage }, async () => {
        const told = [];
        const result = ai.streamText(
          options({
            onChunk: ({ chunk }) => told.push(chunk.type),
            onFinish: ({ text, usage: total }) => told.push([text, total]),
            onError: () => told.push('error'),
          }),
        );
        await count(result.textStream);
        return told;
      }),
    tools: {
      spans: 5,
      run: () =>
        under({ usage, tool: true }, async () => {
          const { steps: made, toolResults } = await ai.generateText(options({ tools, ...steps(2) }));
          return [made.length, toolResults];
        }),
    },
    toolsStream: {
      spans: 4,
      run: () =>
        under({ usage, tool: true, chunks: 1 }, async () => {
          const types = [];
          const result = ai.streamText(options({ tools, ...steps(2) }));
          for await (const part of result.fullStream) types.push(part.type);
          return types;
        }),
    },
    cached: () =>
      under({ usage: { input: 10, cacheRead: 5000, output: 7 } }, async () =>
        shown(await ai.generateText(options())),
      ),
    compatible: () =>
      under({ usage }, async () => shown(await ai.generateText(options({ model: compatible('llama-4') })))),
    compatibleStream: () =>
      under({ usage }, async () =>
        count(ai.streamText(options({ model: compatible('llama-4') })).textStream),
      ),
    embeddings: () =>
      under({ usage: { input: 1000 } }, async () => {
        const model = (openai.textEmbeddingModel ?? openai.embeddingModel)('text-embedding-3-large');
        return (await ai.embed({ model, value: 'hi', maxRetries: 0 })).usage;
      }),
    embedMany: () =>
      under({ usage: { input: 1000 } }, async () => {
        const model = (openai.textEmbeddingModel ?? openai.embeddingModel)('text-embedding-3-large');
        const { embeddings } = await ai.embedMany({ model, values: ['hi', 'you'], maxRetries: 0 });
        return embeddings.length;
      }),
  };
}

function claude({ ai, under, options, claude: model, steps, tools }) {
  const usage = USAGE;
  return {
    anthropic: () => under({ usage }, async () => shown(await ai.generateText(options({ model })))),
    anthropicStream: () =>
      under({ usage }, async () => {
        const result = ai.streamText(options({ model }));
        return [await count(result.textStream), await result.usage];
      }),
    anthropicTools: {
      spans: 5,
      run: () =>
        under({ usage, tool: true }, async () =>
          shown(await ai.generateText(options({ model, tools, ...steps(2) }))),
        ),
    },
    toolFails: {
      spans: 5,
      run: () =>
        under({ usage, tool: true }, async () => {
          const execute = async () => {
            throw new TypeError('blue heron');
          };
          const broken = { lookup: { ...tools.lookup, execute } };
          return shown(await ai.generateText(options({ tools: broken, ...steps(2) })));
        }),
    },
    anthropicBreak: () => under(LEFT, async () => count(ai.streamText(options({ model })).textStream, 3)),
  };
}

function cutShort({ arrival, ai, under, options }) {
  return {
    break: () => under(LEFT, async () => count(ai.streamText(options()).textStream, 3)),
    abort: () =>
      under(SLOW, async () => {
        const stop = new AbortController();
        const result = ai.streamText(options({ abortSignal: stop.signal, onError: () => {} }));
        // How many are on their way already is a matter of luck, bare or not.
        return (await count(result.textStream, 3, () => stop.abort())) < SLOW.chunks / 2;
      }),
    abortEarly: () =>
      under({ delayMs: 8000 }, () => {
        const stop = new AbortController();
        void arrival().then(() => stop.abort());
        return ai.generateText(options({ abortSignal: stop.signal }));
      }),
    cancelled: () =>
      under(LEFT, async () => {
        const reader = ai.streamText(options()).textStream.getReader();
        await reader.read();
        await reader.cancel();
        return 'cancelled';
      }),
    neverRead: {
      run: () =>
        under({}, async () => {
          const result = ai.streamText(options());
          await arrival();
          return Object.keys(result).length > 0;
        }),
    },
  };
}

function failing({ ai, under, options }) {
  const read = async (more) => {
    const told = [];
    const result = ai.streamText(options({ onError: ({ error }) => told.push(error?.name), ...more }));
    for await (const part of result.fullStream) told.push(part.type);
    return told;
  };
  return {
    errorMidway: () => under({ errorAfter: 3 }, () => read()),
    closedMidway: () => under({ closeAfter: 3, chunkDelayMs: 5 }, () => read()),
    rateLimited: () => under({ status: 429 }, () => ai.generateText(options())),
    rateLimitedStream: () => under({ status: 429 }, () => read()),
    serverError: () => under({ status: 500 }, () => ai.generateText(options())),
    garbage: () => under({ garbage: true }, () => ai.generateText(options())),
    /** Each attempt is a request of its own. */
    retried: {
      spans: 2,
      run: () =>
        under({ usage: USAGE, status: 500, times: 1, retryAfterMs: 5 }, async () =>
          shown(await ai.generateText(options({ maxRetries: 2 }))),
        ),
    },
    invalid: { spans: 0, run: () => ai.generateText(options({ prompt: undefined })) },
  };
}

/** Versions 4 to 6 make spans of their own where the app asks for them. */
function ownSpans({ ai, under, options, openai, claude: model, steps, tools }) {
  const usage = USAGE;
  if (ai.registerTelemetry !== undefined) return otelSpans({ ai, under, options });
  const experimental_telemetry = { isEnabled: true, recordInputs: false, recordOutputs: false };
  const own = (more) => options({ experimental_telemetry, ...more });
  return {
    telemetry: {
      spans: 2,
      run: () => under({ usage }, async () => shown(await ai.generateText(own()))),
    },
    telemetryStream: {
      spans: 2,
      run: () => under({ usage }, async () => count(ai.streamText(own()).textStream)),
    },
    telemetryAnthropic: {
      spans: 2,
      run: () => under({ usage }, async () => shown(await ai.generateText(own({ model })))),
    },
    telemetryAnthropicStream: {
      spans: 2,
      run: () => under({ usage }, async () => count(ai.streamText(own({ model })).textStream)),
    },
    telemetryTools: {
      spans: 5,
      run: () =>
        under({ usage, tool: true }, async () => shown(await ai.generateText(own({ tools, ...steps(2) })))),
    },
    telemetryEmbed: {
      spans: 2,
      run: () =>
        under({ usage: { input: 1000 } }, async () => {
          const embedder = (openai.textEmbeddingModel ?? openai.embeddingModel)('text-embedding-3-large');
          return (await ai.embed({ model: embedder, value: 'hi', maxRetries: 0, experimental_telemetry }))
            .usage;
        }),
    },
  };
}

/** Version 7 has a package for it; its span of a run repeats what its spans of requests tell. */
function otelSpans({ ai, under, options }) {
  const usage = USAGE;
  const telemetry = async () => {
    const { OpenTelemetry } = await import('@ai-sdk/otel');
    return { integrations: [new OpenTelemetry()], recordInputs: false, recordOutputs: false };
  };
  return {
    otel: {
      spans: 3,
      run: () =>
        under({ usage }, async () => shown(await ai.generateText(options({ telemetry: await telemetry() })))),
    },
    otelStream: {
      spans: 3,
      run: () =>
        under({ usage }, async () =>
          count(ai.streamText(options({ telemetry: await telemetry() })).textStream),
        ),
    },
  };
}

function wrapped({ ai, under, options, gpt: model, tools: { lookup: tool } }) {
  const { wrapLanguageModel } = ai;
  const pass = { wrapGenerate: ({ doGenerate }) => doGenerate(), wrapStream: ({ doStream }) => doStream() };
  let cache;
  const caching = { wrapGenerate: async ({ doGenerate }) => (cache ??= await doGenerate()) };
  const usage = USAGE;
  /** A model that is no class's. */
  const plain = () => ({
    specificationVersion: model.specificationVersion,
    defaultObjectGenerationMode: 'json',
    provider: 'local',
    modelId: 'echo',
    supportedUrls: {},
    doGenerate: (given) => model.doGenerate(given),
    doStream: (given) => model.doStream(given),
  });
  return {
    middleware: () =>
      under({ usage }, async () =>
        shown(await ai.generateText(options({ model: wrapLanguageModel({ model, middleware: pass }) }))),
      ),
    middlewareStream: () =>
      under({ usage }, async () => {
        const layered = wrapLanguageModel({ model, middleware: pass });
        return count(ai.streamText(options({ model: layered })).textStream);
      }),
    /** The second answer comes from a cache, and costs nothing. */
    middlewareCache: () =>
      under({ usage }, async () => {
        const layered = wrapLanguageModel({ model, middleware: caching });
        await ai.generateText(options({ model: layered }));
        return shown(await ai.generateText(options({ model: layered })));
      }),
    ...(ai.wrapProvider === undefined ? {} : cachedProviders({ ai, under, options, model })),
    /** Neither a frozen tool nor a model that throws when looked at keeps calls from being told. */
    hostile: {
      spans: 3,
      run: () =>
        under({ usage }, async () => {
          const tools = Object.freeze({ lookup: Object.freeze({ ...tool }) });
          const odd = plain();
          const get = () => {
            throw new Error('blue heron');
          };
          Object.setPrototypeOf(odd, Object.defineProperty({}, 'config', { get }));
          const { text } = await ai.generateText(options({ model: odd, tools }));
          return [text, shown(await ai.generateText(options()))];
        }),
    },
    plainModel: () => under({ usage }, async () => shown(await ai.generateText(options({ model: plain() })))),
    plainModelStream: () =>
      under({ usage }, async () => count(ai.streamText(options({ model: plain() })).textStream)),
    /** One that asks twice is told by what it asks. */
    twofoldModel: {
      spans: 3,
      run: () =>
        under({ usage }, async () => {
          // Its class is known from here on.
          await ai.generateText(options());
          const twofold = plain();
          twofold.doGenerate = async (given) => {
            await model.doGenerate(given);
            return model.doGenerate(given);
          };
          return shown(await ai.generateText(options({ model: twofold })));
        }),
    },
    direct: () =>
      under({ usage }, async () => {
        const { stream } = await model.doStream({
          inputFormat: 'prompt',
          mode: { type: 'regular' },
          prompt: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }],
        });
        return [stream instanceof ReadableStream, await count(stream)];
      }),
  };
}

/** Providers whose models have a cache around them: the second answer costs nothing. */
function cachedProviders({ ai, under, options, model }) {
  const provider = {
    specificationVersion: model.specificationVersion,
    languageModel: () => model,
    embeddingModel: () => undefined,
    textEmbeddingModel: () => undefined,
    imageModel: () => undefined,
  };
  const caching = () => {
    let cache;
    const { specificationVersion } = model;
    return { specificationVersion, wrapGenerate: async ({ doGenerate }) => (cache ??= await doGenerate()) };
  };
  const twice = async (give) => {
    await ai.generateText(options({ model: give() }));
    return shown(await ai.generateText(options({ model: give() })));
  };
  const usage = USAGE;
  return {
    providerCache: () =>
      under({ usage }, () => {
        const cached = ai.wrapProvider({ provider, languageModelMiddleware: caching() });
        return twice(() => cached.languageModel('gpt-4o'));
      }),
    registryCache: () =>
      under({ usage }, () => {
        const registry = ai.createProviderRegistry(
          { own: { ...provider } },
          { languageModelMiddleware: caching() },
        );
        return twice(() => registry.languageModel('own:gpt-4o'));
      }),
  };
}

function agents({ ai, under, options, openai, steps, tools, gpt, claude: other }) {
  const Agent = ai.ToolLoopAgent ?? ai.Experimental_Agent;
  const usage = USAGE;
  const found = {
    object: () =>
      under({ usage }, async () => {
        const schema = ai.jsonSchema({ type: 'object' });
        return ai.generateObject?.(options({ schema })).then(
          () => 'object',
          (error) => error.name,
        );
      }),
    prepareStep: {
      spans: 5,
      run: () =>
        under({ usage, tool: true }, async () => {
          const prepareStep = async ({ stepNumber }) => (stepNumber === 1 ? { model: other } : {});
          const many = { tools, ...steps(2), prepareStep, experimental_prepareStep: prepareStep };
          return (await ai.generateText(options(many))).steps.map(({ response }) => response.modelId);
        }),
    },
  };
  if (ai.generateObject === undefined) delete found.object;
  if (Agent === undefined) return found;
  const agent = () => new Agent({ model: gpt, tools, ...steps(2), maxRetries: 0 });
  return {
    ...found,
    agent: {
      spans: 5,
      run: () =>
        under({ usage, tool: true }, async () => (await agent().generate({ prompt: 'hi' })).steps.length),
    },
    agentStream: {
      spans: 4,
      run: () =>
        under({ usage, tool: true, chunks: 1 }, async () => {
          const result = await agent().stream({ prompt: 'hi' });
          return count(result.fullStream);
        }),
    },
    byName: () =>
      under({ usage }, async () => {
        globalThis.AI_SDK_DEFAULT_PROVIDER = { languageModel: (id) => openai.chat(id) };
        return shown(await ai.generateText(options({ model: 'gpt-4o' })));
      }),
  };
}
