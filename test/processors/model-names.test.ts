import assert from 'node:assert/strict';
import { canonicalProvider, createPriceBook, priceUsage } from '@spanmeter/processors';
import { callOf, GPT_4O, spanOf } from './spans.ts';

const book = createPriceBook();

function shown(provider: string, model: string): string | null {
  const match = book.match(canonicalProvider(provider) ?? 'unknown', model);
  if (match === null) return null;
  const marks = [match.profile ?? '', match.location ?? ''].filter((mark) => mark !== '');
  return [match.model, ...marks].join(' @');
}

const SONNET = 'anthropic.claude-sonnet-4-5-20250929-v1:0';
const ARN = 'arn:aws:bedrock:us-east-1:123456789012';
const VERTEX = 'projects/p/locations/us-central1';

describe('names of models', () => {
  const wrapped: readonly (readonly [string, string, string])[] = [
    // Prefixes of LiteLLM, LangChain and Pydantic AI.
    ['openai', 'openai:gpt-4o', 'gpt-4o'],
    ['openai', 'text-completion-openai/gpt-3.5-turbo-instruct', 'gpt-3.5-turbo-instruct'],
    ['azure', 'azure/gpt-4o', 'gpt-4o'],
    ['azure', 'azure/global-standard/gpt-4o-2024-08-06', 'gpt-4o'],
    ['azure_ai', 'azure_ai/claude-opus-4-5', 'claude-opus-4-5'],
    ['azure_ai', 'anthropic/claude-sonnet-4-5', 'claude-sonnet-4-5'],
    ['gemini', 'gemini/gemini-2.5-flash', 'gemini-2.5-flash'],
    ['gemini', 'google-gla:gemini-2.5-flash', 'gemini-2.5-flash'],
    ['vertex_ai', 'vertex_ai/gemini-2.5-pro', 'gemini-2.5-pro'],
    ['vertex_ai', 'google/gemini-2.5-flash', 'gemini-2.5-flash'],
    ['openrouter', 'openrouter/anthropic/claude-sonnet-4.5', 'anthropic/claude-sonnet-4.5'],
    ['groq', 'groq/llama-3.3-70b-versatile', 'llama-3.3-70b-versatile'],
    ['xai', 'xai/grok-4', 'grok-4-0709'],
    ['mistral', 'mistral/mistral-large-2512', 'mistral-large-2512'],
    [
      'together_ai',
      'together_ai/meta-llama/Llama-3.3-70B-Instruct-Turbo',
      'meta-llama/llama-3.3-70b-instruct-turbo',
    ],
    ['fireworks_ai', 'fireworks_ai/accounts/fireworks/models/gpt-oss-120b', 'gpt-oss-120b'],
    ['voyage', 'voyage/voyage-3.5', 'voyage-3.5'],
    // Bedrock: routes and regions, ARNs, profiles, revisions, context sizes.
    ['bedrock', `bedrock/${SONNET}`, SONNET],
    ['bedrock', `bedrock/us-east-1/${SONNET}`, `${SONNET} @us`],
    ['bedrock', `bedrock/us-gov-west-1/${SONNET}`, `${SONNET} @us-gov`],
    ['bedrock', `bedrock/converse/us.${SONNET}`, `${SONNET} @us`],
    ['bedrock', `bedrock/${ARN}:inference-profile/eu.${SONNET}`, `${SONNET} @eu`],
    ['bedrock', `${ARN}:inference-profile/global.${SONNET}`, `global.${SONNET}`],
    ['bedrock', `au.${SONNET}`, `${SONNET} @au`],
    ['bedrock', `jp.${SONNET}`, `${SONNET} @jp`],
    ['bedrock', `us-gov.${SONNET}`, `${SONNET} @us-gov`],
    ['bedrock', `arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/${SONNET}`, `${SONNET} @us-gov`],
    ['bedrock', `arn:aws-cn:bedrock:cn-north-1::foundation-model/${SONNET}`, `${SONNET} @cn`],
    ['bedrock', 'anthropic.claude-sonnet-4-5-20250929-v1', SONNET],
    ['bedrock', 'us.anthropic.claude-opus-4-6-v1', 'anthropic.claude-opus-4-6-v1:0 @us'],
    ['bedrock', 'amazon.nova-pro-v1', 'amazon.nova-pro-v1:0'],
    ['bedrock', 'amazon.nova-pro-v1:0:24k', 'amazon.nova-pro-v1:0'],
    // Google: resources, URLs, versions.
    ['vertex_ai', 'publishers/anthropic/models/claude-sonnet-4-5@20250929', 'claude-sonnet-4-5'],
    [
      'vertex_ai',
      `//aiplatform.googleapis.com/${VERTEX}/publishers/google/models/gemini-2.5-flash`,
      'gemini-2.5-flash @us-central1',
    ],
    [
      'vertex_ai',
      `https://us-central1-aiplatform.googleapis.com/v1/${VERTEX}/publishers/google/models/gemini-2.5-flash:generateContent`,
      'gemini-2.5-flash @us-central1',
    ],
    ['vertex_ai', 'gemini-2.0-flash@001', 'gemini-2.0-flash'],
    ['vertex_ai', 'gemini-2.0-flash-lite-001', 'gemini-2.0-flash-lite'],
    ['gemini', 'models/gemini-2.5-pro-preview-05-06', 'gemini-2.5-pro'],
    ['gemini', 'gemini-embedding-001', 'gemini-embedding-001'],
    // Fine-tuned models, context windows, dates.
    ['openai', 'ft:gpt-4o-mini-2024-07-18:acme::abc:ckpt-step-100', 'ft:gpt-4o-mini'],
    ['openai', 'ft:gpt-4o-2024-08-06:acme:suffix:abc', 'ft:gpt-4o'],
    ['anthropic', 'claude-sonnet-4-5-20250929[1m]', 'claude-sonnet-4-5'],
    ['anthropic', 'Claude-Opus-4-8[1M]', 'claude-opus-4-8'],
    ['anthropic', 'claude-opus-4-8-1m', 'claude-opus-4-8'],
    ['openai', 'gpt-4-0613', 'gpt-4'],
    ['openai', 'gpt-5-nano-2025-08-07', 'gpt-5-nano'],
    // Variants that a router lists are models of their own.
    ['openrouter', 'meta-llama/llama-3.3-70b-instruct:free', 'meta-llama/llama-3.3-70b-instruct:free'],
    ['openrouter', 'anthropic/claude-sonnet-4.5:beta', 'anthropic/claude-sonnet-4.5'],
    ['openrouter', 'openai/gpt-4o:extended', 'openai/gpt-4o:extended'],
  ];
  for (const [provider, model, expected] of wrapped) {
    it(`unwraps ${provider} ${model}`, () => {
      assert.equal(shown(provider, model), expected);
    });
  }

  const without: readonly (readonly [string, string])[] = [
    ['openai', 'azure/gpt-4o'],
    ['openai', 'gpt-4o-latest'],
    ['openai', 'gpt-4o-preview'],
    ['openai', 'gpt-4o-0613'],
    ['openai', 'gpt-4o-2024-13-45'],
    ['openai', 'gpt-4o-202408-06'],
    ['openai', 'gpt-4o-1m'],
    ['openai', 'davinci:ft-acme-2023-03-01-00-00-00'],
    ['openai', 'ft:gpt-99:acme::x'],
    ['azure', 'azure/private/gpt-4o-2024-08-06'],
    ['azure', 'gpt-4o-mini-2024-07-18.ft-0123456789'],
    ['anthropic', 'claude-haiku-4-5-latest'],
    ['anthropic', `us.${SONNET}`],
    ['bedrock', `bedrock/eu-west-1/1-month-commitment/${SONNET}`],
    ['bedrock', `${ARN}:provisioned-model/abc123`],
    ['bedrock', `${ARN}:application-inference-profile/abc123`],
    ['bedrock', `${ARN}:imported-model/abc123`],
    ['bedrock', `${ARN}:custom-model/amazon.nova-lite-v1:0:300k/abc`],
    ['bedrock', 'arn:aws:sagemaker:us-east-1:1:endpoint/claude-sonnet-4-5'],
    ['bedrock', 'mistral.mistral-7b-instruct-v0:9'],
    ['vertex_ai', `${VERTEX}/endpoints/123`],
    ['vertex_ai', `${VERTEX}/models/gemini-2.5-flash`],
    ['vertex_ai', 'text-embedding-005'],
    ['gemini', 'tunedModels/gemini-2.5-flash'],
    ['gemini', 'gemini-2.5-flash-preview-99-99'],
    ['openrouter', 'openai/gpt-4o:online'],
    ['openrouter', 'openai/gpt-4o:nitro'],
    ['openrouter', 'openai/gpt-4o:floor'],
    ['openrouter', 'openai/gpt-4o:free'],
    ['openrouter', 'anthropic/claude-sonnet-4.5:thinking'],
    ['openrouter', 'openrouter/auto'],
    ['mistral', 'mistral-large-2499'],
    ['hosted_vllm', 'hosted_vllm/gpt-4o'],
    ['vercel', 'openai/gpt-4o'],
    ['openai', 'gpt-4o'.repeat(100_000)],
  ];
  for (const [provider, model] of without) {
    it(`leaves ${provider} ${model.slice(0, 80)} without a price`, () => {
      assert.equal(shown(provider, model), null);
    });
  }

  it('do not take long over hostile text', () => {
    const started = process.cpuUsage();
    for (const part of [
      'anthropic.',
      'ft:',
      '-v1',
      '.ft-',
      '@',
      '/',
      ':',
      '[1m]',
      'projects/',
      'us.',
      '20',
    ]) {
      for (const provider of ['aws.bedrock', 'gcp.vertex_ai', 'openai', 'azure.ai.openai']) {
        book.match(provider, part.repeat(1024 / part.length));
        book.match(provider, `anthropic.${part.repeat(90)}`);
      }
    }
    assert.ok(process.cpuUsage(started).user < 10_000_000);
  });
});

