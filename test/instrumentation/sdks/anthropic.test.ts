import assert from 'node:assert/strict';
import { startAnthropicPlatforms } from '../../support/provider/index.ts';
import type { Counts } from '../../support/sdk-counts.ts';
import { provenSdk, type Expected, type Proof } from '../../support/proven-sdk.ts';
import { provenFirstChunks, provenTextSizes } from '../../support/proven-streams.ts';
import type { SinkSpan } from '../otlp-sink.ts';

/** Told by the first event of a stream; the output follows only at its end. */
const INPUT_ALONE: Partial<Counts> = { input: 1820, cacheRead: 1000, cacheWrite: 370 };

/** Everything that a request of the driver used. */
const ALL: Counts = { input: 1820, output: 180, cacheRead: 1000, cacheWrite: 370, reasoning: 20 };

/** Of two messages. */
const TWICE: Counts = { input: 3640, output: 360, cacheRead: 2000, cacheWrite: 740, reasoning: 40 };

/** A compaction of 100 + 5 + 30 tokens in and 10 out, which the totals of the API leave out. */
const COMPACTED: Counts = { ...ALL, input: 1955, output: 190, cacheRead: 1005, cacheWrite: 400 };

/** Two requests to another model, of 100 + 5 tokens in and 10 out each. */
const ADVISED: Counts = { ...ALL, input: 2030, output: 200, cacheRead: 1010 };

const EXPECTED: Readonly<Record<string, Expected>> = {
  break: { usage: INPUT_ALONE },
  abort: { usage: INPUT_ALONE },
  helperAbort: { usage: INPUT_ALONE },
  errorMidway: { usage: INPUT_ALONE },
  closedMidway: { usage: INPUT_ALONE },
  rateLimited: { error: '429' },
  overloaded: { error: '529' },
  compaction: { usage: COMPACTED },
  compactionStream: { usage: COMPACTED },
  advisor: { usage: ADVISED },
  advisorStream: { usage: ADVISED },
  oddUsage: { usage: { ...ALL, reasoning: 0 } },
  // Two messages, read twice.
  batch: { usage: TWICE },
  batchAgain: { usage: {} },
  batchRefused: { error: false },
};

/** Versions that trace themselves name errors in their own way, and have spans of their own for what is no message. */
const TRACES_ITSELF: Readonly<Record<string, Expected>> = {
  ...EXPECTED,
  errorMidway: { usage: INPUT_ALONE, error: 'overloaded_error' },
  closedMidway: { usage: INPUT_ALONE, error: 'client_error' },
  rateLimited: { error: 'rate_limit_error' },
  overloaded: { error: 'overloaded_error' },
  toolRunner: { spans: 5 },
  batch: { ...EXPECTED['batch'], spans: 5 },
  batchAgain: { ...EXPECTED['batchAgain'], spans: 2 },
  batchRefused: { spans: 1 },
};

function declareMore(proof: Proof): void {
  provenTextSizes(proof, {
    // Two events before the first of three words; the input was told.
    break: [undefined, 18, 3],
    stream: [undefined, undefined, undefined],
  });
  provenFirstChunks(proof, ['stream', 'helper']);

  it('splits cache writes by their lifetime, which prices differ by', () => {
    for (const scenario of ['plain', 'stream', 'helper', 'betaStream']) {
      const attributes = proof.attributesOf(scenario);
      const prefix = 'anthropic.usage.cache_creation.ephemeral_';
      assert.equal(attributes?.[`${prefix}5m_input_tokens`], 300, scenario);
      assert.equal(attributes?.[`${prefix}1h_input_tokens`], 70, scenario);
    }
  });
}

/** Spans that the collector bills: those of a generation. */
function generations(proof: Proof, scenario: string): readonly SinkSpan[] {
  const spans = proof.run.spansOf(scenario);
  return spans.filter(({ attributes }) => attributes['gen_ai.operation.name'] === 'chat');
}

function byText(a: string, b: string): number {
  return a < b ? -1 : 1;
}

