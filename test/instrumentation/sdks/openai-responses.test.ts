import assert from 'node:assert/strict';
import { startOpenaiApiStandIn } from '../../support/provider/index.ts';
import { provenSdk, type Expected, type Proof } from '../../support/proven-sdk.ts';
import { provenTextSizes } from '../../support/proven-streams.ts';

const EXPECTED: Readonly<Record<string, Expected>> = {
  closedMidway: { error: 'TypeError' },
  rateLimited: { error: '429' },
  garbage: { error: 'SyntaxError' },
  notFound: { error: '404' },
  conversation: { spans: 2 },
};

function declareMore(proof: Proof): void {
  const attribute = (scenario: string, key: string): unknown[] =>
    proof.run.spansOf(scenario).map(({ attributes }) => attributes[key]);

  it('tells a background response once, by the first look that finds it finished', () => {
    const operations = attribute('background', 'gen_ai.operation.name');
    assert.deepEqual(operations, ['chat', 'fetch_response', 'chat', 'fetch_response', 'fetch_response']);
    const outputs = attribute('background', 'gen_ai.usage.output_tokens');
    assert.deepEqual(outputs, [undefined, undefined, 180, undefined, undefined]);
    const deferred = attribute('background', 'spanmeter.usage.deferred');
    assert.deepEqual(deferred, [true, undefined, undefined, undefined, undefined]);
    assert.equal(new Set(attribute('background', 'gen_ai.response.id')).size, 1);
  });

  it('defers the usage of a background stream that the app left', () => {
    assert.deepEqual(attribute('backgroundReplayed', 'spanmeter.usage.deferred'), [
      true,
      undefined,
      undefined,
    ]);
    const outputs = attribute('backgroundReplayed', 'gen_ai.usage.output_tokens');
    assert.deepEqual(outputs, [undefined, 180, undefined]);
    assert.deepEqual(attribute('backgroundStream', 'gen_ai.usage.output_tokens'), [180, undefined]);
  });

  it('counts the searches that are charged', () => {
    assert.deepEqual(attribute('webSearch', 'spanmeter.usage.web_search_requests'), [2]);
    assert.deepEqual(attribute('streamWebSearch', 'spanmeter.usage.web_search_requests'), [2]);
    assert.deepEqual(attribute('plain', 'spanmeter.usage.web_search_requests'), [undefined]);
  });

  it('tells who answered, at which tier, why it ended, and how long cache writes live', () => {
    const [span] = proof.run.spansOf('plain');
    const { attributes } = span ?? assert.fail('no span');
    assert.equal(span?.name, 'chat gpt-6.2-sol');
    assert.equal(attributes['gen_ai.response.model'], 'gpt-6.2-sol');
    assert.equal(attributes['openai.response.service_tier'], 'default');
    assert.equal(attributes['openai.api.type'], 'responses');
    assert.deepEqual(attributes['gen_ai.response.finish_reasons'], ['stop']);
    assert.equal(attributes['openai.usage.cache_write.ttl_30m_tokens'], 300);
    assert.equal(attributes['openai.usage.cache_write.ttl_12h_tokens'], 70);
    assert.deepEqual(attribute('tools', 'gen_ai.response.finish_reasons'), [['tool_calls']]);
    assert.deepEqual(attribute('incomplete', 'gen_ai.response.finish_reasons'), [['length']]);
    assert.deepEqual(attribute('streamFailed', 'gen_ai.response.finish_reasons'), [['error']]);
    assert.deepEqual(attribute('conversation', 'gen_ai.conversation.id'), ['conv_1', undefined]);
    assert.deepEqual(attribute('conversation', 'openai.request.service_tier'), [undefined, 'flex']);
    assert.deepEqual(attribute('retried', 'http.request.resend_count'), [1]);
  });

  provenTextSizes(proof, { break: [39, 12], stream: [undefined, undefined] });
}

for (const set of ['stainless-current', 'stainless-previous']) {
  provenSdk(
    {
      sdk: 'openai responses',
      driver: 'openai-responses',
      set,
      wire: startOpenaiApiStandIn,
      formats: ['esm', 'cjs'],
      expect: EXPECTED,
      secrets: ['Be brief', 'herons'],
    },
    declareMore,
  );
}
