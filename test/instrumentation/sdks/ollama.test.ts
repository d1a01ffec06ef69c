import assert from 'node:assert/strict';
import { startOllamaStandIn } from '../../support/provider/index.ts';
import { provenSdk, type Expected, type Proof } from '../../support/proven-sdk.ts';
import { provenFirstChunks, provenTextSizes } from '../../support/proven-streams.ts';

const EXPECTED: Readonly<Record<string, Expected>> = {
  // The SDK lets the server finish what the app has left.
  break: { usage: {} },
  errorMidway: { error: 'Error' },
  closedMidway: { error: 'TypeError' },
  rateLimited: { error: '429' },
  notFoundStream: { error: '404' },
  embeddingsFailed: { error: '500' },
  garbage: { error: 'SyntaxError' },
  refused: { error: 'TypeError' },
  noRequest: { error: 'TypeError' },
};

function declareMore(proof: Proof): void {
  const { attributesOf: of } = proof;

  it('names the provider, the operation and both models', () => {
    for (const [scenario, operation] of [
      ['plain', 'chat'],
      ['generateStream', 'text_completion'],
      ['embeddings', 'embeddings'],
    ] as const) {
      const span = of(scenario);
      assert.equal(span['gen_ai.provider.name'], 'ollama');
      assert.equal(span['gen_ai.operation.name'], operation);
      assert.equal(span['gen_ai.request.model'], 'llama3.2');
      assert.equal(span['gen_ai.response.model'], 'llama3.2');
      assert.equal(span['server.address'], '127.0.0.1');
    }
    assert.equal(proof.run.spansOf('plain')[0]?.name, 'chat llama3.2');
  });

  it('says of a stream why it ended', () => {
    assert.deepEqual(of('stream')['gen_ai.response.finish_reasons'], ['stop']);
    assert.equal(of('stream')['gen_ai.request.stream'], true);
  });

  provenTextSizes(proof, {
    plain: [undefined, undefined],
    embeddingsUntold: [30, undefined],
    // A prompt that the server still knew.
    cached: [30, undefined],
    // Three words were read.
    break: [30, 18],
  });
  provenFirstChunks(proof, ['stream']);
}

for (const set of ['vendors-current', 'vendors-previous']) {
  provenSdk(
    { sdk: 'ollama', set, wire: startOllamaStandIn, formats: ['esm', 'cjs'], expect: EXPECTED },
    declareMore,
  );
}
