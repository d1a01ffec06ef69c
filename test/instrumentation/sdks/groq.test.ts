import assert from 'node:assert/strict';
import { startGroqStandIn } from '../../support/provider/index.ts';
import { provenSdk, type Expected, type Proof } from '../../support/proven-sdk.ts';

const EXPECTED: Readonly<Record<string, Expected>> = {
  errorMidway: { error: 'APIError' },
  rateLimited: { error: '429' },
};

function declareMore(proof: Proof): void {
  const attribute = (scenario: string, key: string): unknown =>
    proof.run.spansOf(scenario)[0]?.attributes[key];

  it('names the provider and what is charged beside tokens', () => {
    assert.equal(attribute('plain', 'gen_ai.provider.name'), 'groq');
    assert.equal(attribute('speech', 'spanmeter.usage.input_characters'), 30);
  });

  it('tells why a call ended, and how often it was tried', () => {
    assert.deepEqual(attribute('stream', 'gen_ai.response.finish_reasons'), ['stop']);
    assert.deepEqual(attribute('tools', 'gen_ai.response.finish_reasons'), ['tool_calls']);
    assert.equal(attribute('retried', 'http.request.resend_count'), 1);
  });
}

for (const set of ['stainless-current', 'stainless-previous']) {
  provenSdk(
    {
      sdk: 'groq',
      set,
      wire: startGroqStandIn,
      formats: ['esm', 'cjs'],
      expect: EXPECTED,
    },
    declareMore,
  );
}
