import assert from 'node:assert/strict';
import { startOpenaiStandIn } from '../../support/provider/index.ts';
import { provenSdk, type Expected, type Proof } from '../../support/proven-sdk.ts';

const EXPECTED: Readonly<Record<string, Expected>> = {
  rateLimited: { error: '429' },
};

function declareMore(proof: Proof): void {
  it('leaves a call to the SDK below LlamaIndex, and tells of a model without one itself', () => {
    for (const scenario of ['plain', 'complete', 'stream', 'embeddings']) {
      assert.equal(proof.attributesOf(scenario)['server.address'], '127.0.0.1', scenario);
    }
    for (const scenario of ['ownModel', 'ownStream']) {
      const [span] = proof.run.spansOf(scenario);
      assert.equal(span?.attributes['server.address'], undefined, scenario);
      assert.equal(span?.name, 'chat gpt-4o', scenario);
    }
  });

  it('makes a span of a search, without usage', () => {
    assert.equal(proof.run.spansOf('retrieval')[0]?.name, 'retrieval OwnRetriever');
  });
}

const LLAMAINDEX = {
  sdk: 'llamaindex',
  wire: startOpenaiStandIn,
  formats: ['esm', 'cjs'],
  expect: EXPECTED,
} as const;

provenSdk({ ...LLAMAINDEX, set: 'frameworks-current' }, declareMore);
provenSdk({ ...LLAMAINDEX, set: 'frameworks-previous' }, declareMore);
