import assert from 'node:assert/strict';
import { startAnthropicStandIn } from '../../support/provider/index.ts';
import type { Counts } from '../../support/sdk-counts.ts';
import { provenSdk, type Expected, type Proof } from '../../support/proven-sdk.ts';

/** Told by the first event of a stream; the output follows only at its end. */
const INPUT_ALONE: Partial<Counts> = { input: 1820, cacheRead: 1000, cacheWrite: 370 };

const EXPECTED: Readonly<Record<string, Expected>> = {
  break: { usage: INPUT_ALONE },
  abort: { usage: INPUT_ALONE },
  errorMidway: { usage: INPUT_ALONE },
  closedMidway: { usage: INPUT_ALONE },
  rateLimited: { error: '429' },
  overloaded: { error: '529' },
};

/** Versions that trace themselves name errors in their own way, and never end the span of an unread stream. */
const TRACES_ITSELF: Readonly<Record<string, Expected>> = {
  ...EXPECTED,
  errorMidway: { usage: INPUT_ALONE, error: 'overloaded_error' },
  closedMidway: { usage: INPUT_ALONE, error: 'client_error' },
  rateLimited: { error: 'rate_limit_error' },
  overloaded: { error: 'overloaded_error' },
  neverRead: { spans: 0, usage: {} },
};

/** Characters sent and received, digits and punctuation among those received. */
const CHARACTERS: Readonly<Record<string, readonly (number | undefined)[]>> = {
  // Two events before the first of three words; the input was told.
  break: [undefined, 18, 3],
  stream: [undefined, undefined, undefined],
};

function declareMore(proof: Proof): void {
  it('tells how much text it was just where the provider told no tokens', () => {
    for (const [scenario, expected] of Object.entries(CHARACTERS)) {
      const [span] = proof.run.spansOf(scenario);
      const told = ['input_characters', 'output_characters', 'output_symbols'].map(
        (name) => span?.attributes[`spanmeter.usage.estimate.${name}`],
      );
      assert.deepEqual(told, expected, scenario);
    }
  });

  it('splits cache writes by their lifetime, which prices differ by', () => {
    for (const scenario of ['plain', 'stream', 'helper', 'betaStream']) {
      const attributes = proof.run.spansOf(scenario)[0]?.attributes;
      const prefix = 'anthropic.usage.cache_creation.ephemeral_';
      assert.equal(attributes?.[`${prefix}5m_input_tokens`], 300, scenario);
      assert.equal(attributes?.[`${prefix}1h_input_tokens`], 70, scenario);
    }
  });

  it('times the first chunk of a stream that was read', () => {
    for (const scenario of ['stream', 'helper']) {
      const seconds = proof.run.spansOf(scenario)[0]?.attributes['gen_ai.response.time_to_first_chunk'];
      assert.ok(
        typeof seconds === 'number' && seconds > 0 && seconds < 30,
        `${scenario}: ${String(seconds)}`,
      );
    }
  });
}

const ANTHROPIC = { sdk: 'anthropic', wire: startAnthropicStandIn, formats: ['esm', 'cjs'] } as const;

provenSdk({ ...ANTHROPIC, set: 'anthropic-current', expect: TRACES_ITSELF }, (proof) => {
  declareMore(proof);

  it('leaves the SDK its own span, and no second one', () => {
    const scopes = new Set(proof.run.spans.map((span) => span.scope));
    assert.deepEqual([...scopes], ['com.anthropic.sdk.typescript']);
    assert.equal(proof.run.spansOf('plain')[0]?.attributes['anthropic.usage.speed'], 'standard');
    assert.deepEqual(proof.run.spansOf('helper')[0]?.attributes['gen_ai.response.finish_reasons'], [
      'end_turn',
    ]);
  });
});

provenSdk({ ...ANTHROPIC, set: 'anthropic-previous', expect: EXPECTED }, declareMore);