/** Two clouds with prices that depend on where a call ran, whatever the shipped prices are. */
const clouds = createPriceBook({
  base: [
    {
      seller: 'google',
      entries: [
        {
          model: 'gemini-2.5-flash',
          periods: [
            {
              rates: { input_mtok: '0.3' },
              modifiers: [{ condition: 'region', value: '*', multiply: '1.1' }],
            },
          ],
        },
      ],
    },
    {
      seller: 'aws.bedrock',
      entries: [
        {
          model: SONNET,
          aliases: ['claude-sonnet-4-5-20250929'],
          periods: [
            {
              rates: { input_mtok: '3.3' },
              modifiers: [{ condition: 'profile', value: 'eu', multiply: '1' }],
            },
          ],
        },
        { model: `global.${SONNET}`, periods: [{ rates: { input_mtok: '3' } }] },
        { model: 'amazon.nova-pro-v1:0', periods: [{ rates: { input_mtok: '0.8' } }] },
        { model: 'eu.amazon.nova-pro-v1:0', periods: [{ rates: { input_mtok: '1.05' } }] },
      ],
    },
  ],
  overlay: { entries: [], patches: [], resales: [], removals: [] },
});

describe('the model that answered', () => {
  const cost = (provider: string, asked: string, answered: string, from = book): bigint | null =>
    priceUsage(from, {
      provider,
      requestModel: asked,
      responseModel: answered,
      usage: { input: '1000000' },
      conditions: {},
      atMicros: 1_795_176_000_000_000n,
    }).costPicoUsd;
  const usd = (amount: number): bigint => BigInt(Math.round(amount * 1000)) * 10n ** 9n;

  it('goes before the one that was asked for', () => {
    assert.equal(cost('azure.ai.openai', 'gpt-4o', 'gpt-4o-2024-05-13'), usd(5));
    assert.equal(cost('azure.ai.openai', 'prod-chat-eastus', 'gpt-4o-2024-08-06'), usd(2.5));
    assert.equal(cost('openai', 'gpt-4o', 'ft:gpt-4o-2024-08-06:acme::x'), usd(3.75));
    assert.equal(cost('openai', 'gpt-4o', 'served-by-nobody'), usd(2.5));
  });

  it('does not undo the profile or the location that was asked for', () => {
    const of = (provider: string, asked: string, answered: string): bigint | null =>
      cost(provider, asked, answered, clouds);
    const bare = 'claude-sonnet-4-5-20250929';
    assert.equal(of('aws.bedrock', `global.anthropic.${bare}-v1:0`, bare), usd(3));
    assert.equal(of('aws.bedrock', `eu.anthropic.${bare}-v1:0`, bare), usd(3.3));
    assert.equal(of('aws.bedrock', `us-gov.anthropic.${bare}-v1:0`, bare), null);
    assert.equal(of('aws.bedrock', 'eu.amazon.nova-pro-v1:0', 'amazon.nova-pro-v1:0'), usd(1.05));
    assert.equal(of('aws.bedrock', 'eu.amazon.nova-pro-v1:0', bare), usd(3.3));
    const flash = `${VERTEX}/publishers/google/models/gemini-2.5-flash`;
    for (const provider of ['gcp.vertex_ai', 'gcp.gen_ai', 'gcp.gemini']) {
      assert.equal(of(provider, flash, 'gemini-2.5-flash'), usd(0.33), provider);
      assert.equal(of(provider, 'gemini-2.5-flash', 'gemini-2.5-flash'), usd(0.3), provider);
    }
  });

  it("does not undo a router's variant, unless another model answered", () => {
    const llama = 'meta-llama/llama-3.3-70b-instruct';
    assert.equal(cost('openrouter', `${llama}:free`, llama), 0n);
    assert.equal(cost('openrouter', 'openai/gpt-4o:online', 'openai/gpt-4o'), null);
    assert.equal(cost('openrouter', 'openai/gpt-4o:online', 'openai/gpt-4o-mini'), usd(0.15));
  });

  it('is looked for at the host that the SDK was pointed at', () => {
    const at = (provider: string, model: string, host: string): string => {
      const names = {
        'gen_ai.provider.name': provider,
        'gen_ai.request.model': model,
        'server.address': host,
      };
      const call = callOf(spanOf({ ...GPT_4O, ...names }));
      return `${call.provider} ${call.costStatus}`;
    };
    assert.equal(
      at('anthropic', `us.${SONNET}`, 'bedrock-runtime.us-east-1.amazonaws.com'),
      'aws.bedrock priced',
    );
    assert.equal(
      at('anthropic', 'claude-sonnet-4-5', 'acme.services.ai.azure.com'),
      'azure.ai.inference priced',
    );
    assert.equal(at('openai', 'gpt-4o', 'acme.openai.azure.us'), 'azure.us_government unpriced_model');
    assert.equal(at('azure', 'gpt-4o', 'acme.openai.azure.us'), 'azure.us_government unpriced_model');
    assert.equal(at('az.ai.inference', 'gpt-4o', 'acme.openai.azure.cn'), 'azure.china unpriced_model');
    assert.equal(at('azure.ai.openai', 'gpt-4o', 'api.openai.com'), 'azure.ai.openai priced');
    assert.equal(at('openai', 'gpt-4o', 'api.deepinfra.com'), 'deepinfra unpriced_model');
    const nova = 'amazon.nova-pro-v1:0';
    assert.equal(at('aws.bedrock', nova, 'bedrock-runtime.us-east-1.amazonaws.com'), 'aws.bedrock priced');
    assert.equal(
      at('openai', 'gpt-4o', 'bedrock-runtime.us-east-1.amazonaws.com.evil.example'),
      'openai priced',
    );
  });
});

