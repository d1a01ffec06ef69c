import assert from 'node:assert/strict';
import { startOpenaiStandIn } from '../../support/provider/index.ts';
import { provenSdk, type Expected, type Proof } from '../../support/proven-sdk.ts';

const EXPECTED: Readonly<Record<string, Expected>> = {
  errorMidway: { error: 'APIError' },
  closedMidway: { error: 'TypeError' },
  rateLimited: { error: '429' },
  serverError: { error: '500' },
  unauthorizedStream: { error: '401' },
  garbage: { error: 'SyntaxError' },
  parseRateLimited: { error: '429' },
  parseGarbage: { error: 'SyntaxError' },
  // The provider did its work; it is the app's reading of it that fails.
  parseUnparsable: { error: false },
  refused: { error: 'APIConnectionError' },
  // The second reading throws; the call itself went well.
  iteratedTwice: { error: false },
};

/**
 * Characters sent and received, digits and punctuation among those received, where the provider told no
 * tokens; the prompt has 30 characters.
 */
const CHARACTERS: Readonly<Record<string, readonly (number | undefined)[]>> = {
  plain: [undefined, undefined, undefined],
  stream: [undefined, undefined, undefined],
  embeddings: [undefined, undefined, undefined],
  // Eight chunks from `word1 ` to `word8 `.
  streamNoUsage: [30, 48, 8],
  // Left after the role and two words.
  break: [30, 12, 2],
  abortUnread: [30, 0, undefined],
  // The app reads the body itself, so that the answer is not known.
  asResponse: [30, undefined, undefined],
  abortEarly: [30, undefined, undefined],
  errorMidway: [undefined, undefined, undefined],
};

function declareMore(proof: Proof): void {
  it('tells how much text it was just where the provider told no tokens', () => {
    for (const [scenario, expected] of Object.entries(CHARACTERS)) {
      const [span] = proof.run.spansOf(scenario);
      const told = ['input_characters', 'output_characters', 'output_symbols'].map(
        (name) => span?.attributes[`spanmeter.usage.estimate.${name}`],
      );
      assert.deepEqual(told, expected, scenario);
    }
  });

  it('times the first chunk of a stream that was read', () => {
    for (const scenario of ['stream', 'break', 'helper', 'tee']) {
      const seconds = proof.run.spansOf(scenario)[0]?.attributes['gen_ai.response.time_to_first_chunk'];
      assert.ok(
        typeof seconds === 'number' && seconds > 0 && seconds < 30,
        `${scenario}: ${String(seconds)}`,
      );
    }
  });
}

for (const set of ['stainless-current', 'stainless-previous']) {
  provenSdk(
    { sdk: 'openai', set, wire: startOpenaiStandIn, formats: ['esm', 'cjs'], expect: EXPECTED },
    declareMore,
  );
}
