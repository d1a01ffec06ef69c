import assert from 'node:assert/strict';
import { startMistralStandIn } from '../../support/provider/index.ts';
import { provenSdk, type Expected, type Proof } from '../../support/proven-sdk.ts';

const EXPECTED: Readonly<Record<string, Expected>> = {
  // The SDK checks every event against its schema.
  errorMidway: { error: 'ZodError' },
  closedMidway: { error: 'TypeError' },
  rateLimited: { error: '429' },
  unauthorizedStream: { error: '401' },
  garbage: { error: 'SyntaxError' },
  refused: { error: 'ConnectionError' },
  invalid: { error: 'SDKValidationError' },
  abortEarly: { error: false, usage: {} },
};

function declareMore(proof: Proof): void {
  const { attributesOf: of } = proof;

  it('names the provider, the operation and both models', () => {
    for (const [scenario, operation, model] of [
      ['plain', 'chat', 'mistral-medium-latest'],
      ['fim', 'text_completion', 'codestral-latest'],
      ['conversationStream', 'chat', 'mistral-medium-latest'],
      ['embeddings', 'embeddings', 'mistral-embed'],
      ['moderation', 'moderation', 'mistral-moderation-latest'],
    ] as const) {
      const span = of(scenario);
      assert.equal(span['gen_ai.provider.name'], 'mistral_ai');
      assert.equal(span['gen_ai.operation.name'], operation);
      assert.equal(span['gen_ai.request.model'], model);
      assert.equal(span['gen_ai.response.model'], model);
    }
  });

  it('learns the model of an agent from its answer', () => {
    for (const scenario of ['agent', 'agentStream']) {
      assert.equal(of(scenario)['gen_ai.request.model'], undefined);
      assert.equal(of(scenario)['gen_ai.response.model'], 'mistral-medium-2508');
      assert.equal(of(scenario)['gen_ai.agent.id'], 'ag_1');
    }
  });

  it('counts what is sold by other things than tokens', () => {
    assert.equal(of('ocr')['spanmeter.usage.requests'], 7);
    assert.equal(of('transcription')['spanmeter.usage.audio_seconds'], 83);
    assert.equal(of('transcriptionStream')['spanmeter.usage.audio_seconds'], 83);
    assert.equal(of('conversation')['spanmeter.usage.web_search_requests'], 2);
    assert.equal(of('conversationStream')['spanmeter.usage.web_search_requests'], 2);
    const { shown } = proof.run.outcomes['speech'] ?? {};
    assert.equal(of('speech')['spanmeter.usage.input_characters'], shown === undefined ? undefined : 30);
    assert.equal(of('tiered')['gen_ai.response.service_tier'], 'priority');
  });

  it('counts attempts after the first', () => {
    assert.equal(of('retried')['http.request.resend_count'], 1);
    assert.equal(of('plain')['http.request.resend_count'], undefined);
  });

  it('knows a conversation by its id', () => {
    for (const scenario of ['conversation', 'conversationStream', 'conversationAppend']) {
      assert.equal(of(scenario)['gen_ai.conversation.id'], 'conv_1', scenario);
    }
  });
}

// The package of version 2 is of ES modules alone, that of version 1 of CommonJS.
for (const set of ['vendors-current', 'vendors-previous']) {
  const formats = set === 'vendors-current' ? (['esm'] as const) : (['esm', 'cjs'] as const);
  provenSdk({ sdk: 'mistral', set, wire: startMistralStandIn, formats, expect: EXPECTED }, declareMore);
}
