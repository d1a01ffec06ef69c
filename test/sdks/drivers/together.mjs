import { chatScenarios } from './stainless-scenarios.mjs';

export const packages = ['together-ai'];

const usage = { input: 450, output: 180 };

export function scenarios({ modules, url, under, prompt }) {
  const { Together } = modules['together-ai'];
  const together = new Together({ apiKey: 'test', baseURL: `${url}/v1`, maxRetries: 0 });
  const body = (more) => ({ model: 'm/llama', messages: [{ role: 'user', content: prompt }], ...more });
  const chat = (more, options) => together.chat.completions.create(body(more), options);
  return {
    ...chatScenarios({ under, chat, usage }),
    helper: () =>
      under({ usage }, async () => {
        const { choices } = await together.chat.completions.stream(body()).finalChatCompletion();
        return choices[0].message.content;
      }),
    retried: () =>
      under(
        { usage, status: 429, times: 1, retryAfterMs: 5 },
        async () => (await chat({}, { maxRetries: 2 })).model,
      ),
    ...others({ under, together, prompt }),
  };
}

function others({ under, together, prompt }) {
  return {
    completion: () =>
      under({ usage }, async () => (await together.completions.create({ model: 'm/llama', prompt })).object),
    embeddings: () =>
      under({ usage: { input: 1000 } }, async () => {
        const request = { model: 'm/embed', input: prompt };
        return (await together.embeddings.create(request)).data[0].embedding.length;
      }),
    rerank: () =>
      under({ usage: { input: 1000 } }, async () => {
        const request = { model: 'm/rerank', query: prompt, documents: ['one', 'two'] };
        return (await together.rerank.create(request)).results.length;
      }),
    imagesByNumber: () =>
      under({}, async () => (await together.images.generate({ model: 'm/flux', prompt, n: 2 })).data.length),
    speech: () =>
      under({}, async () => {
        const request = { model: 'm/sonic', voice: 'one', input: prompt };
        return (await (await together.audio.speech.create(request)).arrayBuffer()).byteLength;
      }),
  };
}
