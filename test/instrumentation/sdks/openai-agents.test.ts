import assert from 'node:assert/strict';
import { startOpenaiAndAnthropicStandIn } from '../../support/provider/openai-and-anthropic.ts';
import { provenSdk, type Expected, type Proof } from '../../support/proven-sdk.ts';

type Expectations = Readonly<Record<string, Expected>>;

const HAND_MADE: Expected = { usage: { input: 30, output: 5, cacheRead: 10, reasoning: 2 } };

const ALL: Expectations = {
  customModel: HAND_MADE,
  customModelStream: HAND_MADE,
  // The app gets an answer that tells of it.
  toolFails: { error: '_OTHER' },
};

const BY_SET: Readonly<Record<string, Expectations>> = {
  // The tool that the last turn asks for is no longer run.
  'agents-current': { maxTurns: { spans: 5 } },
};

function declareMore(proof: Proof): void {
  it('tells requests, agents and tools of a run in one trace, inside one another', () => {
    for (const scenario of ['tools', 'stream', 'handoff']) {
      const spans = proof.run.spansOf(scenario);
      assert.equal(new Set(spans.map(({ traceId }) => traceId)).size, 1, scenario);
      const run = spans.find(({ name }) => name === 'invoke_workflow Lab');
      for (const { name, parentSpanId } of spans) {
        if (/^(chat|invoke_agent)/.test(name)) assert.equal(parentSpanId, run?.spanId, `${scenario} ${name}`);
      }
    }
    const [tool] = proof.run.spansOf('tools').filter(({ name }) => name === 'execute_tool lookup');
    const [agent] = proof.run.spansOf('tools').filter(({ name }) => name === 'invoke_agent Clerk');
    assert.equal(tool?.parentSpanId, agent?.spanId);
  });

  it('leaves requests to the SDK below, and tells those that nobody below tells', () => {
    const requests = (scenario: string): string[] =>
      proof.run.spansOf(scenario).flatMap(({ name }) => (name.startsWith('chat') ? [name] : []));
    assert.deepEqual(requests('plain'), ['chat gpt-4o']);
    assert.deepEqual(requests('customModel'), ['chat hand-1']);
    const { attributes } = proof.run.spansOf('plain').find(({ name }) => name === 'chat gpt-4o') ?? {};
    assert.equal(attributes?.['openai.api.type'], 'chat_completions');
  });
}

for (const set of ['agents-current', 'agents-previous']) {
  provenSdk(
    {
      sdk: 'openai-agents',
      set,
      wire: startOpenaiAndAnthropicStandIn,
      formats: ['esm', 'cjs'],
      expect: { ...ALL, ...BY_SET[set] },
    },
    declareMore,
  );
}

provenSdk(
  {
    sdk: 'openai-agents over a model of the AI SDK',
    set: 'agents-previous',
    driver: 'openai-agents-ai',
    wire: startOpenaiAndAnthropicStandIn,
    formats: ['esm', 'cjs'],
  },
  (proof) => {
    it('has its requests told by the model, inside the run', () => {
      const spans = proof.run.spansOf('plain');
      const request = spans.find(({ name }) => name === 'chat gpt-4o');
      assert.equal(request?.attributes['gen_ai.response.model'], 'gpt-4o-2024-08-06');
      assert.equal(request?.parentSpanId, spans.find(({ name }) => name === 'invoke_workflow Lab')?.spanId);
    });
  },
);
