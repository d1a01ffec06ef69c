import { SLOW, USAGE } from './reading.mjs';

export const packages = ['@openai/agents'];

const parameters = {
  type: 'object',
  properties: { q: { type: 'string' } },
  required: ['q'],
  additionalProperties: false,
};

export function scenarios({ modules, url, under, prompt }) {
  const { Agent, handoff, OpenAIProvider, Runner, setTraceProcessors, tool, Usage } =
    modules['@openai/agents'];
  // As apps do that keep their traces to themselves.
  setTraceProcessors([]);
  const modelProvider = new OpenAIProvider({ apiKey: 'sk-test', baseURL: `${url}/v1`, useResponses: false });
  const runner = new Runner({ modelProvider, workflowName: 'Lab' });
  const lookup = tool({
    name: 'lookup',
    description: 'Looks up',
    parameters,
    execute: async ({ q }) => `found ${q}`,
  });
  const agent = (more) => new Agent({ name: 'Clerk', model: 'gpt-4o', instructions: 'Be brief.', ...more });
  const withTool = (more) => agent({ tools: [lookup], toolUseBehavior: 'stop_on_first_tool', ...more });
  const shown = ({ finalOutput, lastAgent }) => [finalOutput, lastAgent?.name];
  const lab = { Agent, Usage, handoff, agent, withTool, runner, tool, under, shown, prompt };
  return { ...runs(lab), ...streams(lab), ...others(lab) };
}

/** Run, agent and request, unless said otherwise. */
function runs({ agent, handoff, withTool, runner, tool, under, shown, prompt }) {
  const usage = USAGE;
  return {
    plain: {
      spans: 3,
      run: () => under({ usage }, async () => shown(await runner.run(agent(), prompt))),
    },
    tools: {
      spans: 4,
      run: () => under({ usage, tool: true }, async () => shown(await runner.run(withTool(), prompt))),
    },
    toolFails: {
      spans: 4,
      run: () =>
        under({ usage, tool: true }, async () => {
          const fail = async () => {
            throw new Error('blue heron');
          };
          const broken = tool({ name: 'lookup', description: 'Fails', parameters, execute: fail });
          return shown(await runner.run(withTool({ tools: [broken] }), prompt));
        }),
    },
    handoff: {
      spans: 7,
      run: () =>
        under({ usage, tool: true }, async () => {
          const expert = withTool({ name: 'Expert' });
          const first = agent({ handoffs: [handoff(expert, { toolNameOverride: 'lookup' })] });
          return shown(await runner.run(first, prompt));
        }),
    },
    guardrail: {
      spans: 4,
      run: () =>
        under({ usage }, async () => {
          const execute = async () => ({ tripwireTriggered: false, outputInfo: {} });
          return shown(await runner.run(agent({ inputGuardrails: [{ name: 'Polite', execute }] }), prompt));
        }),
    },
    maxTurns: {
      spans: 6,
      run: () =>
        under({ usage, tool: true }, async () =>
          shown(await runner.run(withTool({ toolUseBehavior: 'run_llm_again' }), prompt, { maxTurns: 2 })),
        ),
    },
    rateLimited: {
      spans: 3,
      run: () => under({ status: 400 }, async () => shown(await runner.run(agent(), prompt))),
    },
  };
}

function streams({ agent, runner, under, prompt }) {
  const usage = USAGE;
  return {
    stream: {
      spans: 3,
      run: () =>
        under({ usage }, async () => {
          const result = await runner.run(agent(), prompt, { stream: true });
          const types = [];
          for await (const event of result) types.push(event.type);
          await result.completed;
          return [types.length > 0, result.finalOutput];
        }),
    },
    completed: {
      spans: 3,
      run: () =>
        under({ usage }, async () => {
          const result = await runner.run(agent(), prompt, { stream: true });
          await result.completed;
          return result.finalOutput;
        }),
    },
    abort: {
      spans: 3,
      run: () =>
        under(SLOW, async () => {
          const stop = new AbortController();
          const result = await runner.run(agent(), prompt, { stream: true, signal: stop.signal });
          let events = 0;
          for await (const _ of result) {
            events += 1;
            if (events === 4) stop.abort();
          }
          return events < SLOW.chunks / 2;
        }),
    },
    streamFails: {
      spans: 3,
      run: () =>
        under({ status: 400 }, async () => {
          const result = await runner.run(agent(), prompt, { stream: true });
          for await (const _ of result);
          return result.finalOutput;
        }),
    },
  };
}

function others({ Agent, Usage, runner, shown, prompt }) {
  const message = {
    type: 'message',
    id: 'm1',
    role: 'assistant',
    status: 'completed',
    content: [{ type: 'output_text', text: 'By hand.' }],
  };
  const usage = { inputTokens: 30, outputTokens: 5, totalTokens: 35 };
  const details = { inputTokensDetails: { cached_tokens: 10 }, outputTokensDetails: { reasoning_tokens: 2 } };
  class HandMade {
    model = 'hand-1';
    async getResponse() {
      return { usage: new Usage({ requests: 1, ...usage, ...details }), output: [message], responseId: 'r1' };
    }
    async *getStreamedResponse() {
      yield { type: 'output_text_delta', delta: 'By hand.' };
      const response = { id: 'r1', usage: { ...usage, ...details }, output: [message] };
      yield { type: 'response_done', response };
    }
  }
  const byHand = () => new Agent({ name: 'Clerk', model: new HandMade() });
  return {
    customModel: { spans: 3, run: async () => shown(await runner.run(byHand(), prompt)) },
    customModelStream: {
      spans: 3,
      run: async () => {
        const result = await runner.run(byHand(), prompt, { stream: true });
        for await (const _ of result);
        return shown(result);
      },
    },
  };
}
