import { count, few, LEFT, USAGE } from './reading.mjs';

const DECORATOR = '@llamaindex/core/decorator';
const LLMS = '@llamaindex/core/llms';
const RETRIEVER = '@llamaindex/core/retriever';
const OPENAI = '@llamaindex/openai';

export const packages = [OPENAI, DECORATOR, LLMS, RETRIEVER];

export function scenarios({ modules, url, under, prompt }) {
  const { OpenAI, OpenAIEmbedding } = modules[OPENAI];
  const options = { apiKey: 'sk-test', maxRetries: 0, baseURL: `${url}/v1` };
  const additionalSessionOptions = { baseURL: options.baseURL, maxRetries: 0 };
  const llm = new OpenAI({
    ...options,
    model: 'gpt-4o',
    additionalSessionOptions,
    additionalChatOptions: { stream_options: { include_usage: true } },
  });
  const plain = new OpenAI({ ...options, model: 'gpt-4o', additionalSessionOptions });
  const own = ownModel(modules, url);
  const messages = [{ role: 'user', content: prompt }];
  const usage = USAGE;
  return {
    plain: () => under({ usage }, async () => (await plain.chat({ messages })).message.content),
    complete: () => under({ usage }, async () => (await plain.complete({ prompt })).text),
    stream: () => under({ usage }, async () => count(await llm.chat({ messages, stream: true }))),
    break: () => under(LEFT, async () => few(await count(await plain.chat({ messages, stream: true }), 3))),
    errorMidway: () =>
      under({ errorAfter: 3 }, async () => count(await plain.chat({ messages, stream: true }))),
    rateLimited: () => under({ status: 429 }, () => plain.chat({ messages })),
    embeddings: () =>
      under({ usage: { input: 1000 } }, async () => {
        const embedding = new OpenAIEmbedding({
          ...options,
          model: 'text-embedding-3-large',
          additionalSessionOptions,
        });
        return (await embedding.getTextEmbedding('hi')).length;
      }),
    ownModel: () => under({ usage }, async () => (await own.chat({ messages })).message.content),
    ownStream: () => under({ usage }, async () => count(await own.chat({ messages, stream: true }))),
    retrieval: async () => (await ownRetriever(modules).retrieve('status')).length,
  };
}

/** A model as people write their own: no SDK below it. */
function ownModel(modules, url) {
  const ask = async () => {
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'gpt-4o', messages: [] }),
    });
    return response.json();
  };
  const chat = async ({ stream }) => {
    const raw = await ask();
    const { content } = raw.choices[0].message;
    return stream === true ? words(content, raw) : { raw, message: { role: 'assistant', content } };
  };
  async function* words(content, raw) {
    for (const delta of content.split(' ')) yield { delta, raw: null };
    yield { delta: '', raw };
  }
  class OwnModel extends modules[LLMS].BaseLLM {
    model = 'gpt-4o';
    metadata = { model: 'gpt-4o' };
  }
  OwnModel.prototype.chat = modules[DECORATOR].wrapLLMEvent(chat, { name: 'chat' });
  return new OwnModel();
}

function ownRetriever(modules) {
  class OwnRetriever extends modules[RETRIEVER].BaseRetriever {
    async _retrieve() {
      return [];
    }
  }
  return new OwnRetriever();
}
