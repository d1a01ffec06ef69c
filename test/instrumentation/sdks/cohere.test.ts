import assert from 'node:assert/strict';
import { startCohereStandIn } from '../../support/provider/index.ts';
import { provenSdk, type Expected, type Proof } from '../../support/proven-sdk.ts';

const EXPECTED: Readonly<Record<string, Expected>> = {
  // The API says so in the last event, and the SDK throws nothing.
  errorMidway: { error: false },
  closedMidway: { error: 'TypeError' },
  rateLimited: { error: '429' },
  v1RateLimited: { error: '429' },
  unauthorizedStream: { error: '401' },
  caught: { error: '400' },
  responseFailed: { error: '500' },
  // The SDK gives the app what it could not read as if it were an answer.
  garbage: { error: false },
  refused: { error: 'CohereError' },
  abortEarly: { error: false, usage: {} },
};

function declareMore({ attributesOf: of }: Proof): void {
  it('names the provider, the operation and the model', () => {
    for (const [scenario, operation, model] of [
      ['plain', 'chat', 'command-a-03-2025'],
      ['v1Generate', 'text_completion', 'command-a-03-2025'],
      ['embeddings', 'embeddings', 'embed-v4.0'],
      ['rerank', 'rerank', 'rerank-v3.5'],
    ] as const) {
      const span = of(scenario);
      assert.equal(span['gen_ai.provider.name'], 'cohere');
      assert.equal(span['gen_ai.operation.name'], operation);
      assert.equal(span['gen_ai.request.model'], model);
    }
  });

  it('counts the searches of a rerank, by which it is sold', () => {
    for (const scenario of ['rerank', 'v1Rerank']) {
      assert.equal(of(scenario)['spanmeter.usage.requests'], 2, scenario);
      assert.equal(of(scenario)['gen_ai.usage.input_tokens'], undefined);
    }
  });

  it('counts attempts after the first', () => {
    assert.equal(of('retried')['http.request.resend_count'], 1);
    assert.equal(of('plain')['http.request.resend_count'], undefined);
    assert.equal(of('rateLimited')['http.request.resend_count'], undefined);
  });

  it('keeps the response id and why an answer ended', () => {
    assert.match(String(of('stream')['gen_ai.response.id']), /^chat-/);
    assert.deepEqual(of('stream')['gen_ai.response.finish_reasons'], ['COMPLETE']);
    assert.deepEqual(of('errorMidway')['gen_ai.response.finish_reasons'], ['ERROR']);
    assert.match(String(of('v1Stream')['gen_ai.response.id']), /^generation-/);
  });
}

for (const set of ['vendors-current', 'vendors-previous']) {
  provenSdk(
    { sdk: 'cohere', set, wire: startCohereStandIn, formats: ['esm', 'cjs'], expect: EXPECTED },
    declareMore,
  );
}
