import assert from 'node:assert/strict';
import { startAnthropicStandIn, startOpenaiStandIn, type StandIn } from '../support/provider/index.ts';
import { startSink, type OtlpSink, type SinkSpan } from './otlp-sink.ts';
import { runApp, type AppResult } from './run-app.ts';
import { SCENARIOS } from './scenarios.ts';

const OPENAI_COUNTS = {
  'gen_ai.usage.input_tokens': 1820,
  'gen_ai.usage.output_tokens': 180,
  'gen_ai.usage.cache_read.input_tokens': 1000,
  'gen_ai.usage.cache_write.input_tokens': 370,
  'gen_ai.usage.reasoning.output_tokens': 20,
};

const ANTHROPIC_COUNTS = {
  ...OPENAI_COUNTS,
  'anthropic.usage.cache_creation.ephemeral_5m_input_tokens': 300,
  'anthropic.usage.cache_creation.ephemeral_1h_input_tokens': 70,
};

/** What is known of a message after its first event: the input, but not yet the output. */
const ANTHROPIC_INPUT: Record<string, number> = { ...ANTHROPIC_COUNTS };
delete ANTHROPIC_INPUT['gen_ai.usage.output_tokens'];
delete ANTHROPIC_INPUT['gen_ai.usage.reasoning.output_tokens'];

interface Expected {
  readonly counts: Readonly<Record<string, number>>;
  readonly error?: string;
}

const COMPLETE: Expected = { counts: OPENAI_COUNTS };
const WITHOUT_USAGE: Expected = { counts: {} };
const ANTHROPIC_COMPLETE: Expected = { counts: ANTHROPIC_COUNTS };
const ANTHROPIC_CUT: Expected = { counts: ANTHROPIC_INPUT };

const EXPECTED: Readonly<Record<string, Expected>> = {
  openaiPlain: COMPLETE,
  openaiTool: COMPLETE,
  openaiStream: WITHOUT_USAGE,
  openaiStreamUsage: COMPLETE,
  openaiCumulative: COMPLETE,
  openaiBreak: WITHOUT_USAGE,
  openaiAbort: WITHOUT_USAGE,
  openaiSignal: WITHOUT_USAGE,
  openaiSignalEarly: WITHOUT_USAGE,
  openaiUnreadAbort: WITHOUT_USAGE,
  openaiErrorMidway: { counts: {}, error: 'APIError' },
  openaiClosedMidway: { counts: {}, error: 'TypeError' },
  openaiAsResponse: WITHOUT_USAGE,
  openaiAsResponseStream: WITHOUT_USAGE,
  openaiAsResponseThenAwait: COMPLETE,
  openaiWithResponse: COMPLETE,
  openaiWithResponseStream: COMPLETE,
  openaiTee: COMPLETE,
  openaiReadable: COMPLETE,
  openaiParse: COMPLETE,
  openaiHelper: COMPLETE,
  openaiThrice: COMPLETE,
  openaiTwiceIterated: WITHOUT_USAGE,
  openaiShape: WITHOUT_USAGE,
  openai429: { counts: {}, error: '429' },
  openai500: { counts: {}, error: '500' },
  openai401Stream: { counts: {}, error: '401' },
  openaiRetried: COMPLETE,
  openaiGarbage: { counts: {}, error: 'SyntaxError' },
  openaiRefused: { counts: {}, error: 'APIConnectionError' },
  openaiEmbeddings: { counts: { 'gen_ai.usage.input_tokens': 1000 } },
  anthropicPlain: ANTHROPIC_COMPLETE,
  anthropicTool: ANTHROPIC_COMPLETE,
  anthropicStream: ANTHROPIC_COMPLETE,
  anthropicBreak: ANTHROPIC_CUT,
  anthropicAbort: ANTHROPIC_CUT,
  anthropicErrorMidway: { ...ANTHROPIC_CUT, error: 'overloaded_error' },
  anthropicClosedMidway: { ...ANTHROPIC_CUT, error: 'client_error' },
  anthropicAsResponse: WITHOUT_USAGE,
  anthropicWithResponse: ANTHROPIC_COMPLETE,
  anthropicHelper: ANTHROPIC_COMPLETE,
  anthropicTee: ANTHROPIC_COMPLETE,
  anthropic429: { counts: {}, error: 'rate_limit_error' },
  anthropic529: { counts: {}, error: 'overloaded_error' },
  anthropicRetried: ANTHROPIC_COMPLETE,
};

/** Characters sent and received, digits and punctuation among those received; `hi` is the whole request. */
const CHARACTERS: Readonly<Record<string, readonly (number | undefined)[]>> = {
  openaiPlain: [undefined, undefined, undefined],
  openaiStreamUsage: [undefined, undefined, undefined],
  openaiEmbeddings: [undefined, undefined, undefined],
  // Eight chunks from `word1 ` to `word8 `.
  openaiStream: [2, 48, 8],
  // Left after the role and two words.
  openaiBreak: [2, 12, 2],
  openaiUnreadAbort: [2, 0, undefined],
  // The app reads the body itself, so that the answer is not known.
  openaiAsResponse: [2, undefined, undefined],
  openaiSignalEarly: [2, undefined, undefined],
  openaiErrorMidway: [undefined, undefined, undefined],
  // Two events before the first of three words; the input was told.
  anthropicBreak: [undefined, 18, 3],
  anthropicStream: [undefined, undefined, undefined],
};

