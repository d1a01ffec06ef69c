/** A provider as spans name it, and whose price list it is billed by. */
export interface Provider {
  /** Canonical id: the OpenTelemetry value where there is one. */
  readonly id: string;
  /** The price list of the book that this provider is billed by. */
  readonly seller: string;
  /** Other spellings met in telemetry, without case and punctuation mattering. */
  readonly aliases: readonly string[];
  /** True where the seller of the list makes the models itself. */
  readonly vendor?: true;
}

/**
 * Every provider we know: the values of `gen_ai.provider.name`, older `gen_ai.system` values, and what LiteLLM,
 * LangChain, LlamaIndex, Pydantic AI, Spring AI, OpenLLMetry, OpenLIT and the Vercel AI SDK call them. Kinds of
 * API after a name (`openai.chat`, `fireworks_ai-embedding-models`) need no alias of their own.
 */
export const PROVIDERS: readonly Provider[] = [
  {
    id: 'openai',
    seller: 'openai',
    aliases: ['text-completion-openai', 'aiohttp_openai', 'ChatOpenAI', 'openai-native', 'open_ai'],
    vendor: true,
  },
  {
    id: 'anthropic',
    seller: 'anthropic',
    aliases: ['claude', 'anthropic_text', 'anthropic.claude', 'ChatAnthropic'],
    vendor: true,
  },
  {
    id: 'aws.bedrock',
    seller: 'aws.bedrock',
    aliases: [
      'aws',
      'amazon',
      'bedrock',
      'amazon-bedrock',
      'amazon.bedrock',
      'aws_bedrock',
      'bedrock_converse',
      'bedrock_invoke',
      'bedrock_mantle',
      'amazon-bedrock-mantle',
      'bedrock.anthropic',
      'anthropic_bedrock',
      'amazon-bedrock.anthropic',
      'aws_bedrock_converse',
      'aws.bedrock_runtime',
      'bedrock-runtime',
      'ChatBedrock',
      'ChatBedrockConverse',
    ],
  },
  {
    id: 'azure.ai.openai',
    seller: 'azure',
    aliases: [
      'az.ai.openai',
      'azure',
      'azure_text',
      'azure_openai',
      'azure_openai_llm',
      'azure_chat_openai',
      'openai.azure',
      'microsoft.azure.openai',
      'AzureChatOpenAI',
    ],
  },
  {
    id: 'azure.ai.inference',
    seller: 'azure',
    aliases: [
      'az.ai.inference',
      'az.ai.agents',
      'azure.ai.agents',
      'azure_ai',
      'azure_ai_inference',
      'azure_ai_foundry',
      'azure.ai.projects',
      'azure_foundry',
      'azure.anthropic',
      'azure-anthropic',
      'anthropic_foundry',
      'microsoft.foundry',
      'AzureAIChatCompletionsModel',
    ],
  },
  {
    id: 'gcp.gemini',
    seller: 'google',
    aliases: [
      'gemini',
      'google',
      'google-gla',
      'google.generative-ai',
      'google_generativeai',
      'google_genai',
      'google_ai',
      'google_ai_studio',
      'google_ai_gemini',
      'google_gemini',
      'google.gemini',
      'generativelanguage',
      'ChatGoogleGenerativeAI',
    ],
    vendor: true,
  },
  {
    id: 'gcp.vertex_ai',
    seller: 'google',
    aliases: [
      'vertex_ai',
      'vertex_ai_beta',
      'vertex',
      'google_vertexai',
      'google.vertex',
      'google_vertex_ai',
      'gcp.vertex',
      'vertex_ai_anthropic',
      'vertex.anthropic',
      'google.vertex.anthropic',
      'google_anthropic_vertex',
      'anthropic_vertex',
      'google.vertex.maas',
      'google.vertex.openai',
      'google.vertex.xai',
      'ChatVertexAI',
    ],
  },
  { id: 'gcp.gen_ai', seller: 'google', aliases: ['gcp', 'google_cloud'] },
  {
    id: 'mistral_ai',
    seller: 'mistral_ai',
    aliases: ['mistral', 'mistralai', 'mistralai_sdk', 'ChatMistralAI'],
    vendor: true,
  },
  { id: 'cohere', seller: 'cohere', aliases: ['cohere_client', 'cohere_v2', 'ChatCohere'], vendor: true },
  { id: 'deepseek', seller: 'deepseek', aliases: ['deepseek_ai', 'ChatDeepSeek'], vendor: true },
  { id: 'groq', seller: 'groq', aliases: ['groqcloud', 'ChatGroq'] },
  { id: 'x_ai', seller: 'x_ai', aliases: ['xai', 'grok', 'ChatXAI'], vendor: true },
  {
    id: 'perplexity',
    seller: 'perplexity',
    aliases: ['perplexity_ai', 'pplx', 'ChatPerplexity'],
    vendor: true,
  },
  { id: 'moonshot_ai', seller: 'moonshot_ai', aliases: ['moonshot', 'moonshotai', 'kimi'], vendor: true },
  {
    id: 'ibm.watsonx.ai',
    seller: 'ibm.watsonx.ai',
    aliases: ['watsonx', 'watsonx_text', 'ibm', 'ibm_watsonx', 'watsonx_ai', 'ibm.watsonx', 'ChatWatsonx'],
  },
  { id: 'openrouter', seller: 'openrouter', aliases: ['open_router', 'openrouter.ai', 'ChatOpenRouter'] },
  { id: 'fireworks_ai', seller: 'fireworks_ai', aliases: ['fireworks', 'ChatFireworks'] },
  { id: 'together_ai', seller: 'together_ai', aliases: ['together', 'togetherai', 'ChatTogether'] },
  { id: 'voyageai', seller: 'voyageai', aliases: ['voyage', 'voyage_ai'], vendor: true },
  { id: 'cerebras', seller: 'cerebras', aliases: ['ChatCerebras'] },
  { id: 'minimax', seller: 'minimax', aliases: ['minimaxi'], vendor: true },
  { id: 'zai', seller: 'zai', aliases: ['z_ai', 'z.ai'] },
  { id: 'zhipuai', seller: 'zhipuai', aliases: ['zhipu', 'bigmodel'] },
  { id: 'novita', seller: 'novita', aliases: ['novita_ai'] },
  { id: 'baseten', seller: 'baseten', aliases: [] },
  { id: 'cloudflare', seller: 'cloudflare', aliases: ['workers_ai', 'cloudflare_workers_ai'] },
  { id: 'github_copilot', seller: 'github_copilot', aliases: ['copilot'] },
  { id: 'ovhcloud', seller: 'ovhcloud', aliases: ['ovh'] },
  // Without a list of their own: one name each, so that a prices file need not know every spelling.
  { id: 'vllm', seller: 'vllm', aliases: ['hosted_vllm'] },
  { id: 'ollama', seller: 'ollama', aliases: ['ollama_chat', 'ChatOllama'] },
  { id: 'lm_studio', seller: 'lm_studio', aliases: ['lmstudio'] },
  { id: 'huggingface', seller: 'huggingface', aliases: ['hugging_face', 'huggingface_hub', 'hf'] },
  { id: 'deepinfra', seller: 'deepinfra', aliases: ['deep_infra'] },
  { id: 'nvidia_nim', seller: 'nvidia_nim', aliases: ['nvidia', 'nim', 'nvidia_ai_endpoints'] },
  { id: 'alibaba', seller: 'alibaba', aliases: ['dashscope', 'alibaba_cloud', 'tongyi'] },
  { id: 'ai21', seller: 'ai21', aliases: ['ai21_chat', 'ai21_labs'] },
  { id: 'aws.sagemaker', seller: 'aws.sagemaker', aliases: ['sagemaker', 'sagemaker_chat'] },
  { id: 'vercel_ai_gateway', seller: 'vercel_ai_gateway', aliases: ['vercel', 'vercel.gateway'] },
];

