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

/** Every provider we know: the values of `gen_ai.provider.name`, older `gen_ai.system` values and spellings. */
export const PROVIDERS: readonly Provider[] = [
  {
    id: 'openai',
    seller: 'openai',
    aliases: ['openai.chat', 'openai.responses', 'openai.completion', 'openai.embedding'],
    vendor: true,
  },
  { id: 'anthropic', seller: 'anthropic', aliases: ['anthropic.messages', 'claude'], vendor: true },
  {
    id: 'aws.bedrock',
    seller: 'aws.bedrock',
    aliases: ['aws', 'amazon', 'bedrock', 'amazon-bedrock', 'aws_bedrock', 'bedrock_converse'],
  },
  {
    id: 'azure.ai.openai',
    seller: 'azure',
    aliases: [
      'az.ai.openai',
      'azure',
      'azure_openai',
      'azure-openai.chat',
      'azure-openai.responses',
      'azure.chat',
      'azure.responses',
      'microsoft.azure.openai',
    ],
  },
  {
    id: 'azure.ai.inference',
    seller: 'azure',
    aliases: ['az.ai.inference', 'azure_ai', 'azure_ai_inference', 'azure_ai_foundry', 'microsoft.foundry'],
  },
  {
    id: 'gcp.gemini',
    seller: 'google',
    aliases: [
      'gemini',
      'google',
      'google.generative-ai',
      'google_genai',
      'google_ai_studio',
      'google_gemini',
      'generativelanguage',
    ],
    vendor: true,
  },
  {
    id: 'gcp.vertex_ai',
    seller: 'google',
    aliases: [
      'vertex_ai',
      'vertex',
      'google_vertexai',
      'google.vertex',
      'google.vertex.chat',
      'google-vertex',
      'vertex_ai_anthropic',
      'google.vertex.anthropic',
    ],
  },
  { id: 'gcp.gen_ai', seller: 'google', aliases: ['gcp', 'google_cloud'] },
  { id: 'mistral_ai', seller: 'mistral_ai', aliases: ['mistral', 'mistralai', 'mistral.chat'], vendor: true },
  { id: 'cohere', seller: 'cohere', aliases: ['cohere_chat', 'cohere.chat'], vendor: true },
  { id: 'deepseek', seller: 'deepseek', aliases: ['deepseek.chat', 'deepseek_ai'], vendor: true },
  { id: 'groq', seller: 'groq', aliases: ['groq.chat', 'groqcloud'] },
  { id: 'x_ai', seller: 'x_ai', aliases: ['xai', 'xai.chat', 'grok'], vendor: true },
  { id: 'perplexity', seller: 'perplexity', aliases: ['perplexity_ai', 'pplx'], vendor: true },
  { id: 'moonshot_ai', seller: 'moonshot_ai', aliases: ['moonshot', 'moonshotai', 'kimi'], vendor: true },
  { id: 'ibm.watsonx.ai', seller: 'ibm.watsonx.ai', aliases: ['watsonx', 'ibm_watsonx', 'watsonx_ai'] },
  { id: 'openrouter', seller: 'openrouter', aliases: ['open_router', 'openrouter.ai'] },
  { id: 'fireworks_ai', seller: 'fireworks_ai', aliases: ['fireworks', 'fireworks.chat'] },
  { id: 'together_ai', seller: 'together_ai', aliases: ['together', 'togetherai', 'togetherai.chat'] },
  { id: 'voyageai', seller: 'voyageai', aliases: ['voyage', 'voyage_ai'], vendor: true },
  { id: 'cerebras', seller: 'cerebras', aliases: ['cerebras.chat'] },
  { id: 'minimax', seller: 'minimax', aliases: ['minimaxi'], vendor: true },
  { id: 'zai', seller: 'zai', aliases: ['z_ai', 'z.ai'] },
  { id: 'zhipuai', seller: 'zhipuai', aliases: ['zhipu', 'bigmodel'] },
  { id: 'novita', seller: 'novita', aliases: ['novita_ai'] },
  { id: 'baseten', seller: 'baseten', aliases: [] },
  { id: 'cloudflare', seller: 'cloudflare', aliases: ['workers_ai', 'cloudflare_workers_ai'] },
  { id: 'github_copilot', seller: 'github_copilot', aliases: ['copilot'] },
  { id: 'ovhcloud', seller: 'ovhcloud', aliases: ['ovh'] },
];

/** Values of provider attributes that name a framework or proxy, not a seller. */
const NOT_PROVIDERS: ReadonlySet<string> = new Set(
  [
    'strands-agents',
    'gcp.vertex.agent',
    'langchain',
    'langgraph',
    'crewai',
    'litellm',
    'litellm_proxy',
    'autogen',
    'llamaindex',
    'unknown',
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

/**
 * The canonical id of a provider as a span names it: a known provider by any of its spellings, else the text
 * itself in lower case. Null where it names no provider (empty, or a framework).
 */
export function canonicalProvider(named: string | null): string | null {
  if (named === null) return null;
  const folded = fold(named);
  const known = BY_SPELLING.get(folded);
  if (known !== undefined) return known.id;
  const text = named.trim().toLowerCase();
  return text === '' || NOT_PROVIDERS.has(folded) ? null : text;
}

/** The price list that a canonical provider id is billed by; an unknown provider has one of its own name. */
export function sellerOf(providerId: string): string {
  return BY_ID.get(providerId)?.seller ?? providerId;
}

/** Canonical ids of the providers that sell models they make. */
export const VENDORS: readonly string[] = PROVIDERS.filter((provider) => provider.vendor === true).map(
  (provider) => provider.id,
);
