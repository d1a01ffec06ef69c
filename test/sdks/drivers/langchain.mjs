import { count, few, SLOW, USAGE } from './reading.mjs';

const MODELS = '@langchain/core/language_models/chat_models';
const MESSAGES = '@langchain/core/messages';
const OUTPUTS = '@langchain/core/outputs';
const TOOLS = '@langchain/core/tools';

export const packages = ['@langchain/openai', MODELS, MESSAGES, OUTPUTS, TOOLS];

export function scenarios({ modules, url, under, prompt }) {
  const { ChatOpenAI, OpenAIEmbeddings } = modules['@langchain/openai'];
  const configuration = { baseURL: `${url}/v1` };
  const options = { apiKey: 'sk-test', model: 'gpt-4o', maxRetries: 0, configuration };
  const model = new ChatOpenAI({ ...options, streamUsage: true });
  const own = ownModel(modules, url);
  const usage = USAGE;
  return {
    plain: () => under({ usage }, async () => (await model.invoke(prompt)).content),
    stream: () => under({ usage }, async () => count(await model.stream(prompt))),
    batch: {
      spans: 2,
      run: () => under({ usage }, async () => (await model.batch([prompt, prompt])).length),
    },
    break: () => under(SLOW, async () => few(await count(await model.stream(prompt), 3))),
    errorMidway: () => under({ errorAfter: 3 }, async () => count(await model.stream(prompt))),
    rateLimited: () => under({ status: 429 }, () => model.invoke(prompt)),
    retried: () =>
      under({ usage, status: 500, times: 1, key: 'langchain-retried', retryAfterMs: 1 }, async () => {
        const again = new ChatOpenAI({ ...options, configuration: { ...configuration, maxRetries: 2 } });
        return (await again.invoke(prompt)).content;
      }),
    tools: () =>
      under({ usage, tool: true }, async () => {
        const bound = model.bindTools([lookup(modules)]);
        return (await bound.invoke(prompt)).tool_calls.length;
      }),
    embeddings: () =>
      under({ usage: { input: 1000 } }, async () => {
        const embeddings = new OpenAIEmbeddings({ ...options, model: 'text-embedding-3-large' });
        return (await embeddings.embedQuery('hi')).length;
      }),
    toolRun: { billed: 0, run: async () => lookup(modules).invoke({ q: 'status' }) },
    ownModel: () => under({ usage }, async () => (await own.invoke(prompt)).content),
    ownStream: () => under({ usage }, async () => count(await own.stream(prompt))),
    /** Requests that wait for one another start in each other's context. */
    queued: {
      spans: 3,
      run: () =>
        under({ usage, delayMs: 5 }, async () => {
          const one = new ChatOpenAI({ ...options, maxConcurrency: 1 });
          return (await one.batch([prompt, prompt, prompt])).length;
        }),
    },
    ...ownKinds(modules, url, prompt, under),
    ownCached: () =>
      under({ usage }, async () => {
        const cached = ownModel(modules, url, true);
        return [(await cached.invoke(prompt)).content, (await cached.invoke(prompt)).content];
      }),
  };
}

/** Models of the app's own, each with something that others have not. */
function ownKinds(modules, url, prompt, under) {
  const usage = USAGE;
  const base = modules[MODELS].BaseChatModel.prototype;
  const found = {
    /** It cannot stream, so that LangChain asks it for a whole answer, which the second time is from the cache. */
    cachedStream: () =>
      under({ usage }, async () => {
        const model = ownModel(modules, url, true);
        model._streamResponseChunks = base._streamResponseChunks;
        const read = async () => count(await model.stream(`${prompt} Twice.`));
        return [await read(), await read()];
      }),
    nameless: () =>
      under({ usage }, async () => {
        const model = ownModel(modules, url);
        const get = () => {
          throw new Error('blue heron');
        };
        Object.defineProperty(model, 'model', { get });
        return (await model.invoke(prompt)).content;
      }),
    gemini: () => under({ usage }, async () => (await geminiModel(modules, url).invoke(prompt)).content),
    geminiWhole: () =>
      under({ usage }, async () => (await geminiModel(modules, url).invoke(prompt, TOKENS)).content),
    geminiStream: () => under({ usage }, async () => count(await geminiModel(modules, url).stream(prompt))),
    events: () => under({ usage }, async () => count(ownModel(modules, url).streamEvents(prompt))),
  };
  if (!('_streamChatModelEvents' in base)) delete found.events;
  return found;
}

