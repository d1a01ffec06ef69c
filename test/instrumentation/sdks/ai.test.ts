import assert from 'node:assert/strict';
import { startOpenaiAndAnthropicStandIn } from '../../support/provider/openai-and-anthropic.ts';
import { provenSdk, type Expected, type Proof } from '../../support/proven-sdk.ts';

const ALL: Readonly<Record<string, Expected>> = {
  // The SDK reads ahead, so that what the app leaves unread was told all the same.
  neverRead: { usage: undefined },
  // The app sees these as parts of the stream.
  errorMidway: { error: true },
  rateLimitedStream: { error: '429' },
  // One attempt failed.
  retried: { error: '500' },
  // Told by the SDK before there is a request.
  invalid: { error: false },
};

/** What the SDK takes apart and does not pass on; totals are right without it. */
const LOST = { input: 1820, output: 180, cacheRead: 1000 };

const BY_SET: Readonly<Record<string, Readonly<Record<string, Expected>>>> = {
  'ai-4': {},
  'ai-5': { compatibleStream: { usage: { ...LOST, reasoning: 20 } } },
};

function declareMore({ run }: Proof): void {
  it('names the step of a stream that was timed', () => {
    assert.ok(run !== undefined);
  });
}

for (const set of ['ai-4', 'ai-5', 'ai-6', 'ai-7']) {
  provenSdk({
    sdk: 'ai',
    set,
    wire: startOpenaiAndAnthropicStandIn,
    formats: set === 'ai-7' ? ['esm'] : ['esm', 'cjs'],
    expect: { ...ALL, ...BY_SET[set] },
  });
}
export { declareMore };
