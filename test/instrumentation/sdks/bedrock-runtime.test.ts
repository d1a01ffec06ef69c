import assert from 'node:assert/strict';
import { startBedrockStandIn } from '../../support/provider/index.ts';
import { provenSdk, type Expected, type Proof } from '../../support/proven-sdk.ts';

/** The usage is in the last event, which an app that leaves early does not get. */
const EXPECTED: Readonly<Record<string, Expected>> = {
  break: { usage: {} },
  errorMidway: { usage: {} },
  // Each chunk of this model has the counts so far.
  invokeBreak: { usage: { input: 450, output: 5 } },
  // Ranking is billed by requests.
  rerank: { usage: {} },
  // The last attempt's answer is all that the app gets.
  rateLimited: { error: '429' },
  rateLimitedStream: { error: '429' },
  denied: { error: '403' },
  retriedInVain: { error: '503' },
};

function declareMore(proof: Proof): void {
  const attributesOf = (scenario: string): Readonly<Record<string, unknown>> =>
    proof.run.spansOf(scenario)[0]?.attributes ?? {};

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
