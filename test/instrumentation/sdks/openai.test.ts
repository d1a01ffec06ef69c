import { startOpenaiStandIn } from '../../support/provider/index.ts';
import { provenSdk, type Expected, type Proof } from '../../support/proven-sdk.ts';
import { provenFirstChunks, provenTextSizes } from '../../support/proven-streams.ts';

const EXPECTED: Readonly<Record<string, Expected>> = {
  errorMidway: { error: 'APIError' },
  closedMidway: { error: 'TypeError' },
  rateLimited: { error: '429' },
  serverError: { error: '500' },
  unauthorizedStream: { error: '401' },
  garbage: { error: 'SyntaxError' },
  parseRateLimited: { error: '429' },
  parseLeft: { error: '400' },
  parseGarbage: { error: 'SyntaxError' },
  // The provider did its work; it is the app's reading of it that fails.
  parseUnparsable: { error: false },
  refused: { error: 'APIConnectionError' },
  // The second reading throws; the call itself went well.
  iteratedTwice: { error: false },
};

function declareMore(proof: Proof): void {
  // The prompt has 30 characters.
  provenTextSizes(proof, {
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
  });
  provenFirstChunks(proof, ['stream', 'break', 'helper', 'tee']);
}

for (const set of ['stainless-current', 'stainless-previous']) {
  provenSdk(
    { sdk: 'openai', set, wire: startOpenaiStandIn, formats: ['esm', 'cjs'], expect: EXPECTED },
    declareMore,
  );
}
