import assert from 'node:assert/strict';
import { startOpenaiAndAnthropicStandIn } from '../../support/provider/openai-and-anthropic.ts';
import { provenSdk, type Expected, type Proof } from '../../support/proven-sdk.ts';

type Expectations = Readonly<Record<string, Expected>>;

const ALL: Expectations = {
  // The app sees these as parts of the stream.
  errorMidway: { error: true },
  rateLimitedStream: { error: '429' },
  closedMidway: { error: true },
  garbage: { error: 'APICallError' },
  // One attempt of two failed.
  retried: { error: '500' },
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
  // Nor how much of Anthropic's output was thought.
  anthropicStream: { usage: { input: 1820, output: 180, cacheRead: 1000, cacheWrite: 370 } },
};

const BY_SET: Readonly<Record<string, Expectations>> = {
  'ai-4': { ...READ_AHEAD, ...VERSION_4 },
  'ai-5': { ...READ_AHEAD, compatibleStream: NO_WRITES },
  'ai-6': READ_AHEAD,
  'ai-7': NOT_READ,
};

function declareMore(proof: Proof): void {
  const attributesOf = (scenario: string): Readonly<Record<string, unknown>> =>
    proof.run.spansOf(scenario)[0]?.attributes ?? {};

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

  it('times the first chunk of a stream', () => {
    for (const scenario of ['stream', 'break', 'anthropicStream', 'direct']) {
      const seconds = attributesOf(scenario)['gen_ai.response.time_to_first_chunk'];
      assert.ok(
        typeof seconds === 'number' && seconds > 0 && seconds < 30,
        `${scenario}: ${String(seconds)}`,
      );
    }
  });

  it("splits Anthropic's cache writes by their lifetime", () => {
    const prefix = 'anthropic.usage.cache_creation.ephemeral_';
    const { [`${prefix}5m_input_tokens`]: short, [`${prefix}1h_input_tokens`]: long } =
      attributesOf('anthropic');
    assert.deepEqual([short, long], [300, 70]);
  });
}

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
