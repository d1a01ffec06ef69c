import assert from 'node:assert/strict';
import { instrumentationFile } from '../../support/instrumentation-source.ts';

type Attributes = Record<string, unknown>;

const { putAnswer } = await instrumentationFile<{
  readonly putAnswer: (attributes: Attributes, model: object, answer: object) => void;
}>('sdks/ai/model-answer.js');
const { putImages } = await instrumentationFile<{
  readonly putImages: (attributes: Attributes, result: object) => void;
}>('sdks/ai/model-charges.js');
const { MODEL_METHODS } = await instrumentationFile<{
  readonly MODEL_METHODS: Readonly<Record<string, readonly { readonly kind: (model: unknown) => Kind }[]>>;
}>('sdks/ai/model-kinds.js');
const { ModelStreamReader } = await instrumentationFile<{
  readonly ModelStreamReader: new (
    model: object,
    capture: boolean,
  ) => { read(chunk: object): boolean; attributes(): Attributes };
}>('sdks/ai/model-stream.js');

interface Kind {
  readonly request: (model: unknown, params: unknown) => Attributes;
  readonly response: (result: unknown, params: unknown) => Attributes;
}

const GEMINI = { provider: 'google.generative-ai', modelId: 'gemini-3-pro-preview' };
const VERTEX = { provider: 'google.vertex.chat', modelId: 'gemini-3-pro-preview' };
const OPENAI = { provider: 'openai.responses', modelId: 'gpt-5' };
const SEARCHES = 'spanmeter.usage.web_search_requests';
const KEPT_1H = 'anthropic.usage.cache_creation.ephemeral_1h_input_tokens';

function told(model: object, answer: object): Attributes {
  const attributes: Attributes = {};
  putAnswer(attributes, model, answer);
  return Object.fromEntries(
    Object.entries(attributes).map(([key, value]) => [key.replace('gen_ai.usage.', ''), value]),
  );
}

/** As Google tells it of a prompt with sound and a tool, answered by an image. */
const USAGE = {
  promptTokenCount: 100,
  cachedContentTokenCount: 40,
  candidatesTokenCount: 1300,
  thoughtsTokenCount: 20,
  toolUsePromptTokenCount: 30,
  totalTokenCount: 1450,
  promptTokensDetails: [
    { modality: 'TEXT', tokenCount: 10 },
    { modality: 'AUDIO', tokenCount: 90 },
  ],
  candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 1290 }],
};

const TOLD = {
  input_tokens: 130,
  output_tokens: 1320,
  'cache_read.input_tokens': 40,
  'reasoning.output_tokens': 20,
  'audio.input_tokens': 90,
  'image.output_tokens': 1290,
};

/** The SDK's totals: without what the tool read, and in version 5 without thoughts in the output. */
const OF_V6 = {
  inputTokens: { total: 100, cacheRead: 40 },
  outputTokens: { total: 1320, reasoning: 20 },
  raw: USAGE,
};
const OF_V5 = { inputTokens: 100, outputTokens: 1300, cachedInputTokens: 40, reasoningTokens: 20 };

