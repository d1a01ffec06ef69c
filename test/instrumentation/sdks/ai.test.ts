import assert from 'node:assert/strict';
import { startOpenaiAndAnthropicStandIn } from '../../support/provider/openai-and-anthropic.ts';
import { startSink } from '../otlp-sink.ts';
import { runSdk } from '../../support/sdk-run.ts';
import { missingNode } from '../../support/sdk-set.ts';
import { provenSdk, type Expected, type Proof } from '../../support/proven-sdk.ts';
import { provenFirstChunks } from '../../support/proven-streams.ts';

type Expectations = Readonly<Record<string, Expected>>;

const ALL: Expectations = {
  // The app sees these as parts of the stream.
  errorMidway: { error: true },
  rateLimitedStream: { error: '429' },
  closedMidway: { error: true },
  garbage: { error: 'APICallError' },
  // One attempt of two failed.
  retried: { error: '500' },
  // The model is told of it.
  toolFails: { error: 'TypeError' },
  // Told by the SDK before there is a request.
  invalid: { error: false },
};

/** What the majors before the last read ahead to the end, though the app has left. */
const READ_AHEAD: Expectations = { neverRead: { usage: { input: 15, output: 64 } } };

/** The last one asks for no more, so that nobody is told what was used. */
const NOT_READ: Expectations = Object.fromEntries(
  ['break', 'cancelled', 'anthropicBreak', 'neverRead'].map((scenario) => [scenario, { usage: {} }]),
);

/** Of OpenAI's streams version 4 does not pass on what was written to the cache; the totals have it. */
const NO_WRITES = { usage: { input: 1820, output: 180, cacheRead: 1000, reasoning: 20 } };

const VERSION_4: Expectations = {
  ...Object.fromEntries(
    ['stream', 'fullStream', 'response', 'callbacks', 'middlewareStream', 'plainModelStream', 'direct'].map(
      (scenario) => [scenario, NO_WRITES],
    ),
  ),
  toolsStream: { usage: { input: 3640, output: 360, cacheRead: 2000, reasoning: 40 } },
  telemetryStream: NO_WRITES,
  // Nor how much of Anthropic's output was thought.
  telemetryAnthropicStream: { usage: { input: 1820, output: 180, cacheRead: 1000, cacheWrite: 370 } },
  anthropicStream: { usage: { input: 1820, output: 180, cacheRead: 1000, cacheWrite: 370 } },
};

/** `@ai-sdk/otel` repeats the tokens of a request on the span of the run, and names writes as they were named before. */
const TWICE: Expected = {
  usage: { input: 3640, output: 360, cacheRead: 2000 },
  billed: { input: 1820, output: 180, cacheRead: 1000 },
};

const BY_SET: Readonly<Record<string, Expectations>> = {
  // Version 4 ends with the tool's error.
  'ai-4': { ...READ_AHEAD, ...VERSION_4, toolFails: { spans: 3, error: true } },
  'ai-5': { ...READ_AHEAD, compatibleStream: NO_WRITES },
  'ai-6': READ_AHEAD,
  'ai-7': { ...NOT_READ, otel: TWICE, otelStream: TWICE },
};

function declareMore(proof: Proof): void {
  const { attributesOf } = proof;

  it('names provider, model and server of each call', () => {
    const names = ['plain', 'compatible', 'anthropic', 'embeddings'].map((scenario) => {
      const attributes = attributesOf(scenario);
      return ['provider.name', 'request.model', 'operation.name'].map((key) => attributes[`gen_ai.${key}`]);
    });
    assert.deepEqual(names, [
      ['openai', 'gpt-4o', 'chat'],
      ['acme', 'llama-4', 'chat'],
      ['anthropic', 'claude-haiku-4-5', 'chat'],
      ['openai', 'text-embedding-3-large', 'embeddings'],
    ]);
    assert.equal(attributesOf('plain')['server.address'], '127.0.0.1');
    assert.equal(attributesOf('plain')['gen_ai.response.model'], 'gpt-4o-2024-08-06');
    assert.deepEqual(attributesOf('stream')['gen_ai.response.finish_reasons'], ['stop']);
  });

  provenFirstChunks(proof, ['stream', 'break', 'anthropicStream', 'direct']);

  it('tells steps and tools of one call in one trace', () => {
    const spans = proof.run.spansOf('tools');
    const agent = spans.find(({ name }) => name === 'invoke_agent');
    const inside = spans.filter(({ parentSpanId }) => parentSpanId === agent?.spanId).map(({ name }) => name);
    assert.deepEqual(inside.toSorted(), [
      'chat gpt-4o',
      'chat gpt-4o',
      'execute_tool lookup',
      'execute_tool lookup',
    ]);
    const tool = spans.find(({ name }) => name === 'execute_tool lookup');
    assert.equal(tool?.attributes['gen_ai.tool.call.id'], 'call_1');
  });

  it('attributes a call as its own options say', () => {
    assert.equal(attributesOf('attributed')['user.id'], 'u1');
  });

  it('leaves requests to the spans that the app has the SDK make, which get what they lack', () => {
    const own = proof.run.spans.filter(({ attributes }) =>
      /^(telemetry|otel)/.test(String(attributes['spanmeter.feature'])),
    );
    assert.ok(own.length > 0);
    for (const { name, scope } of own) assert.match(scope, /^(ai|gen_ai)$/, name);
    for (const { name, attributes } of own.filter(({ name }) => name.includes('.do'))) {
      const operation = name.endsWith('.doEmbed') ? 'embeddings' : 'chat';
      assert.equal(attributes['gen_ai.operation.name'], operation, name);
      assert.match(String(attributes['gen_ai.provider.name']), /^(openai|anthropic)$/, name);
    }
  });

  it("splits Anthropic's cache writes by their lifetime", () => {
    const prefix = 'anthropic.usage.cache_creation.ephemeral_';
    const { [`${prefix}5m_input_tokens`]: short, [`${prefix}1h_input_tokens`]: long } =
      attributesOf('anthropic');
    assert.deepEqual([short, long], [300, 70]);
  });
}

/** Runs one scenario in a process of its own: nothing was called there before. */
async function spansAlone(set: string, scenario: string): Promise<readonly string[]> {
  const [standIn, sink] = await Promise.all([startOpenaiAndAnthropicStandIn(), startSink()]);
  try {
    const exporter = { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', OTEL_EXPORTER_OTLP_ENDPOINT: sink.url };
    await runSdk({
      set,
      driver: 'ai',
      format: 'esm',
      standIn,
      scenarios: [scenario],
      nodeOptions: ['--import', '@spanmeter/instrumentation/register'],
      env: exporter,
    });
    return sink.spans.map(({ name }) => name);
  } finally {
    await Promise.all([standIn.close(), sink.close()]);
  }
}

describe('models that no function of the AI SDK was given', function () {
  this.timeout(300_000);
  const needed = missingNode('ai-7');
  for (const set of ['ai-4', 'ai-5', 'ai-6', ...(needed === undefined ? ['ai-7'] : [])]) {
    it(`are told all the same, since their provider's package is known: ${set}`, async () => {
      assert.deepEqual(await spansAlone(set, 'direct'), ['chat gpt-4o']);
    });
  }
});

for (const set of ['ai-4', 'ai-5', 'ai-6', 'ai-7']) {
  provenSdk(
    {
      sdk: 'ai',
      set,
      wire: startOpenaiAndAnthropicStandIn,
      formats: set === 'ai-7' ? ['esm'] : ['esm', 'cjs'],
      expect: { ...ALL, ...BY_SET[set] },
    },
    declareMore,
  );
}
