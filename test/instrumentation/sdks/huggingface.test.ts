import assert from 'node:assert/strict';
import { startHuggingfaceStandIn } from '../../support/provider/index.ts';
import { provenSdk, type Expected, type Proof } from '../../support/proven-sdk.ts';

const EXPECTED: Readonly<Record<string, Expected>> = {
  // The SDK leaves a stream without stopping the provider, who goes on to tell what nobody hears.
  break: { usage: {} },
};

function declareMore(set: string, proof: Proof): void {
  const attribute = (scenario: string, key: string): unknown =>
    proof.run.spansOf(scenario)[0]?.attributes[key];

  it('tells who serves a call: the router, a provider behind it, or an endpoint', () => {
    const told = ['plain', 'provider', 'endpoint'].map((scenario) => [
      attribute(scenario, 'gen_ai.provider.name'),
      attribute(scenario, 'server.address'),
    ]);
    // Version 3 asks the hub for a provider, later ones leave that to the router.
    const routed = set.endsWith('previous') ? 'huggingface_together' : 'huggingface';
    assert.deepEqual(told, [
      [routed, 'router.huggingface.co'],
      ['huggingface_together', 'router.huggingface.co'],
      ['huggingface', '127.0.0.1'],
    ]);
  });

  it('tells how much text there was where no tokens are told', () => {
    const keys = ['input_characters', 'output_characters'].map((key) => `spanmeter.usage.estimate.${key}`);
    const sizes = (scenario: string): unknown[] => keys.map((key) => attribute(scenario, key));
    assert.deepEqual(sizes('streamNoUsage'), [30, 48]);
    assert.deepEqual(sizes('generation'), [undefined, undefined]);
    assert.deepEqual(sizes('embeddings'), [30, undefined]);
  });
}

for (const set of ['huggingface-current', 'huggingface-previous']) {
  provenSdk(
    {
      sdk: 'huggingface',
      set,
      wire: startHuggingfaceStandIn,
      formats: ['esm', 'cjs'],
      expect: set.endsWith('current') ? { ...EXPECTED, rateLimited: { error: '429' } } : EXPECTED,
    },
    (proof) => declareMore(set, proof),
  );
}

provenSdk(
  {
    sdk: 'huggingface with usage asked for',
    driver: 'huggingface',
    set: 'huggingface-current',
    wire: startHuggingfaceStandIn,
    formats: ['esm'],
    expect: EXPECTED,
    env: { SPANMETER_STREAM_USAGE: 'true' },
    requestsVary: true,
  },
  (proof) => {
    it('tells the usage of a stream whose app did not ask', () => {
      const [span] = proof.run.spansOf('streamNoUsage');
      assert.equal(span?.attributes['gen_ai.usage.output_tokens'], 180);
    });
  },
);
