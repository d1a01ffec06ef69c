import assert from 'node:assert/strict';
import { startGeminiStandIn } from '../../support/provider/index.ts';
import { provenSdk, type Expected, type Proof } from '../../support/proven-sdk.ts';

const EXPECTED: Readonly<Record<string, Expected>> = {};

function declareMore(_proof: Proof): void {
  it('is here', () => assert.ok(true));
}

for (const set of ['google-current', 'google-previous']) {
  provenSdk(
    { sdk: 'google-genai', set, wire: startGeminiStandIn, formats: ['esm', 'cjs'], expect: EXPECTED },
    declareMore,
  );
}
