// Tells what the instrumentation warns of.
import { diag, DiagLogLevel } from '@opentelemetry/api';
import { count } from './reading.mjs';

export const packages = ['openai'];

export function scenarios({ modules, url }) {
  const openai = new modules.openai.OpenAI({ apiKey: 'sk-test', baseURL: `${url}/v1` });
  const request = { model: 'gpt-4o', messages: [], stream: true };
  const warnings = [];
  const log = (text) => warnings.push(text);
  diag.setLogger({ error: log, warn: log, info: log, debug() {}, verbose() {} }, DiagLogLevel.WARN);
  return {
    twice: {
      spans: 2,
      run: async () => {
        await count(await openai.chat.completions.create(request));
        await count(await openai.chat.completions.create(request));
        return warnings;
      },
    },
  };
}
