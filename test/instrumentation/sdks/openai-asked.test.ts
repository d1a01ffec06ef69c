import assert from 'node:assert/strict';
import { startOpenaiApiStandIn } from '../../support/provider/index.ts';
import { provenSdk, type Expected, type Proof } from '../../support/proven-sdk.ts';
import { runSdk } from '../../support/sdk-run.ts';
import { missingNode } from '../../support/sdk-set.ts';

const EXPECTED: Readonly<Record<string, Expected>> = {
  errorMidway: { error: 'APIError' },
  closedMidway: { error: 'TypeError' },
  asResponse: { usage: {} },
  runTools: { error: false },
};

/** Streams whose usage nobody asked for, that come to their end. */
const WHOLE = ['chunks', 'chunksOfTools', 'chunksOfCompletion', 'tee', 'readable', 'byHand', 'helper'];

function askedFor(proof: Proof, scenario: string): unknown[] {
  return proof.run
    .requestsOf(scenario)
    .map(({ body }) => (body as { stream_options?: unknown }).stream_options);
}

function outputOf(proof: Proof, scenario: string): unknown {
  return proof.attributesOf(scenario)['gen_ai.usage.output_tokens'];
}

for (const set of ['stainless-current', 'stainless-previous']) {
  const common = {
    driver: 'openai-asked',
    set,
    wire: startOpenaiApiStandIn,
    formats: ['esm', 'cjs'],
    expect: EXPECTED,
    secrets: ['all well'],
  } as const;

  provenSdk({ sdk: 'openai with usage not asked for', ...common }, (proof) => {
    it('leaves the requests alone, and tells no usage', () => {
      for (const scenario of WHOLE) {
        assert.deepEqual(askedFor(proof, scenario), [undefined], scenario);
        assert.equal(outputOf(proof, scenario), undefined, scenario);
      }
    });
  });

  const asking = { env: { SPANMETER_STREAM_USAGE: 'true' }, requestsVary: true };
  provenSdk({ sdk: 'openai with usage asked for', ...common, ...asking }, (proof) => {
    it('asks for usage where the app did not say, and tells it', () => {
      for (const scenario of WHOLE) {
        assert.deepEqual(askedFor(proof, scenario), [{ include_usage: true }], scenario);
        assert.equal(outputOf(proof, scenario), 180, scenario);
      }
      assert.deepEqual(askedFor(proof, 'declined'), [{ include_usage: false }]);
      assert.equal(outputOf(proof, 'declined'), undefined);
    });
  });
}

describe('a stream whose usage nobody asked for', function () {
  it('is warned of once in a process', async function () {
    if (missingNode('stainless-current') !== undefined) return this.skip();
    const standIn = await startOpenaiApiStandIn();
    try {
      const { outcomes } = await runSdk({
        set: 'stainless-current',
        driver: 'openai-warned',
        format: 'esm',
        standIn,
        nodeOptions: ['--import', '@spanmeter/instrumentation/register'],
        env: { OTEL_EXPORTER_OTLP_ENDPOINT: standIn.url },
      });
      const warnings = outcomes['twice']?.shown as string[];
      assert.equal(warnings.length, 1, warnings.join('\n'));
      assert.match(warnings[0] ?? '', /SPANMETER_STREAM_USAGE=true/);
    } finally {
      await standIn.close();
    }
    return undefined;
  });
});