describe("what the AI SDK's models are charged for beside its totals", () => {
  it("is in Google's own usage, wherever a version passes it on", () => {
    assert.deepEqual(told(GEMINI, { usage: OF_V6 }), TOLD);
    for (const [model, name] of [[GEMINI, 'google'] as const, [VERTEX, 'vertex'] as const]) {
      const providerMetadata = { [name]: { usageMetadata: USAGE, groundingMetadata: null } };
      assert.deepEqual(told(model, { usage: OF_V5, providerMetadata }), TOLD);
    }
    const { toolUsePromptTokenCount: _, ...fewer } = USAGE;
    const response = { body: { usageMetadata: USAGE } };
    assert.deepEqual(told(GEMINI, { usage: OF_V5, response }), TOLD);
    const providerMetadata = { google: { usageMetadata: fewer } };
    assert.deepEqual(told(GEMINI, { usage: OF_V5, response, providerMetadata }), TOLD);
  });

  it("is of all requests of a call, not of the last one's body", () => {
    const body = { usageMetadata: { ...USAGE, promptTokenCount: 7, totalTokenCount: 1357 } };
    assert.deepEqual(told(GEMINI, { usage: OF_V6, response: { body } }), TOLD);
  });

  it("is in the usage of Google's interactions", () => {
    const raw = {
      total_input_tokens: 50,
      total_output_tokens: 9,
      total_tool_use_tokens: 200,
      grounding_tool_count: [{ type: 'google_search', count: 2 }],
    };
    const usage = { inputTokens: { total: 50 }, outputTokens: { total: 9 }, raw };
    assert.deepEqual(told(GEMINI, { usage }), { input_tokens: 250, output_tokens: 9, [SEARCHES]: 2 });
  });

  it('is the tier that served it', () => {
    const key = 'gen_ai.response.service_tier';
    const google = { serviceTier: 'flex', usageMetadata: USAGE };
    assert.equal(told(GEMINI, { usage: OF_V5, providerMetadata: { google } })[key], 'flex');
    assert.equal(told(OPENAI, { providerMetadata: { xai: { serviceTier: 'priority' } } })[key], 'priority');
    const [method] = MODEL_METHODS['language'] ?? [];
    const asked = method
      ?.kind(GEMINI)
      .request(GEMINI, { providerOptions: { google: { serviceTier: 'flex' } } });
    assert.equal(asked?.['gen_ai.request.service_tier'], 'flex');
  });

  it("is Google's searches, each query once, or the prompt of models that are charged so", () => {
    const grounding = { webSearchQueries: ['a', 'b'] };
    const metadata = {
      groundingMetadata: grounding,
      groundingMetadataPerRequest: [grounding, null, { webSearchQueries: ['c'] }],
    };
    assert.equal(told(GEMINI, { providerMetadata: { google: metadata } })[SEARCHES], 3);
    assert.equal(told(VERTEX, { providerMetadata: { googleVertex: metadata } })[SEARCHES], 3);
    const older = { ...GEMINI, modelId: 'gemini-2.5-flash' };
    assert.equal(told(older, { providerMetadata: { google: metadata } })[SEARCHES], 1);
    assert.equal(
      told(GEMINI, { providerMetadata: { google: { groundingMetadata: {} } } })[SEARCHES],
      undefined,
    );
  });

  it("is OpenAI's searches, streamed or not, and not what was opened of them", () => {
    const searched = (type: string): object => ({
      type: 'tool-result',
      toolName: 'web_search',
      result: { action: { type } },
    });
    const parts = [searched('search'), searched('openPage'), searched('search'), { type: 'text', text: '!' }];
    assert.equal(told(OPENAI, { content: parts })[SEARCHES], 2);
    const reader = new ModelStreamReader(OPENAI, false);
    for (const part of parts) reader.read(part);
    reader.read({ type: 'finish', finishReason: 'stop', usage: {} });
    assert.equal(reader.attributes()[SEARCHES], 2);
    const always = { provider: 'openai.chat', modelId: 'gpt-4o-search-preview' };
    assert.equal(told(always, { usage: {} })[SEARCHES], 1);
    assert.equal(told(always, {})[SEARCHES], undefined);
  });

  it('is for how long Bedrock keeps what it wrote to its cache', () => {
    const cacheDetails = [
      { ttl: '1h', inputTokens: 300 },
      { ttl: '5m', inputTokens: 70 },
    ];
    const model = { provider: 'amazon-bedrock', modelId: 'anthropic.claude-sonnet-4-5' };
    const raw = { inputTokens: 5, cacheWriteInputTokens: 370, cacheDetails };
    const usage = { inputTokens: { total: 375, cacheWrite: 370 }, outputTokens: { total: 2 } };
    assert.equal(told(model, { usage: { ...usage, raw } })[KEPT_1H], 300);
    const bedrock = { usage: { cacheDetails } };
    const streamed = { usage: { ...usage, raw: { inputTokens: 5 } }, providerMetadata: { bedrock } };
    assert.equal(told(model, streamed)[KEPT_1H], 300);
  });

  it("is what Perplexity's research reads and thinks, or how far its other models look", () => {
    const raw = {
      prompt_tokens: 33,
      completion_tokens: 7163,
      citation_tokens: 20016,
      reasoning_tokens: 95305,
      num_search_queries: 18,
      search_context_size: 'high',
      cost: { total_cost: 0.473 },
    };
    const usage = { inputTokens: { total: 33 }, outputTokens: { total: 102468, reasoning: 95305 }, raw };
    assert.deepEqual(told({ provider: 'perplexity', modelId: 'sonar-deep-research' }, { usage }), {
      input_tokens: 20049,
      output_tokens: 102468,
      'reasoning.output_tokens': 95305,
      cost: 0.473,
      [SEARCHES]: 18,
    });
    const sonar = told({ provider: 'perplexity', modelId: 'sonar' }, { usage });
    assert.equal(sonar['perplexity.response.search_context_size'], 'high');
    assert.equal(sonar['input_tokens'], 33);
  });

  it('is what Cohere bills, not all that it read', () => {
    const raw = {
      billed_units: { input_tokens: 5, output_tokens: 418 },
      tokens: { input_tokens: 71, output_tokens: 420 },
    };
    const usage = { inputTokens: { total: 71 }, outputTokens: { total: 420 }, raw };
    const model = { provider: 'cohere.chat', modelId: 'command-a-03-2025' };
    assert.deepEqual(told(model, { usage }), { input_tokens: 5, output_tokens: 418 });
    const { billed_units: _, ...unbilled } = raw;
    assert.equal(told(model, { usage: { ...usage, raw: unbilled } })['input_tokens'], 71);
  });

  it('is unknown where a package made zeros of a usage that it was not told', () => {
    const usage = { inputTokens: { total: 0, cacheRead: 0 }, outputTokens: { total: 0, reasoning: 0 } };
    assert.deepEqual(told({ provider: 'xai.chat', modelId: 'grok-4' }, { usage }), {});
  });

  it('is images as tokens where they are told so, and else their number', () => {
    const images = ['a', 'b'];
    const details = [{ imageTokens: 100, textTokens: 5 }, { imageTokens: 101 }];
    const paidByToken: Attributes = { 'gen_ai.usage.output_tokens': 300 };
    putImages(paidByToken, { images, providerMetadata: { openai: { images: details } } });
    assert.deepEqual(paidByToken, {
      'gen_ai.usage.output_tokens': 300,
      'gen_ai.usage.image.output_tokens': 300,
      'gen_ai.usage.image.input_tokens': 201,
    });
    const counted: Attributes = {};
    putImages(counted, { images });
    assert.deepEqual(counted, { 'spanmeter.usage.images': 2 });
  });

  it('is the searches of a rerank that the body tells', () => {
    const model = { provider: 'cohere.reranking', modelId: 'rerank-v3.5' };
    const [method] = MODEL_METHODS['reranking'] ?? [];
    const body = { meta: { billed_units: { search_units: 2 } } };
    const attributes = method?.kind(model).response({ ranking: [], response: { body } }, {});
    assert.equal(attributes?.['spanmeter.usage.requests'], 2);
  });

  it('is the characters of a speech as they are charged', () => {
    const model = { provider: 'openai.speech', modelId: 'tts-1' };
    const [method] = MODEL_METHODS['speech'] ?? [];
    const attributes = method?.kind(model).response({}, { text: '👍 ok' });
    assert.equal(attributes?.['spanmeter.usage.input_characters'], 4);
  });
});

