/** Where a client sends its requests. */
export interface Server {
  readonly address: string | undefined;
  readonly port: number | undefined;
}

const UNKNOWN_SERVER: Server = { address: undefined, port: undefined };

/** Hosts and host suffixes (with a leading dot) of APIs that speak the OpenAI format, by provider. */
const HOSTS: Readonly<Record<string, string>> = {
  'api.openai.com': 'openai',
  '.api.openai.com': 'openai',
  '.openai.azure.com': 'azure.ai.openai',
  '.cognitiveservices.azure.com': 'azure.ai.openai',
  '.services.ai.azure.com': 'azure.ai.inference',
  '.inference.ai.azure.com': 'azure.ai.inference',
  'openrouter.ai': 'openrouter',
  'api.groq.com': 'groq',
  'api.deepseek.com': 'deepseek',
  'api.x.ai': 'x_ai',
  '.api.x.ai': 'x_ai',
  'api.mistral.ai': 'mistral_ai',
  'codestral.mistral.ai': 'mistral_ai',
  'api.perplexity.ai': 'perplexity',
  'api.cohere.ai': 'cohere',
  'api.cohere.com': 'cohere',
  'api.together.xyz': 'together',
  'api.together.ai': 'together',
  'api.fireworks.ai': 'fireworks',
  'api.cerebras.ai': 'cerebras',
  'api.moonshot.ai': 'moonshot_ai',
  'api.moonshot.cn': 'moonshot_ai',
  'generativelanguage.googleapis.com': 'gcp.gemini',
  'aiplatform.googleapis.com': 'gcp.vertex_ai',
  '-aiplatform.googleapis.com': 'gcp.vertex_ai',
  'api.anthropic.com': 'anthropic',
  'ai-gateway.vercel.sh': 'vercel_ai_gateway',
  'api.deepinfra.com': 'deepinfra',
  'api.minimax.io': 'minimax',
  'api.novita.ai': 'novita',
  'api.z.ai': 'zai',
  'dashscope-intl.aliyuncs.com': 'alibaba',
  'dashscope.aliyuncs.com': 'alibaba',
  'inference.baseten.co': 'baseten',
  'integrate.api.nvidia.com': 'nvidia_nim',
  'open.bigmodel.cn': 'zhipuai',
  'router.huggingface.co': 'huggingface',
};

const BEDROCK_HOST = /^bedrock(-runtime|-mantle)?[.-].*\.(amazonaws\.com|api\.aws)(\.cn)?$/;

/** Hosts seen, so that a URL is parsed once per client and not once per call. */
const servers = new Map<string, Server>();
const MAX_SERVERS = 256;

/** Host and port of a client's base URL; both undefined where it is no URL. */
export function serverOf(baseUrl: unknown): Server {
  if (typeof baseUrl !== 'string') return UNKNOWN_SERVER;
  const known = servers.get(baseUrl);
  if (known !== undefined) return known;
  const server = parseServer(baseUrl);
  if (servers.size >= MAX_SERVERS) servers.clear();
  servers.set(baseUrl, server);
  return server;
}

function parseServer(baseUrl: string): Server {
  if (!URL.canParse(baseUrl)) return UNKNOWN_SERVER;
  const { hostname, port, protocol } = new URL(baseUrl);
  return {
    address: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? (protocol === 'http:' ? 80 : 443) : Number(port),
  };
}

/**
 * The `gen_ai.provider.name` for a host. A host that nobody knows (a gateway, a proxy, a stand-in) gets
 * `format`, the vendor whose telemetry format the SDK speaks, as the conventions ask; `server.address` then
 * tells it apart.
 */
export function providerOf(host: string | undefined, format: string): string {
  if (host === undefined) return format;
  const exact = HOSTS[host];
  if (exact !== undefined) return exact;
  for (const [suffix, provider] of Object.entries(HOSTS)) {
    if ((suffix.startsWith('.') || suffix.startsWith('-')) && host.endsWith(suffix)) return provider;
  }
  return BEDROCK_HOST.test(host) ? 'aws.bedrock' : format;
}