/** Values of provider attributes that name a framework or proxy, not a seller. */
const NOT_PROVIDERS: ReadonlySet<string> = new Set(
  [
    'strands-agents',
    'strands',
    'gcp.vertex.agent',
    'google_adk',
    'langchain',
    'langchain4j',
    'langgraph',
    'langsmith',
    'crewai',
    'litellm',
    'litellm_proxy',
    'autogen',
    'ag2',
    'agno',
    'dspy',
    'haystack',
    'llamaindex',
    'llama_index',
    'mastra',
    'openai_agents',
    'pydantic_ai',
    'semantic_kernel',
    'microsoft.agent_framework',
    'smolagents',
    'spring_ai',
    'unknown',
    'none',
    'null',
    'undefined',
    '_OTHER',
  ].map(fold),
);

const BY_SPELLING: ReadonlyMap<string, Provider> = new Map(
  PROVIDERS.flatMap((provider) =>
    [provider.id, ...provider.aliases].map((name) => [fold(name), provider] as const),
  ),
);

const BY_ID: ReadonlyMap<string, Provider> = new Map(PROVIDERS.map((provider) => [provider.id, provider]));

function fold(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** Kinds of API that emitters write behind a provider: `openai.responses`, `openai-chat`, `cohere.textEmbedding`. */
const API_KIND = new RegExp(
  '[._:/-](?:chat|completions?|responses|messages|(?:text-?)?embeddings?|images?|speech|transcriptions?' +
    '|translations?|rerank(?:ing)?|moderations?|realtime|videos?|language-model)$',
);
/** LiteLLM's tags of what a cloud hosts: `vertex_ai-anthropic_models`, `fireworks_ai-embedding-models`. */
const HOSTED_KIND = /^(vertex_ai|fireworks_ai)-[a-z0-9_-]*models$/;

/** Longer text names no provider; the bound keeps the search for a kind short. */
const MAX_NAME = 256;

function knownProvider(text: string): Provider | undefined {
  const whole = BY_SPELLING.get(fold(text));
  if (whole !== undefined || text.length > MAX_NAME) return whole;
  const stem = HOSTED_KIND.exec(text)?.[1] ?? text.replace(API_KIND, '');
  return stem === text || stem === '' ? undefined : BY_SPELLING.get(fold(stem));
}

/**
 * The canonical id of a provider as a span names it: a known provider by any of its spellings, else the text
 * itself in lower case. Null where it names no provider (empty, or a framework).
 */
export function canonicalProvider(named: string | null): string | null {
  if (named === null) return null;
  const text = named.trim().toLowerCase();
  const known = knownProvider(text);
  if (known !== undefined) return known.id;
  return text === '' || NOT_PROVIDERS.has(fold(text)) ? null : text;
}

/** The price list that a canonical provider id is billed by; an unknown provider has one of its own name. */
export function sellerOf(providerId: string): string {
  return BY_ID.get(providerId)?.seller ?? providerId;
}

/** Canonical ids of the providers that sell models they make. */
export const VENDORS: readonly string[] = PROVIDERS.filter((provider) => provider.vendor === true).map(
  (provider) => provider.id,
);
