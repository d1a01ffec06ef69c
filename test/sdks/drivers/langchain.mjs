import { count, few, SLOW, USAGE } from './reading.mjs';

const MODELS = '@langchain/core/language_models/chat_models';
const MESSAGES = '@langchain/core/messages';
const OUTPUTS = '@langchain/core/outputs';
const TOOLS = '@langchain/core/tools';

export const packages = ['@langchain/openai', MODELS, MESSAGES, OUTPUTS, TOOLS];

export function scenarios({ modules, url, behave, prompt }) {
  const { ChatOpenAI, OpenAIEmbeddings } = modules['@langchain/openai'];
  const configuration = { baseURL: `${url}/v1` };
  const options = { apiKey: 'sk-test', model: 'gpt-4o', maxRetries: 0, configuration };
  const model = new ChatOpenAI({ ...options, streamUsage: true });
  const own = ownModel(modules, url);
  const under = async (behaviour, send) => {
    await behave(behaviour);
    return send();
  };
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
    ownCached: async () => {
      await behave({ usage });
      const cached = ownModel(modules, url, true);
      return [(await cached.invoke(prompt)).content, (await cached.invoke(prompt)).content];
    },
  };
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