describe('names of providers', () => {
  const spellings: Readonly<Record<string, readonly string[]>> = {
    openai: [
      'OpenAI',
      'openai.chat',
      'openai.responses',
      'openai.embedding',
      'openai-chat',
      'ChatOpenAI',
      'text-completion-openai',
    ],
    anthropic: ['Anthropic', 'anthropic.messages', 'anthropic_text', 'ChatAnthropic'],
    'aws.bedrock': [
      'AWS',
      'bedrock',
      'bedrock_converse',
      'amazon-bedrock',
      'amazon_bedrock',
      'bedrock.anthropic.messages',
      'ChatBedrockConverse',
    ],
    'azure.ai.openai': [
      'az.ai.openai',
      'azure',
      'azure-openai',
      'azure-openai.responses',
      'azure.chat',
      'azure_text',
      'AzureOpenAI',
      'AzureChatOpenAI',
    ],
    'azure.ai.inference': [
      'az.ai.inference',
      'azure_ai',
      'azure-ai-inference',
      'az.ai.agents',
      'azure_ai_foundry',
    ],
    'gcp.gemini': [
      'gemini',
      'google',
      'google-gla',
      'google_genai',
      'google.generative-ai',
      'google.generative-ai.embedding',
      'GoogleGenAI',
    ],
    'gcp.vertex_ai': [
      'vertex_ai',
      'VertexAI',
      'vertex_ai_beta',
      'google-vertex',
      'google_vertexai',
      'google.vertex.chat',
      'google.vertex.anthropic.messages',
      'vertex.anthropic.messages',
      'vertex_ai-anthropic_models',
      'vertex_ai-language-models',
      'vertex_ai-embedding-models',
      'vertex_ai-llama_models',
    ],
    'gcp.gen_ai': ['gcp.gen_ai'],
    mistral_ai: ['mistral', 'MistralAI', 'mistral.chat', 'mistral_ai'],
    cohere: ['Cohere', 'cohere_chat', 'cohere.textEmbedding', 'cohere.reranking'],
    deepseek: ['deepseek.chat', 'DeepSeek'],
    groq: ['Groq', 'groq.chat', 'groq.transcription'],
    x_ai: ['xai', 'x-ai', 'xai.chat', 'xai.responses', 'grok'],
    perplexity: ['perplexity', 'pplx'],
    moonshot_ai: ['moonshot', 'moonshotai', 'moonshotai.chat'],
    'ibm.watsonx.ai': ['watsonx', 'watsonx_text', 'IBM'],
    openrouter: ['openrouter', 'OpenRouter', 'openrouter.chat'],
    fireworks_ai: ['fireworks', 'fireworks.chat', 'fireworks_ai-embedding-models'],
    together_ai: ['together', 'togetherai.chat', 'together_ai'],
    voyageai: ['voyage', 'voyage.embedding'],
    cerebras: ['cerebras.chat'],
    ollama: ['Ollama', 'ollama_chat'],
    vllm: ['vLLM', 'hosted_vllm'],
    huggingface: ['hugging_face', 'huggingface.responses'],
  };
  for (const [id, names] of Object.entries(spellings)) {
    it(`are ${id} in all its spellings`, () => {
      for (const name of [id, ...names]) assert.equal(canonicalProvider(name), id, name);
    });
  }

  it('that only look alike are providers of their own', () => {
    for (const name of [
      'openai_like',
      'openai-compatible',
      'custom_openai',
      'my-openai',
      'acme.chat',
      'openai-proxy',
    ]) {
      assert.equal(canonicalProvider(name), name);
      assert.equal(book.match(name, 'gpt-4o'), null);
    }
    assert.equal(canonicalProvider('codestral'), 'codestral');
    assert.equal(canonicalProvider(`${'x'.repeat(1e6)}.chat`)?.length, 1e6 + 5);
  });

  it('of frameworks are no providers', () => {
    for (const name of [
      'langchain',
      'semantic_kernel',
      'spring_ai',
      'Haystack',
      'pydantic-ai',
      'strands-agents',
      'null',
      'none',
    ]) {
      assert.equal(canonicalProvider(name), null, name);
    }
  });
});