function declareBeyondMessages(proof: Proof): void {
  it('bills each message of a batch once, by the prices of batches', () => {
    const spans = generations(proof, 'batch');
    assert.deepEqual(
      spans.map(({ attributes }) => String(attributes['gen_ai.response.id'])).toSorted(byText),
      ['msg_batch_1', 'msg_batch_2'],
    );
    for (const { attributes, kind } of spans) {
      assert.equal(kind, 3);
      assert.equal(attributes['spanmeter.batch'], true);
      assert.equal(attributes['gen_ai.provider.name'], 'anthropic');
      assert.equal(attributes['gen_ai.request.model'], 'claude-haiku-4-5');
      assert.equal(attributes['anthropic.message.batch.id'], 'msgbatch_1');
      assert.equal(attributes['anthropic.usage.cache_creation.ephemeral_1h_input_tokens'], 70);
    }
    assert.deepEqual(generations(proof, 'batchAgain'), []);
  });

  it('tells requests to an advisor by its own model', () => {
    for (const scenario of ['advisor', 'advisorStream']) {
      const models = generations(proof, scenario).map(({ attributes }) =>
        String(attributes['gen_ai.response.model']),
      );
      assert.deepEqual(
        models.toSorted(byText),
        ['claude-haiku-4-5', 'claude-opus-4-7', 'claude-opus-4-7'],
        scenario,
      );
    }
  });

  it('adds what compactions wrote to the cache to its own lifetime', () => {
    for (const scenario of ['compaction', 'compactionStream']) {
      const attributes = generations(proof, scenario)[0]?.attributes;
      const prefix = 'anthropic.usage.cache_creation.ephemeral_';
      assert.equal(attributes?.[`${prefix}5m_input_tokens`], 330, scenario);
      assert.equal(attributes?.[`${prefix}1h_input_tokens`], 70, scenario);
    }
  });

  it('tells all that a price depends on', () => {
    for (const scenario of ['serverTools', 'serverToolsStream']) {
      const attributes = generations(proof, scenario)[0]?.attributes;
      assert.equal(attributes?.['anthropic.usage.server_tool_use.web_search_requests'], 3, scenario);
      assert.equal(attributes?.['anthropic.usage.server_tool_use.web_fetch_requests'], 2, scenario);
      assert.equal(attributes?.['anthropic.usage.speed'], 'fast', scenario);
      assert.equal(attributes?.['anthropic.usage.inference_geo'], 'us', scenario);
      assert.equal(attributes?.['anthropic.response.service_tier'], 'priority', scenario);
    }
  });

  it('counts no tokens for counting tokens', () => {
    const [span, ...others] = proof.run.spansOf('countTokens');
    assert.deepEqual(others, []);
    assert.equal(span?.attributes['gen_ai.operation.name'], 'count_tokens');
    assert.equal(span?.attributes['gen_ai.usage.input_tokens'], undefined);
  });
}

const ANTHROPIC = { sdk: 'anthropic', wire: startAnthropicPlatforms, formats: ['esm', 'cjs'] } as const;

for (const set of ['anthropic-current', 'anthropic-previous']) {
  provenSdk({ ...ANTHROPIC, set, expect: TRACES_ITSELF }, (proof) => {
    declareMore(proof);
    declareBeyondMessages(proof);

    it('leaves the SDK its own span, and no second one', () => {
      for (const scenario of ['plain', 'stream', 'beta', 'helper', 'frozen', 'toolRunner', 'neverRead']) {
        const scopes = new Set(proof.run.spansOf(scenario).map((span) => span.scope));
        assert.deepEqual([...scopes], ['com.anthropic.sdk.typescript'], scenario);
      }
      for (const scenario of ['plain', 'frozen']) {
        const attributes = proof.attributesOf(scenario);
        assert.equal(attributes?.['anthropic.usage.speed'], 'standard', scenario);
      }
      assert.deepEqual(proof.attributesOf('helper')['gen_ai.response.finish_reasons'], ['end_turn']);
    });
  });
}

provenSdk({ ...ANTHROPIC, set: 'anthropic-early', expect: EXPECTED }, (proof) => {
  declareMore(proof);
  declareBeyondMessages(proof);

  it('tells how much text a completion of before was, since its API tells no tokens', () => {
    for (const [scenario, output] of [
      ['completion', 19],
      ['completionStream', 48],
    ] as const) {
      const attributes = proof.attributesOf(scenario);
      assert.equal(attributes?.['gen_ai.operation.name'], 'text_completion', scenario);
      assert.equal(attributes?.['spanmeter.usage.estimate.input_characters'], 30, scenario);
      assert.equal(attributes?.['spanmeter.usage.estimate.output_characters'], output, scenario);
    }
  });
});
