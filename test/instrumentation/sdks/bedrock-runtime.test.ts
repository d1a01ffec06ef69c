import assert from 'node:assert/strict';
import { startBedrockStandIn } from '../../support/provider/index.ts';
import { provenSdk, type Expected, type Proof } from '../../support/proven-sdk.ts';
import { provenTextSizes } from '../../support/proven-streams.ts';

/** The usage is in the last event, which an app that leaves early does not get. */
const EXPECTED: Readonly<Record<string, Expected>> = {
  break: { usage: {} },
  errorMidway: { usage: {} },
  closedMidway: { usage: {} },
  // Each chunk of this model has the counts so far.
  invokeBreak: { usage: { input: 450, output: 5 } },
  // Ranking is billed by requests.
  rerank: { usage: {} },
  // Nothing that is a request.
  noCommand: { error: false },
  // The last attempt's answer is all that the app gets.
  rateLimited: { error: '429' },
  rateLimitedStream: { error: '429' },
  denied: { error: '403' },
  retriedInVain: { error: '503' },
};

function declareMore(proof: Proof): void {
  const { attributesOf } = proof;

  it('tells which model answered where', () => {
    for (const scenario of ['plain', 'stream', 'invokeClaude', 'streamClaude', 'callback']) {
      const attributes = attributesOf(scenario);
      assert.equal(attributes['gen_ai.provider.name'], 'aws.bedrock', scenario);
      assert.equal(
        attributes['gen_ai.request.model'],
        'eu.anthropic.claude-haiku-4-5-20251001-v1:0',
        scenario,
      );
      assert.equal(attributes['aws.region'], 'eu-west-1', scenario);
      assert.equal(attributes['server.address'], '127.0.0.1', scenario);
      assert.match(String(attributes['gen_ai.response.id']), /^(req|msg)_\d+$/, scenario);
    }
  });

  it('tells what prices besides depend on', () => {
    for (const scenario of ['plain', 'stream']) {
      const attributes = attributesOf(scenario);
      const prefix = 'anthropic.usage.cache_creation.ephemeral_';
      assert.equal(attributes[`${prefix}5m_input_tokens`], 300, scenario);
      assert.equal(attributes[`${prefix}1h_input_tokens`], 70, scenario);
    }
    assert.equal(attributesOf('guarded')['aws.bedrock.guardrail.id'], 'gr-1');
    assert.equal(attributesOf('rerank')['gen_ai.operation.name'], 'rerank');
    assert.equal(attributesOf('rerank')['spanmeter.usage.requests'], 2);
    assert.equal(attributesOf('stream')['gen_ai.request.stream'], true);
  });

  it('takes the counts of embeddings from the headers where their body has none', () => {
    for (const scenario of ['embedTitan', 'embedCohere']) {
      const attributes = attributesOf(scenario);
      assert.equal(attributes['gen_ai.operation.name'], 'embeddings', scenario);
      assert.equal(attributes['gen_ai.usage.input_tokens'], 20, scenario);
      assert.equal(attributes['gen_ai.usage.output_tokens'], undefined, scenario);
    }
  });

  it('keeps a profile by its ARN, which names the model', () => {
    const model = String(attributesOf('invokeArn')['gen_ai.request.model']);
    assert.match(model, /^arn:aws:bedrock:eu-west-1:\d+:inference-profile\/eu\.anthropic\.claude/);
  });

  it('counts attempts after the first, also of calls that failed', () => {
    assert.equal(attributesOf('retried')['http.request.resend_count'], 1);
    assert.equal(attributesOf('retriedInVain')['http.request.resend_count'], 1);
    assert.equal(attributesOf('plain')['http.request.resend_count'], undefined);
  });

  it('runs a callback where the app was, not inside of the call', () => {
    const [first, second] = proof.run.spansOf('callbackNested');
    assert.notEqual(first?.spanId, second?.spanId);
    for (const span of [first, second]) assert.equal(span?.parentSpanId, undefined);
  });

  // The first event is no text, the next four are.
  provenTextSizes(proof, { break: [30, 24] });
}

const BEDROCK = {
  sdk: 'bedrock-runtime',
  wire: startBedrockStandIn,
  formats: ['esm', 'cjs'],
  env: { NODE_NO_WARNINGS: '1' },
} as const;

for (const set of ['bedrock-current', 'bedrock-previous']) {
  provenSdk({ ...BEDROCK, set, expect: EXPECTED }, declareMore);
}