describe('calls of the real SDKs', function () {
  this.timeout(60_000);
  let openai: StandIn;
  let anthropic: StandIn;
  let sink: OtlpSink;
  let bare: AppResult;
  let registered: AppResult;

  before(async () => {
    [openai, anthropic, sink] = await Promise.all([
      startOpenaiStandIn(),
      startAnthropicStandIn(),
      startSink(),
    ]);
    const env = {
      OPENAI_BASE_URL: `${openai.url}/v1`,
      ANTHROPIC_BASE_URL: anthropic.url,
      OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
    };
    bare = await runApp({ code: SCENARIOS, preload: 'none', env: { ...env, RUN: 'bare' } });
    registered = await runApp({ code: SCENARIOS, env: { ...env, RUN: 'registered' } });
  });

  after(() => Promise.all([openai.close(), anthropic.close(), sink.close()]));

  const spansOf = (feature: string): SinkSpan[] =>
    sink.spans.filter((span) => span.attributes['spanmeter.feature'] === feature);

  it('look the same to the app with and without the instrumentation', () => {
    assert.equal(registered.stdout, bare.stdout);
    assert.equal(registered.stderr, bare.stderr);
    assert.equal(registered.code, bare.code);
    assert.ok(bare.stdout.includes('openaiPlain "A stand-in answers."'), bare.stdout);
    assert.ok(!bare.stdout.includes('UNHANDLED'));
  });

  for (const [feature, expected] of Object.entries(EXPECTED)) {
    it(`give ${feature} exactly one span, with the counts and the error that belong to it`, () => {
      const spans = spansOf(feature);
      assert.equal(spans.length, 1);
      const { attributes, statusCode } = spans[0]!;
      const counts = Object.fromEntries(
        Object.entries(attributes).filter(
          ([key, value]) =>
            key.includes('usage.') && !key.includes('.estimate.') && typeof value === 'number' && value > 0,
        ),
      );
      assert.deepEqual(counts, expected.counts);
      assert.equal(attributes['error.type'], expected.error);
      assert.equal(statusCode === 2, expected.error !== undefined);
    });
  }

  for (const [feature, expected] of Object.entries(CHARACTERS)) {
    it(`tell of ${feature} how much text it was just where the provider told no tokens`, () => {
      const { attributes } = spansOf(feature)[0]!;
      const told = ['input_characters', 'output_characters', 'output_symbols'].map(
        (name) => attributes[`spanmeter.usage.estimate.${name}`],
      );
      assert.deepEqual(told, expected);
    });
  }

  it('end every span: as many as there were calls', () => {
    const features = new Set(sink.spans.map((span) => span.attributes['spanmeter.feature']));
    const calls = bare.stdout.trim().split('\n').length;
    assert.equal(features.size, calls);
    assert.equal(sink.spans.length, calls);
  });

  it('stop the provider when the app breaks off, just as without the instrumentation', () => {
    const broken = openai.ledger.requests.filter(
      (request) => JSON.stringify(request.headers['x-stand-in']).includes('chunks') && request.stream,
    );
    assert.equal(broken.length, 8);
    for (const request of broken) {
      assert.equal(request.end, 'client_aborted');
      assert.ok(request.chunks < 20, `${request.chunks} of 50 chunks`);
    }
  });

  it('time the first chunk of a stream that was read', () => {
    for (const feature of ['openaiStream', 'openaiBreak', 'anthropicStream', 'anthropicHelper']) {
      const seconds = spansOf(feature)[0]?.attributes['gen_ai.response.time_to_first_chunk'];
      assert.ok(typeof seconds === 'number' && seconds > 0 && seconds < 30, `${feature}: ${String(seconds)}`);
    }
  });

  it('leave the Anthropic SDK its own span, and no second one', () => {
    const scopes = new Set(
      sink.spans
        .filter((span) => span.attributes['gen_ai.provider.name'] === 'anthropic')
        .map((span) => span.scope),
    );
    assert.deepEqual([...scopes], ['com.anthropic.sdk.typescript']);
    assert.equal(spansOf('anthropicPlain')[0]?.attributes['anthropic.usage.speed'], 'standard');
    assert.deepEqual(spansOf('anthropicHelper')[0]?.attributes['gen_ai.response.finish_reasons'], [
      'end_turn',
    ]);
  });

  it('keep prompts, answers and error messages out of the spans', () => {
    const text = JSON.stringify(sink.spans);
    assert.ok(!text.includes('stand-in answers') && !text.includes('was asked to answer'));
    assert.ok(!text.includes('"hi"') && !text.includes('word1'));
  });
});
