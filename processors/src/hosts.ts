/** Hosts of providers' APIs, by domain suffix: who answers there, and in which region where the host says so. */
const HOSTS: ReadonlyMap<string, string> = new Map([
  ['api.openai.com', 'openai'],
  ['openai.azure.com', 'azure.ai.openai'],
  // Clouds of their own, at prices of their own.
  ['openai.azure.us', 'azure.us_government'],
  ['openai.azure.cn', 'azure.china'],
  ['cognitiveservices.azure.com', 'azure.ai.openai'],
  ['services.ai.azure.com', 'azure.ai.inference'],
  ['models.inference.ai.azure.com', 'azure.ai.inference'],
  ['models.ai.azure.com', 'azure.ai.inference'],
  ['api.anthropic.com', 'anthropic'],
  ['generativelanguage.googleapis.com', 'gcp.gemini'],
  ['aiplatform.googleapis.com', 'gcp.vertex_ai'],
  ['api.mistral.ai', 'mistral_ai'],
  ['api.cohere.com', 'cohere'],
  ['api.cohere.ai', 'cohere'],
  ['api.deepseek.com', 'deepseek'],
  ['api.groq.com', 'groq'],
  ['api.x.ai', 'x_ai'],
  ['api.perplexity.ai', 'perplexity'],
  ['api.moonshot.ai', 'moonshot_ai'],
  ['openrouter.ai', 'openrouter'],
  ['api.fireworks.ai', 'fireworks_ai'],
  ['api.together.xyz', 'together_ai'],
  ['api.together.ai', 'together_ai'],
  ['api.cerebras.ai', 'cerebras'],
  ['api.voyageai.com', 'voyageai'],
  ['api.z.ai', 'zai'],
  ['open.bigmodel.cn', 'zhipuai'],
  ['api.minimax.io', 'minimax'],
  ['api.novita.ai', 'novita'],
  ['inference.baseten.co', 'baseten'],
  ['api.githubcopilot.com', 'github_copilot'],
  ['api.deepinfra.com', 'deepinfra'],
  ['integrate.api.nvidia.com', 'nvidia_nim'],
  ['router.huggingface.co', 'huggingface'],
  ['dashscope.aliyuncs.com', 'alibaba'],
  ['dashscope-intl.aliyuncs.com', 'alibaba'],
  ['ai-gateway.vercel.sh', 'vercel_ai_gateway'],
  ['ml.cloud.ibm.com', 'ibm.watsonx.ai'],
]);

/** `us-central1-aiplatform.googleapis.com`, `aiplatform.eu.rep.googleapis.com`. */
const VERTEX_REGIONAL = /^(?:[a-z0-9-]+-aiplatform|aiplatform\.[a-z0-9-]+\.rep)\.googleapis\.com$/;

/** `bedrock-runtime.eu-west-1.amazonaws.com`, its FIPS, private and dual-stack forms, and China's. */
const BEDROCK =
  /(?:^|\.)bedrock(?:-runtime|-mantle)?(?:-fips)?\.([a-z0-9-]+)\.(?:vpce\.)?(?:amazonaws\.com(?:\.cn)?|api\.aws)$/;

const MAX_HOST_LENGTH = 253;

function hostName(address: string): string {
  const host = address
    .slice(0, MAX_HOST_LENGTH + 16)
    .toLowerCase()
    .replace(/^[a-z]+:\/\//, '');
  return host.split(/[/:?]/, 1)[0] ?? '';
}

/** The provider whose API answers at that address, or null where we do not know the host. */
export function providerOfHost(address: string): string | null {
  const exact = HOSTS.get(address);
  if (exact !== undefined) return exact;
  let host = hostName(address);
  if (VERTEX_REGIONAL.test(host)) return 'gcp.vertex_ai';
  if (BEDROCK.test(host)) return 'aws.bedrock';
  for (;;) {
    const found = HOSTS.get(host);
    if (found !== undefined) return found;
    const dot = host.indexOf('.');
    if (dot < 0) return null;
    host = host.slice(dot + 1);
  }
}

/**
 * The region that a provider's own host name states: `eu` of `eu.api.openai.com`, `us-central1` of
 * `us-central1-aiplatform.googleapis.com`, `global` of the plain Vertex host. Null where it states none.
 */
export function regionOfHost(provider: string, address: string): string | null {
  const host = hostName(address);
  switch (provider) {
    case 'openai':
      return /^([a-z]{2})\.api\.openai\.com$/.exec(host)?.[1] ?? null;
    case 'x_ai':
      return /^([a-z]{2})(?:-[a-z0-9-]+)?\.api\.x\.ai$/.exec(host)?.[1] ?? null;
    case 'gcp.vertex_ai': {
      if (host === 'aiplatform.googleapis.com') return 'global';
      const location = /^([a-z0-9-]+)-aiplatform\.googleapis\.com$/.exec(host)?.[1];
      return location ?? /^aiplatform\.([a-z0-9-]+)\.rep\.googleapis\.com$/.exec(host)?.[1] ?? null;
    }
    case 'aws.bedrock':
      return BEDROCK.exec(host)?.[1] ?? null;
    default:
      return null;
  }
}
