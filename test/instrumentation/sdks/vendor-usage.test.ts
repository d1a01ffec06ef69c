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

interface Reader {
  read(chunk: object): boolean;
  attributes(): Attributes;
}
const { converseKind } = await instrumentationFile<{
  readonly converseKind: (
    exchange: object,
    streamed: boolean,
  ) => { readonly response: (output: object) => Attributes; readonly stream?: () => Reader };
}>('sdks/bedrock/converse.js');
const { cohereRequest } = await instrumentationFile<{
  readonly cohereRequest: (resource: object, body: object, operation: string, stream: boolean) => Attributes;
}>('sdks/cohere/cohere-request.js');
const { SPEECH } = await instrumentationFile<{
  readonly SPEECH: {
    readonly request: (resource: object, params: object) => Attributes;
    readonly charged: (params: object) => Attributes;
  };
}>('sdks/mistral/mistral-other.js');
const { putTokenUsage } = await instrumentationFile<{
  readonly putTokenUsage: (attributes: Attributes, usage: object, model: string) => void;
}>('sdks/openai-usage.js');
const { embeddingsKind } = await instrumentationFile<{
  readonly embeddingsKind: (vendor: string) => { readonly response: (body: object) => Attributes };
}>('sdks/openai-embeddings.js');

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

  it('says that no sound was cached where what was cached is told', () => {
    const usage = {
      promptTokenCount: 100,
      cachedContentTokenCount: 40,
      promptTokensDetails: [{ modality: 'AUDIO', tokenCount: 60 }],
    };
    const text = [{ modality: 'TEXT', tokenCount: 40 }];
    assert.equal(gemini({ ...usage, cacheTokensDetails: text })['audio.cache_read.input_tokens'], 0);
    assert.equal(gemini(usage)['audio.cache_read.input_tokens'], undefined);
    const seen = { ...usage, promptTokensDetails: text, cacheTokensDetails: text };
    assert.equal(gemini(seen)['audio.cache_read.input_tokens'], undefined);
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

  it('counts the pages of documents', () => {
    assert.deepEqual(cohere({ billedUnits: { pages: 12 } }), { requests: 12 });
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

describe("Cohere's clients for AWS", () => {
  it('ask Bedrock for its models, and SageMaker for endpoints', () => {
    const resource = { _options: { token: 'n/a', awsRegion: 'eu-west-1' } };
    const askedOf = (model: string): unknown[] => {
      const asked = cohereRequest(resource, { model }, 'chat', false);
      return ['gen_ai.provider.name', 'aws.region', 'server.address'].map((key) => asked[key]);
    };
    const bedrock = ['aws.bedrock', 'eu-west-1', 'bedrock-runtime.eu-west-1.amazonaws.com'];
    assert.deepEqual(askedOf('cohere.command-r-v1:0'), bedrock);
    assert.deepEqual(askedOf('eu.cohere.embed-v4:0'), bedrock);
    assert.deepEqual(askedOf('arn:aws:bedrock:eu-west-1:1:provisioned-model/x'), bedrock);
    assert.equal(askedOf('my-endpoint')[0], 'aws.sagemaker');
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

  it('has all searches of connectors, and the images that they made', () => {
    const usage = { promptTokens: 100, completionTokens: 1, totalTokens: 101 };
    const connectors = { web_search: 2, web_search_premium: 1, image_generation: 3, code_interpreter: 4 };
    assert.equal(mistral({ ...usage, connectors })['web_search_requests'], 3);
    assert.equal(mistral({ ...usage, connectors })['images'], 3);
    assert.equal(mistral({ ...usage, connectors: { web_search_premium: 1 } })['web_search_requests'], 1);
    assert.equal(mistral({ ...usage, connectors: {} })['web_search_requests'], undefined);
  });

  it('finds cached tokens under the names of either version of the SDK', () => {
    const usage = { promptTokens: 100, completionTokens: 1, totalTokens: 101 };
    const details = { prompt_tokens_details: { cached_tokens: 64 } };
    for (const more of [details, { additionalProperties: details }, { num_cached_tokens: 64 }]) {
      assert.equal(mistral({ ...usage, ...more })['cache_read.input_tokens'], 64);
    }
  });
});

describe('speech of Mistral', () => {
  it('is charged by its characters once it was answered, and not when it was refused', () => {
    const params = { model: 'voxtral-mini-tts-2603', input: '👍 ok' };
    assert.equal(SPEECH.request({}, params)['spanmeter.usage.input_characters'], undefined);
    assert.deepEqual(SPEECH.charged(params), { 'spanmeter.usage.input_characters': 4 });
    assert.deepEqual(SPEECH.charged({}), {});
  });
});

describe('a router of Bedrock', () => {
  it('tells which model it chose, whose price it is', () => {
    const invokedModelId = 'arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0';
    const trace = { promptRouter: { invokedModelId } };
    const key = 'gen_ai.response.model';
    assert.equal(converseKind({}, false).response({ trace })[key], invokedModelId);
    assert.equal(converseKind({}, false).response({ trace: { guardrail: {} } })[key], undefined);
    const reader = converseKind({}, true).stream?.();
    reader?.read({ metadata: { usage: { inputTokens: 3, outputTokens: 2 }, trace } });
    assert.equal(reader?.attributes()[key], invokedModelId);
  });
});

describe("usage of Alibaba's models", () => {
  it('has what was written to the cache, as part of the prompt', () => {
    const details = { cached_tokens: 100, cache_creation_input_tokens: 1494, cache_type: 'ephemeral' };
    const usage = { prompt_tokens: 1700, completion_tokens: 9, prompt_tokens_details: details };
    assert.deepEqual(
      told((attributes) => putTokenUsage(attributes, usage, 'qwen3-coder-plus')),
      {
        input_tokens: 1700,
        output_tokens: 9,
        'cache_read.input_tokens': 100,
        'cache_write.input_tokens': 1494,
      },
    );
  });
});

describe('usage that LiteLLM passes on', () => {
  it("has for how long Anthropic's cache keeps what was written", () => {
    const kept = { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 500 };
    const details = { cached_tokens: 300, cache_creation_tokens: 500, cache_creation_token_details: kept };
    const counts = { prompt_tokens: 1000, completion_tokens: 10, prompt_tokens_details: details };
    const usage = { ...counts, cache_creation_input_tokens: 500 };
    assert.deepEqual(
      told((attributes) => putTokenUsage(attributes, usage, 'claude-sonnet-4-5')),
      {
        input_tokens: 1000,
        output_tokens: 10,
        'cache_read.input_tokens': 300,
        'cache_write.input_tokens': 500,
        'anthropic.usage.cache_creation.ephemeral_1h_input_tokens': 500,
      },
    );
  });
});

describe('usage of embeddings', () => {
  it('has what a router says that it charges', () => {
    const body = { model: 'openai/text-embedding-3-small', usage: { prompt_tokens: 10, cost: 0.0000002 } };
    const attributes = embeddingsKind('openai').response(body);
    assert.equal(attributes['gen_ai.usage.input_tokens'], 10);
    assert.equal(attributes['gen_ai.usage.cost'], 0.0000002);
  });
});

describe("usage of Perplexity's models", () => {
  const perplexity = (model: string): Attributes => {
    const counts = {
      prompt_tokens: 33,
      completion_tokens: 7163,
      total_tokens: 7196,
      reasoning_tokens: 95305,
    };
    const usage = { ...counts, citation_tokens: 20016, num_search_queries: 18, search_context_size: 'low' };
    return told((attributes) => putTokenUsage(attributes, usage, model));
  };

  it('has what its research read in the input and what it thought in the output', () => {
    assert.deepEqual(perplexity('sonar-deep-research'), {
      input_tokens: 20049,
      output_tokens: 102468,
      'reasoning.output_tokens': 95305,
      web_search_requests: 18,
    });
  });

  it('has only its prompt where citations are free', () => {
    assert.equal(perplexity('sonar-pro')['input_tokens'], 33);
    assert.equal(perplexity('perplexity/sonar-reasoning-pro')['output_tokens'], 102468);
    assert.equal(perplexity('o4-mini-deep-research')['output_tokens'], 7163);
  });
});
