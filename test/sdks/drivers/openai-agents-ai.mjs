import { USAGE } from './reading.mjs';

export const packages = ['@openai/agents', '@openai/agents-extensions/ai-sdk', '@ai-sdk/openai'];

/** Agents over a model of the AI SDK: run, agent and request. */
export function scenarios({ modules, url, under, prompt }) {
  const [{ Agent, Runner, setTraceProcessors }, { aisdk }, { createOpenAI }] = packages.map(
    (name) => modules[name],
  );
  setTraceProcessors([]);
  const runner = new Runner({ workflowName: 'Lab' });
  const model = createOpenAI({ apiKey: 'sk-test', baseURL: `${url}/v1` }).chat('gpt-4o');
  const agent = () => new Agent({ name: 'Clerk', model: aisdk(model) });
  const usage = USAGE;
  return {
    plain: {
      spans: 3,
      run: () => under({ usage }, async () => (await runner.run(agent(), prompt)).finalOutput),
    },
    stream: {
      spans: 3,
      run: () =>
        under({ usage }, async () => {
          const result = await runner.run(agent(), prompt, { stream: true });
          for await (const _ of result);
          return result.finalOutput;
        }),
    },
  };
}