/** A callback for the sake of which a whole answer is put together from a stream, as in LangGraph. */
const TOKENS = { callbacks: [{ lc_prefer_streaming: true, handleLLMNewToken: () => undefined }] };

/** Usage as `@langchain/google-genai` tells it: thoughts only in the total, what was cached again in each chunk. */
function geminiModel(modules, url) {
  const { AIMessage, AIMessageChunk } = modules[MESSAGES];
  const { ChatGenerationChunk } = modules[OUTPUTS];
  const inner = ownModel(modules, url);
  const model = ownModel(modules, url);
  model.getLsParams = () => ({ ls_provider: 'google_genai', ls_model_name: 'gemini-2.5-pro' });
  const ask = async () => {
    const { message } = (await inner._generate()).generations[0];
    const { input_tokens, output_tokens, total_tokens, output_token_details } = message.usage_metadata;
    const input_token_details = { cache_read: message.usage_metadata.input_token_details.cache_read };
    const told = output_tokens - output_token_details.reasoning;
    return [
      message.content,
      { input_tokens, output_tokens: told, total_tokens, input_token_details },
      { input_tokens: 0, output_tokens: 0, total_tokens: 0, input_token_details },
    ];
  };
  model._generate = async () => {
    const [text, usage_metadata] = await ask();
    return { generations: [{ text, message: new AIMessage({ content: text, usage_metadata }) }] };
  };
  model._streamResponseChunks = async function* () {
    const [text, ...told] = await ask();
    for (const usage_metadata of told) {
      const message = new AIMessageChunk({ content: text, usage_metadata });
      yield new ChatGenerationChunk({ text, message });
    }
  };
  return model;
}

function lookup(modules) {
  return modules[TOOLS].tool(({ q }) => `nothing about ${q}`, {
    name: 'lookup',
    description: 'looks up',
    schema: { type: 'object', properties: { q: { type: 'string' } }, required: ['q'] },
  });
}

/** A chat model as people write their own: no SDK below it. */
function ownModel(modules, url, cache = false) {
  const { BaseChatModel } = modules[MODELS];
  const { AIMessage, AIMessageChunk } = modules[MESSAGES];
  const { ChatGenerationChunk } = modules[OUTPUTS];
  const piece = (text, usage_metadata) =>
    new ChatGenerationChunk({ text, message: new AIMessageChunk({ content: text, usage_metadata }) });
  class OwnModel extends BaseChatModel {
    model = 'gpt-4o';
    _llmType() {
      return 'own';
    }
    async #ask() {
      const response = await fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'gpt-4o', messages: [] }),
      });
      const { usage, choices } = await response.json();
      const { prompt_tokens_details: input, completion_tokens_details: output } = usage;
      const usage_metadata = {
        input_tokens: usage.prompt_tokens,
        output_tokens: usage.completion_tokens,
        total_tokens: usage.total_tokens,
        input_token_details: { cache_read: input.cached_tokens, cache_creation: input.cache_write_tokens },
        output_token_details: { reasoning: output.reasoning_tokens },
      };
      return { content: choices[0].message.content, usage_metadata };
    }
    async _generate() {
      const { content, usage_metadata } = await this.#ask();
      return { generations: [{ text: content, message: new AIMessage({ content, usage_metadata }) }] };
    }
    async *_streamResponseChunks() {
      const { content, usage_metadata } = await this.#ask();
      const words = content.split(' ');
      for (const word of words) yield piece(word);
      yield piece('', usage_metadata);
    }
  }
  return new OwnModel({ cache });
}
