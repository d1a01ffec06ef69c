import assert from 'node:assert/strict';
import { instrumentationFile } from '../../support/instrumentation-source.ts';

type Attributes = Record<string, unknown>;

const { putGeminiUsage, putSearches } = await instrumentationFile<{
  readonly putGeminiUsage: (attributes: Attributes, usage: object | undefined, complete: boolean) => void;
  readonly putSearches: (attributes: Attributes, searches: number, model: unknown) => void;
}>('sdks/google/gemini-usage.js');
const { putCohereUsage } = await instrumentationFile<{
  readonly putCohereUsage: (attributes: Attributes, usage: object | undefined) => void;
}>('sdks/cohere/cohere-usage.js');
const { putMistralUsage } = await instrumentationFile<{
  readonly putMistralUsage: (attributes: Attributes, usage: object | undefined) => void;
}>('sdks/mistral/mistral-usage.js');

function told(put: (attributes: Attributes) => void): Attributes {
  const attributes: Attributes = {};
  put(attributes);
  return Object.fromEntries(
    Object.entries(attributes).map(([key, value]) => [
      key.replace(/^(gen_ai|spanmeter)\.usage\./, ''),
      value,
    ]),
  );
}

const gemini = (usage: object, complete = true): Attributes =>
  told((attributes) => putGeminiUsage(attributes, usage, complete));
const cohere = (usage: object): Attributes => told((attributes) => putCohereUsage(attributes, usage));
const mistral = (usage: object): Attributes => told((attributes) => putMistralUsage(attributes, usage));

describe('usage of Gemini', () => {
  it('has what tools added to the prompt in the input, and thoughts in the output', () => {
    const usage = {
      promptTokenCount: 100,
      toolUsePromptTokenCount: 30,
      cachedContentTokenCount: 60,
      candidatesTokenCount: 20,
      thoughtsTokenCount: 15,
      totalTokenCount: 165,
    };
    assert.deepEqual(gemini(usage), {
      input_tokens: 130,
      output_tokens: 35,
      'cache_read.input_tokens': 60,
      'reasoning.output_tokens': 15,
    });
  });

  it('counts thoughts once where the total says that candidates have them', () => {
    const usage = {
      promptTokenCount: 100,
      candidatesTokenCount: 35,
      thoughtsTokenCount: 15,
      totalTokenCount: 135,
    };
    assert.equal(gemini(usage)['output_tokens'], 35);
    assert.equal(gemini({ ...usage, totalTokenCount: undefined })['output_tokens'], 50);
  });

  it('has no output of a prompt that was refused, and only thoughts where nothing else was said', () => {
    assert.equal(gemini({ promptTokenCount: 9, totalTokenCount: 9 })['output_tokens'], 0);
    const thought = { promptTokenCount: 9, thoughtsTokenCount: 5, totalTokenCount: 14 };
    assert.equal(gemini(thought)['output_tokens'], 5);
  });

  it('does not know the output of a stream that had told only its prompt', () => {
    assert.deepEqual(gemini({ promptTokenCount: 9, totalTokenCount: 9 }, false), { input_tokens: 9 });
  });

  it('keeps apart what was heard, seen and spoken', () => {
    const usage = {
      promptTokenCount: 100,
      promptTokensDetails: [
        { modality: 'TEXT', tokenCount: 10 },
        { modality: 'AUDIO', tokenCount: 60 },
        { modality: 'IMAGE', tokenCount: 30 },
      ],
      toolUsePromptTokensDetails: [{ modality: 'AUDIO', tokenCount: 2 }],
      cacheTokensDetails: [{ modality: 'AUDIO', tokenCount: 40 }],
      candidatesTokensDetails: [
        { modality: 'IMAGE', tokenCount: 1290 },
        { modality: 'AUDIO', tokenCount: 5 },
      ],
    };
    assert.deepEqual(gemini(usage), {
      input_tokens: 100,
      'audio.input_tokens': 62,
      'image.input_tokens': 30,
      'audio.output_tokens': 5,
      'image.output_tokens': 1290,
      'audio.cache_read.input_tokens': 40,
    });
  });

  it('has as many searches as are charged for', () => {
    const searches = (model: unknown): unknown =>
      told((attributes) => putSearches(attributes, 4, model))['web_search_requests'];
    assert.equal(searches('gemini-2.5-flash'), 1);
    assert.equal(searches('models/gemini-2.0-flash-001'), 1);
    assert.equal(searches('gemini-3.1-pro-preview'), 4);
  });
});

describe('usage of Cohere', () => {
  it('is what is billed, where both are told', () => {
    const usage = {
      billedUnits: { inputTokens: 5, outputTokens: 418 },
      tokens: { inputTokens: 71, outputTokens: 420 },
    };
    assert.deepEqual(cohere(usage), { input_tokens: 5, output_tokens: 418 });
    assert.deepEqual(cohere({ tokens: usage.tokens }), { input_tokens: 71, output_tokens: 420 });
  });

  it('has as cached only what is billed and surely was', () => {
    const cached = (inputTokens: number, tokens: number, cachedTokens: number): unknown =>
      cohere({ billedUnits: { inputTokens }, tokens: { inputTokens: tokens }, cachedTokens })[
        'cache_read.input_tokens'
      ];
    assert.equal(cached(5, 71, 64), 0);
    assert.equal(cached(500, 500, 64), 64);
    assert.equal(cached(500, 566, 80), 14);
  });

  it('counts images by tokens, or else by number, and searches', () => {
    assert.deepEqual(cohere({ billedUnits: { inputTokens: 10, imageTokens: 90, images: 1 } }), {
      input_tokens: 100,
      'image.input_tokens': 90,
    });
    assert.deepEqual(cohere({ billedUnits: { images: 3 } }), { images: 3 });
    assert.deepEqual(cohere({ billedUnits: { searchUnits: 2 } }), { requests: 2 });
  });
});

describe('usage of Mistral', () => {
  it('is unknown where the SDK made zeros of what nobody told', () => {
    assert.deepEqual(mistral({ promptTokens: 0, completionTokens: 0, totalTokens: 0 }), {});
    assert.deepEqual(
      mistral({ promptTokens: 0, completionTokens: 0, totalTokens: 0, promptAudioSeconds: 9 }),
      {
        audio_seconds: 9,
      },
    );
  });

  it('has what connectors read in the input, once', () => {
    const usage = { promptTokens: 188, completionTokens: 55, connectorTokens: 7112 };
    assert.equal(mistral({ ...usage, totalTokens: 7355 })['input_tokens'], 7300);
    assert.equal(mistral({ ...usage, promptTokens: 7300, totalTokens: 7355 })['input_tokens'], 7300);
  });

  it('finds cached tokens under the names of either version of the SDK', () => {
    const usage = { promptTokens: 100, completionTokens: 1, totalTokens: 101 };
    const details = { prompt_tokens_details: { cached_tokens: 64 } };
    for (const more of [details, { additionalProperties: details }, { num_cached_tokens: 64 }]) {
      assert.equal(mistral({ ...usage, ...more })['cache_read.input_tokens'], 64);
    }
  });
});
