import assert from 'node:assert/strict';
import { startOllamaStandIn } from '../../support/provider/index.ts';
import { provenSdk, type Expected, type Proof } from '../../support/proven-sdk.ts';

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
  const of = (scenario: string): Readonly<Record<string, unknown>> =>
    proof.run.spansOf(scenario)[0]?.attributes ?? {};

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

  it('tells how much text it was just where the server counted nothing', () => {
    const sizes = (scenario: string): readonly unknown[] =>
      ['input', 'output'].map((side) => of(scenario)[`spanmeter.usage.estimate.${side}_characters`]);
    assert.deepEqual(sizes('plain'), [undefined, undefined]);
    assert.deepEqual(sizes('embeddingsUntold'), [30, undefined]);
    // A prompt that the server still knew.
    assert.deepEqual(sizes('cached'), [30, undefined]);
    // Three words were read.
    assert.deepEqual(sizes('break'), [30, 18]);
  });

  it('times the first line of a stream and says why it ended', () => {
    const { 'gen_ai.response.time_to_first_chunk': seconds, ...span } = of('stream');
    assert.ok(typeof seconds === 'number' && seconds > 0 && seconds < 30, String(seconds));
    assert.deepEqual(span['gen_ai.response.finish_reasons'], ['stop']);
    assert.equal(span['gen_ai.request.stream'], true);
  });
}

for (const set of ['vendors-current', 'vendors-previous']) {
  provenSdk(
    { sdk: 'ollama', set, wire: startOllamaStandIn, formats: ['esm', 'cjs'], expect: EXPECTED },
    declareMore,
  );
}
