import assert from 'node:assert/strict';
import { startAnthropicPlatforms } from '../../support/provider/index.ts';
import { provenSdk, type Expected } from '../../support/proven-sdk.ts';

const INPUT_ALONE = { input: 1820, cacheRead: 1000, cacheWrite: 370 };

const EXPECTED: Readonly<Record<string, Expected>> = {
  bedrockBreak: { usage: INPUT_ALONE },
  vertexBreak: { usage: INPUT_ALONE },
};

const WHERE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  bedrock: {
    'gen_ai.provider.name': 'aws.bedrock',
    'gen_ai.request.model': 'us.anthropic.claude-haiku-4-5-20251001-v1:0',
    'aws.region': 'eu-west-1',
  },
  vertex: {
    'gen_ai.provider.name': 'gcp.vertex_ai',
    'gen_ai.request.model': 'claude-haiku-4-5@20251001',
    'gcp.location': 'us-east5',
  },
};

for (const set of ['anthropic-current', 'anthropic-previous', 'anthropic-early']) {
  provenSdk(
    {
      sdk: 'anthropic-platforms',
      set,
      wire: startAnthropicPlatforms,
      formats: ['esm', 'cjs'],
      expect: EXPECTED,
    },
    (proof) => {
      it('tells whose prices apply, also where the host does not', () => {
        for (const [platform, where] of Object.entries(WHERE)) {
          for (const scenario of ['Plain', 'Stream', 'Break', 'RateLimited']) {
            const attributes = proof.attributesOf(platform + scenario);
            for (const [name, value] of Object.entries(where)) {
              assert.equal(attributes[name], value, `${platform}${scenario}: ${name}`);
            }
          }
        }
      });

      it('counts attempts after the first', () => {
        assert.equal(proof.attributesOf('bedrockRetried')['http.request.resend_count'], 1);
      });
    },
  );
}
