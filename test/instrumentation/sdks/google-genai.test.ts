import assert from 'node:assert/strict';
import { startGeminiStandIn } from '../../support/provider/index.ts';
import { provenSdk, type Expected, type Proof } from '../../support/proven-sdk.ts';
import { provenFirstChunks, provenTextSizes } from '../../support/proven-streams.ts';

const EXPECTED: Readonly<Record<string, Expected>> = {
  // The SDK lets the provider finish what the app has left. What was told by then is the prompt, …
  break: { usage: { input: 18 } },
  // … and what there was of the answer: 3 of 50 parts of 180 tokens.
  breakCumulative: { usage: { input: 1450, output: 11 } },
  abortEarly: { error: false, usage: {} },
  errorMidway: { error: '503' },
  closedMidway: { error: 'TypeError' },
  rateLimited: { error: '429' },
  unauthorizedStream: { error: '401' },
  garbage: { error: 'SyntaxError' },
  refused: { error: 'TypeError' },
  interactionRefused: { error: '400' },
  interactionMidway: { error: 'APIConnectionError' },
};

function declareMore(proof: Proof): void {
  const { attributesOf: of } = proof;

  it('tells the Developer API and Vertex AI apart', () => {
    assert.equal(of('plain')['gen_ai.provider.name'], 'gcp.gemini');
    assert.equal(of('plain')['gcp.location'], undefined);
    for (const scenario of ['vertex', 'streamVertex', 'embeddings', 'images']) {
      assert.equal(of(scenario)['gen_ai.provider.name'], 'gcp.vertex_ai', scenario);
      assert.equal(of(scenario)['gcp.location'], 'europe-west1', scenario);
    }
    assert.equal(of('vertex')['gcp.vertex_ai.response.traffic_type'], 'ON_DEMAND');
  });

  it('names the operation and both models', () => {
    for (const [scenario, operation, model] of [
      ['plain', 'generate_content', 'gemini-2.5-flash'],
      ['interaction', 'generate_content', 'gemini-2.5-flash'],
      ['embeddingsOne', 'embeddings', 'gemini-embedding-2'],
      ['imagesEdited', 'image_generation', 'imagen-4.0'],
    ] as const) {
      assert.equal(of(scenario)['gen_ai.operation.name'], operation);
      assert.equal(of(scenario)['gen_ai.request.model'], model);
    }
    assert.equal(of('stream')['gen_ai.response.model'], 'gemini-2.5-flash-001');
    assert.deepEqual(of('stream')['gen_ai.response.finish_reasons'], ['STOP']);
    assert.equal(of('stream')['gen_ai.request.stream'], true);
  });

  it('counts audio, images that were made, and searches', () => {
    assert.equal(of('plain')['gen_ai.usage.audio.input_tokens'], 30);
    assert.equal(of('interactionContinuedStream')['gen_ai.usage.audio.input_tokens'], 60);
    for (const scenario of ['images', 'imagesEdited', 'imagesUpscaled']) {
      assert.equal(of(scenario)['spanmeter.usage.images'], 2, scenario);
    }
    // Of this model's searches, those of one prompt are charged together.
    assert.equal(of('interaction')['spanmeter.usage.web_search_requests'], 1);
  });

  provenTextSizes(proof, { embeddingsUntold: [30], embeddings: [undefined] });
  provenFirstChunks(proof, ['stream', 'interactionStream', 'interactionReader', 'interactionResumedStream']);
}

for (const set of ['google-current', 'google-previous']) {
  provenSdk(
    { sdk: 'google-genai', set, wire: startGeminiStandIn, formats: ['esm', 'cjs'], expect: EXPECTED },
    declareMore,
  );
}
