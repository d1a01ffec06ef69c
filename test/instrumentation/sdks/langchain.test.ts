import assert from 'node:assert/strict';
import { startOpenaiStandIn } from '../../support/provider/index.ts';
import { provenSdk, type Expected, type Proof } from '../../support/proven-sdk.ts';

const GEMINI = { input: 1820, output: 180, cacheRead: 1000 };

const EXPECTED: Readonly<Record<string, Expected>> = {
  rateLimited: { error: '429' },
  toolRun: { spans: 1, usage: {} },
  // What was written to a cache Gemini does not tell, nor LangChain how much of the output was thought.
  gemini: { usage: GEMINI },
  geminiWhole: { usage: GEMINI },
  geminiStream: { usage: GEMINI },
};

function declareMore(proof: Proof): void {
  it('leaves a call to the SDK below LangChain, and tells of a model without one itself', () => {
    for (const scenario of ['plain', 'stream', 'tools', 'embeddings']) {
      assert.equal(proof.attributesOf(scenario)['server.address'], '127.0.0.1', scenario);
    }
    for (const scenario of ['ownModel', 'ownStream']) {
      const [span] = proof.run.spansOf(scenario);
      assert.equal(span?.attributes['server.address'], undefined, scenario);
      assert.equal(span?.attributes['gen_ai.request.model'], 'gpt-4o', scenario);
    }
  });

  it('does not tell of an answer from the cache', () => {
    assert.equal(proof.run.requestsOf('ownCached').length, 1);
    assert.equal(proof.run.spansOf('ownCached').length, 1);
  });

  it('tells of each request of a queue once, and of no stream that comes from the cache', () => {
    assert.equal(proof.run.requestsOf('queued').length, 3);
    for (const { attributes } of proof.run.spansOf('queued')) {
      assert.equal(attributes['server.address'], '127.0.0.1');
    }
    assert.equal(proof.run.requestsOf('cachedStream').length, 1);
    assert.equal(proof.run.spansOf('cachedStream').length, 1);
  });

  it('makes a span of a tool, without usage', () => {
    const [span] = proof.run.spansOf('toolRun');
    assert.equal(span?.name, 'execute_tool lookup');
    assert.equal(span?.attributes['gen_ai.operation.name'], 'execute_tool');
  });
}

const LANGCHAIN = {
  sdk: 'langchain',
  wire: startOpenaiStandIn,
  formats: ['esm', 'cjs'],
  expect: EXPECTED,
} as const;

provenSdk({ ...LANGCHAIN, set: 'frameworks-current' }, declareMore);
provenSdk({ ...LANGCHAIN, set: 'frameworks-previous' }, declareMore);
