import assert from 'node:assert/strict';
import { startOpenaiApiStandIn } from '../../support/provider/index.ts';
import { provenSdk, type Expected, type Proof } from '../../support/proven-sdk.ts';
import { provenTextSizes } from '../../support/proven-streams.ts';

const EXPECTED: Readonly<Record<string, Expected>> = {
  completionRateLimited: { error: '429' },
  imageRefused: { error: '400' },
  speechRateLimited: { error: '429' },
};

const UNITS = ['images', 'input_characters', 'audio_seconds'];

/** Images, characters and seconds that each scenario is charged for. */
const CHARGED: Readonly<Record<string, readonly (number | undefined)[]>> = {
  image: [undefined, undefined, undefined],
  imageStream: [undefined, undefined, undefined],
  imagesByNumber: [3, undefined, undefined],
  imageVariation: [2, undefined, undefined],
  speech: [undefined, 30, undefined],
  speechRead: [undefined, 30, undefined],
  speechAsResponse: [undefined, 30, undefined],
  speechWide: [undefined, 3, undefined],
  // Refused, and so not charged.
  speechRateLimited: [undefined, undefined, undefined],
  transcript: [undefined, undefined, undefined],
  transcriptBySeconds: [undefined, undefined, 9],
  transcriptVerbose: [undefined, undefined, 8.47],
  transcriptText: [undefined, undefined, undefined],
  translation: [undefined, undefined, 8.47],
  moderation: [undefined, undefined, undefined],
};

function declareMore(proof: Proof): void {
  const { attributesOf } = proof;

  it('counts what is charged beside tokens', () => {
    for (const [scenario, expected] of Object.entries(CHARGED)) {
      const told = UNITS.map((unit) => attributesOf(scenario)[`spanmeter.usage.${unit}`]);
      assert.deepEqual(told, expected, scenario);
    }
  });

  it('tells which tokens are images and which are sound', () => {
    for (const scenario of ['image', 'imageStream', 'imageEdit', 'imageEditStream']) {
      assert.equal(attributesOf(scenario)['gen_ai.usage.image.input_tokens'], 100, scenario);
      assert.equal(attributesOf(scenario)['gen_ai.usage.image.output_tokens'], 120, scenario);
    }
    for (const scenario of ['transcript', 'transcriptStream']) {
      assert.equal(attributesOf(scenario)['gen_ai.usage.audio.input_tokens'], 150, scenario);
    }
  });

  it('names each kind of call', () => {
    const names = ['completion', 'image', 'speech', 'transcript', 'translation', 'moderation'].map(
      (scenario) => proof.run.spansOf(scenario)[0]?.name,
    );
    assert.deepEqual(names, [
      'text_completion gpt-3.5-turbo-instruct',
      'image_generation gpt-image-1',
      'speech tts-1',
      'transcription gpt-4o-transcribe',
      'translation whisper-1',
      'moderation',
    ]);
  });

  provenTextSizes(proof, {
    completionStreamNoUsage: [30, 48],
    completionBreak: [30, 18],
    completionStream: [undefined, undefined],
  });
}

for (const set of ['stainless-current', 'stainless-previous']) {
  provenSdk(
    {
      sdk: 'openai media',
      driver: 'openai-media',
      set,
      wire: startOpenaiApiStandIn,
      formats: ['esm', 'cjs'],
      expect: EXPECTED,
    },
    declareMore,
  );
}
