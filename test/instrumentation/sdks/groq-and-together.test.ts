import assert from 'node:assert/strict';
import { startGroqStandIn, startTogetherStandIn } from '../../support/provider/index.ts';
import { provenSdk, type Expected, type Proof } from '../../support/proven-sdk.ts';

const EXPECTED: Readonly<Record<string, Expected>> = {
  errorMidway: { error: 'APIError' },
  rateLimited: { error: '429' },
};

const WIRES = { groq: startGroqStandIn, together: startTogetherStandIn };

function declareMore(provider: string, { attributesOf }: Proof): void {
  it('names the provider and what is charged beside tokens', () => {
    assert.equal(attributesOf('plain')['gen_ai.provider.name'], provider);
    assert.equal(attributesOf('speech')['spanmeter.usage.input_characters'], 30);
  });

  it('tells why a call ended, and how often it was tried', () => {
    assert.deepEqual(attributesOf('stream')['gen_ai.response.finish_reasons'], ['stop']);
    assert.deepEqual(attributesOf('tools')['gen_ai.response.finish_reasons'], ['tool_calls']);
    assert.equal(attributesOf('retried')['http.request.resend_count'], 1);
  });
}

for (const [sdk, wire] of Object.entries(WIRES)) {
  for (const set of ['stainless-current', 'stainless-previous']) {
    provenSdk({ sdk, set, wire, formats: ['esm', 'cjs'], expect: EXPECTED }, (proof) =>
      declareMore(sdk, proof),
    );
  }
}
