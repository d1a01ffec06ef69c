import { count, SLOW, USAGE } from './reading.mjs';

export const packages = ['@anthropic-ai/bedrock-sdk', '@anthropic-ai/vertex-sdk'];

const stream = true;
const BEDROCK_MODEL = 'us.anthropic.claude-haiku-4-5-20251001-v1:0';
const VERTEX_MODEL = 'claude-haiku-4-5@20251001';

export function scenarios({ modules, url, under, prompt }) {
  const { AnthropicBedrock } = modules['@anthropic-ai/bedrock-sdk'];
  const { AnthropicVertex } = modules['@anthropic-ai/vertex-sdk'];
  const bedrock = new AnthropicBedrock({
    baseURL: url,
    awsRegion: 'eu-west-1',
    awsAccessKey: 'AKIATEST',
    awsSecretKey: 'test',
    maxRetries: 0,
  });
  const authClient = { projectId: 'shop', getRequestHeaders: async () => new Headers() };
  const vertex = new AnthropicVertex({
    baseURL: url,
    region: 'us-east5',
    projectId: 'shop',
    authClient,
    maxRetries: 0,
  });
  const messages = [{ role: 'user', content: prompt }];
  const asked = (client, model, more) => client.messages.create({ model, max_tokens: 99, messages, ...more });
  return {
    ...of('bedrock', { under, say: (more) => asked(bedrock, BEDROCK_MODEL, more) }),
    ...of('vertex', { under, say: (more) => asked(vertex, VERTEX_MODEL, more) }),
    vertexHelper: () =>
      under({ usage: USAGE }, async () => {
        const helper = vertex.messages.stream({ model: VERTEX_MODEL, max_tokens: 9, messages });
        return (await helper.finalMessage()).usage.output_tokens;
      }),
    vertexCount: () =>
      under({ usage: USAGE }, async () => {
        return (await vertex.messages.countTokens({ model: VERTEX_MODEL, messages })).input_tokens;
      }),
    bedrockRetried: () =>
      under({ usage: USAGE, status: 503, times: 1, retryAfterMs: 5 }, async () => {
        const request = { model: BEDROCK_MODEL, max_tokens: 9, messages };
        return (await bedrock.messages.create(request, { maxRetries: 1 })).stop_reason;
      }),
  };
}

function of(platform, { under, say }) {
  const usage = USAGE;
  const scenarios = {
    Plain: () => under({ usage }, async () => (await say()).stop_reason),
    Stream: () => under({ usage }, async () => count(await say({ stream }))),
    Break: () => under({ ...SLOW, usage }, async () => count(await say({ stream }), 5)),
    RateLimited: () => under({ status: 429, retryAfterMs: 5 }, () => say()),
  };
  return Object.fromEntries(Object.entries(scenarios).map(([name, run]) => [platform + name, run]));
}