/** What the packages make of a usage in OpenAI's format, of which they know but OpenAI's fields. */
function readByPackage(raw: Attributes): object {
  const input = { total: raw['prompt_tokens'], cacheRead: 0 };
  const reasoning = (raw['completion_tokens_details'] as Attributes | undefined)?.['reasoning_tokens'] ?? 0;
  return { inputTokens: input, outputTokens: { total: raw['completion_tokens'], reasoning }, raw };
}

describe("a refusal of Anthropic's, by the AI SDK", () => {
  it('is charged for where it says so', () => {
    const model = { provider: 'anthropic.messages', modelId: 'claude-opus-5' };
    const usage = { inputTokens: { total: 90 }, outputTokens: { total: 1 } };
    const refused = (category: string): Attributes => {
      const body = { stop_reason: 'refusal', stop_details: { category }, content: [] };
      return told(model, { usage, response: { body } });
    };
    assert.deepEqual(refused('cyber'), { input_tokens: 0, output_tokens: 0 });
    assert.deepEqual(refused('bio'), { input_tokens: 90, output_tokens: 1 });
  });
});

describe("usage of a server in OpenAI's format, by the AI SDK", () => {
  const XAI = { provider: 'xai.chat', modelId: 'grok-4' };
  const totals = { prompt_tokens: 1000, completion_tokens: 700 };

  it('has reasoning in the output where the total proves that it was beside it', () => {
    const thought = { completion_tokens_details: { reasoning_tokens: 500 } };
    const apart = { input_tokens: 1000, output_tokens: 1200, 'reasoning.output_tokens': 500 };
    const usage = readByPackage({ ...totals, ...thought, total_tokens: 2200 });
    assert.deepEqual(told(XAI, { usage }), { ...apart, 'cache_read.input_tokens': 0 });
    const flat = { inputTokens: 1000, outputTokens: 700, reasoningTokens: 500, totalTokens: 2200 };
    assert.deepEqual(told(XAI, { usage: flat }), apart);
    const inside = readByPackage({ ...totals, ...thought, total_tokens: 1700 });
    assert.equal(told(XAI, { usage: inside })['output_tokens'], 700);
    assert.equal(told(XAI, { usage: { ...flat, totalTokens: 1700 } })['output_tokens'], 700);
    const gemini = { provider: 'compatible.chat', modelId: 'gemini-2.5-pro' };
    const unnamed = readByPackage({ ...totals, total_tokens: 2200 });
    assert.equal(told(gemini, { usage: unnamed })['output_tokens'], 1200);
  });

  it("keeps what the provider's own package added", () => {
    const raw = { ...totals, total_tokens: 1700 };
    const usage = { inputTokens: { total: 1400, cacheRead: 400 }, outputTokens: { total: 900 }, raw };
    const { input_tokens, output_tokens } = told(XAI, { usage });
    assert.deepEqual([input_tokens, output_tokens], [1400, 900]);
  });

  it('has cached tokens wherever the server tells them', () => {
    const moonshot = { provider: 'moonshot.chat', modelId: 'kimi-k2-thinking' };
    for (const name of ['cached_tokens', 'prompt_cache_hit_tokens']) {
      const usage = readByPackage({ ...totals, total_tokens: 1700, [name]: 900 });
      assert.equal(told(moonshot, { usage })['cache_read.input_tokens'], 900, name);
    }
  });

  it('is at the tier that served it, where the body alone says so', () => {
    const chat = { provider: 'openai.chat', modelId: 'gpt-5' };
    const response = { body: { service_tier: 'default', usage: totals } };
    assert.equal(told(chat, { usage: {}, response })['openai.response.service_tier'], 'default');
    const openai = { serviceTier: 'flex' };
    const both = told(chat, { usage: {}, response, providerMetadata: { openai } });
    assert.equal(both['openai.response.service_tier'], 'flex');
  });

  it('has the searches that are charged, where the body counts them', () => {
    const searched = { type: 'tool-result', result: { action: { type: 'search' } } };
    const tool_usage = { web_search: { num_requests: 1 } };
    const answer = { usage: {}, content: [searched, searched], response: { body: { tool_usage } } };
    assert.equal(told(OPENAI, answer)[SEARCHES], 1);
  });

  it('is tokens or seconds of a transcript, as it is paid', () => {
    const model = { provider: 'openai.transcription', modelId: 'gpt-4o-transcribe' };
    const [method] = MODEL_METHODS['transcription'] ?? [];
    const transcript = (usage: object): Attributes =>
      method?.kind(model).response({ durationInSeconds: 8.47, response: { body: { usage } } }, {}) ?? {};
    const counts = { input_tokens: 140, output_tokens: 20, total_tokens: 160 };
    const input_token_details = { audio_tokens: 130, text_tokens: 10 };
    assert.deepEqual(transcript({ type: 'tokens', ...counts, input_token_details }), {
      'gen_ai.usage.input_tokens': 140,
      'gen_ai.usage.output_tokens': 20,
      'gen_ai.usage.audio.input_tokens': 130,
    });
    const seconds = 'spanmeter.usage.audio_seconds';
    assert.equal(transcript({ type: 'duration', seconds: 9 })[seconds], 9);
    assert.equal(transcript({})[seconds], 8.47);
  });

  it('is not that of another server whose name begins like one that is known', () => {
    const [method] = MODEL_METHODS['language'] ?? [];
    for (const [provider, name] of Object.entries({
      'mistralrs.chat': 'mistralrs',
      'mistral.chat': 'mistral_ai',
      'azure-openai.chat': 'azure.ai.openai',
      googleVertexMaas: 'gcp.vertex_ai',
      xai: 'x_ai',
    })) {
      const model = { provider, modelId: 'm' };
      assert.equal(method?.kind(model).request(model, {})['gen_ai.provider.name'], name, provider);
    }
  });
});

describe('the server of a model of the AI SDK', () => {
  it("is found where Bedrock's configuration has a function for it", () => {
    const baseUrl = (): string => 'https://bedrock-runtime.eu-west-1.amazonaws.com';
    const model = { provider: 'amazon-bedrock', modelId: 'm', config: { baseUrl } };
    const [method] = MODEL_METHODS['language'] ?? [];
    const asked = method?.kind(model).request(model, {});
    assert.equal(asked?.['server.address'], 'bedrock-runtime.eu-west-1.amazonaws.com');
    const broken = { ...model, config: { baseUrl: () => assert.fail() } };
    assert.equal(method?.kind(broken).request(broken, {})['server.address'], undefined);
  });
});
