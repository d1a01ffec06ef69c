import { USAGE } from './reading.mjs';
import { chatScenarios } from './stainless-scenarios.mjs';

export const packages = ['groq-sdk'];

const usage = { input: 450, output: 180, cacheRead: 1000, reasoning: 20 };

export function scenarios({ modules, url, under, prompt }) {
  const { Groq, toFile } = modules['groq-sdk'];
  const groq = new Groq({ apiKey: 'gsk-test', baseURL: url, maxRetries: 0 });
  const messages = [{ role: 'user', content: prompt }];
  const chat = (more, options) =>
    groq.chat.completions.create({ model: 'openai/gpt-oss-20b', messages, ...more }, options);
  return {
    ...chatScenarios({ under, chat, usage }),
    cached: () =>
      under({ usage: { input: 10, cacheRead: 5000, output: 7 } }, async () => (await chat()).usage),
    retried: () =>
      under(
        { usage: USAGE, status: 500, times: 1, retryAfterMs: 5 },
        async () => (await chat({}, { maxRetries: 2 })).model,
      ),
    ...sound({ under, groq, prompt, toFile }),
  };
}

function sound({ under, groq, prompt, toFile }) {
  const file = () => toFile(Buffer.from('bytes'), 'heron.mp3');
  return {
    transcriptVerbose: () =>
      under({}, async () => {
        const request = { model: 'whisper-large-v3', file: await file(), response_format: 'verbose_json' };
        return (await groq.audio.transcriptions.create(request)).text;
      }),
    translation: () =>
      under({}, async () => {
        const request = { model: 'whisper-large-v3', file: await file(), response_format: 'verbose_json' };
        return (await groq.audio.translations.create(request)).text;
      }),
    speech: () =>
      under({}, async () => {
        const request = { model: 'playai-tts', voice: 'Fritz-PlayAI', input: prompt, response_format: 'wav' };
        return (await (await groq.audio.speech.create(request)).arrayBuffer()).byteLength;
      }),
  };
}
