import assert from 'node:assert/strict';
import { startOpenaiApiStandIn } from '../../support/provider/index.ts';
import { provenSdk, type Expected, type Proof } from '../../support/proven-sdk.ts';

const EXPECTED: Readonly<Record<string, Expected>> = {
  deepseek: { usage: { input: 100, output: 20, cacheRead: 60 } },
  xai: { usage: { input: 100, output: 37, reasoning: 17 } },
  openrouter: { usage: { input: 100, output: 20 } },
  perplexity: { usage: { input: 100, output: 20 } },
  gemini: { usage: { input: 100, output: 50, reasoning: 30 } },
  moonshot: { usage: { input: 100, output: 20, cacheRead: 30 } },
  htmlError: { error: '502' },
  // The runner is told to stop after two answers, which is no failure of either.
  runTools: { error: false },
  runToolsStream: { error: false },
  fiftyHops: { error: false },
  cutInCharacter: { usage: { input: 40, output: 8 } },
};

const PROVIDERS: Readonly<Record<string, string>> = {
  azure: 'azure.ai.openai',
  azureDeployment: 'azure.ai.openai',
  azureStream: 'azure.ai.openai',
  subclass: 'openai',
  deepseek: 'deepseek',
  xai: 'x_ai',
  openrouter: 'openrouter',
  perplexity: 'perplexity',
  gemini: 'gcp.gemini',
  moonshot: 'moonshot_ai',
};

function declareMore(proof: Proof): void {
  const attribute = (scenario: string, key: string): unknown => proof.attributesOf(scenario)[key];

  it('names the provider by its client or its host', () => {
    const told = Object.keys(PROVIDERS).map((name) => [name, attribute(name, 'gen_ai.provider.name')]);
    assert.deepEqual(Object.fromEntries(told), PROVIDERS);
    assert.ok(['aws.bedrock', 'openai'].includes(String(attribute('bedrock', 'gen_ai.provider.name'))));
  });

  it('takes a deployment for the model', () => {
    assert.equal(attribute('azureDeployment', 'gen_ai.request.model'), 'mine');
  });

  it('tells what a server says that it charges, and what it charges for', () => {
    assert.equal(attribute('openrouter', 'gen_ai.usage.cost'), 0.0123);
    assert.equal(attribute('openrouter', 'openrouter.is_byok'), true);
    assert.equal(attribute('openrouter', 'openrouter.cost_details.upstream_inference_cost'), 0.2);
    assert.equal(attribute('perplexity', 'gen_ai.usage.cost'), 0.5);
    assert.equal(attribute('perplexity', 'perplexity.response.search_context_size'), 'high');
    assert.equal(attribute('xai', 'x_ai.usage.cost_in_usd_ticks'), 12_345);
  });

  it('goes on after answers that nobody should send', () => {
    assert.equal(proof.run.spansOf('htmlError').length, 1);
    assert.ok(!proof.run.stderr.includes('spanmeter'), proof.run.stderr);
  });
}

for (const set of ['stainless-current', 'stainless-previous']) {
  provenSdk(
    {
      sdk: 'openai clients',
      driver: 'openai-clients',
      set,
      wire: startOpenaiApiStandIn,
      formats: ['esm', 'cjs'],
      expect: EXPECTED,
      env: { OTEL_LOG_LEVEL: 'error' },
      secrets: ['all well', 'Bad gateway'],
    },
    declareMore,
  );
}
