import assert from 'node:assert/strict';
import { startHuggingfaceStandIn } from '../../support/provider/index.ts';
import { provenSdk, type Expected, type Proof } from '../../support/proven-sdk.ts';
import { provenTextSizes } from '../../support/proven-streams.ts';

const EXPECTED: Readonly<Record<string, Expected>> = {
  // The SDK leaves a stream without stopping the provider, who goes on to tell what nobody hears.
  break: { usage: {} },
};

function declareMore(set: string, proof: Proof): void {
  it('tells who serves a call: the router, a provider behind it, or an endpoint', () => {
    const told = ['plain', 'provider', 'endpoint']
      .map(proof.attributesOf)
      .map((attributes) => [attributes['gen_ai.provider.name'], attributes['server.address']]);
    // Version 3 asks the hub for a provider, later ones leave that to the router.
    const routed = set.endsWith('previous') ? 'huggingface_together' : 'huggingface';
    assert.deepEqual(told, [
      [routed, 'router.huggingface.co'],
      ['huggingface_together', 'router.huggingface.co'],
      ['huggingface', '127.0.0.1'],
    ]);
  });

  provenTextSizes(proof, {
    streamNoUsage: [30, 48],
    generation: [undefined, undefined],
    embeddings: [30, undefined],
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
      assert.equal(proof.attributesOf('streamNoUsage')['gen_ai.usage.output_tokens'], 180);
    });
  },
);
