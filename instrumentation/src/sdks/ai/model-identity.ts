import type { Attributes } from '@opentelemetry/api';
import { fromApp } from '../../from-app.ts';
import { asObject, putNumber, putString, type Json } from '../../json.ts';
import { providerOf, serverOf } from '../../provider.ts';
import { ATTR_PROVIDER, ATTR_REQUEST_MODEL, ATTR_SERVER_ADDRESS, ATTR_SERVER_PORT } from '../../semconv.ts';

/**
 * `gen_ai.provider.name` by how a model's `provider` begins, the longest first: `openai.chat`, `google.vertex.chat`.
 * The part before the first dot is the name of all others.
 */
const PROVIDERS: readonly (readonly [string, string])[] = [
  ['google.vertex', 'gcp.vertex_ai'],
  ['googleVertex', 'gcp.vertex_ai'],
  ['vertex', 'gcp.vertex_ai'],
  ['google', 'gcp.gemini'],
  ['bedrock', 'aws.bedrock'],
  ['amazon-bedrock', 'aws.bedrock'],
  ['azure', 'azure.ai.openai'],
  ['mistral', 'mistral_ai'],
  ['xai', 'x_ai'],
  ['togetherai', 'together'],
  ['moonshotai', 'moonshot_ai'],
  ['gateway', 'vercel_ai_gateway'],
];

/** Provider, model and server of one of the SDK's model objects. */
export function putModel(attributes: Attributes, resource: unknown): void {
  const model = asObject(resource);
  const server = serverOf(fromApp(() => addressOf(model)));
  const given = model?.['provider'];
  const vendor = vendorOf(typeof given === 'string' ? given : '');
  attributes[ATTR_PROVIDER] = providerOf(server.address, vendor);
  putString(attributes, ATTR_REQUEST_MODEL, model?.['modelId']);
  putString(attributes, ATTR_SERVER_ADDRESS, server.address);
  putNumber(attributes, ATTR_SERVER_PORT, server.port);
}

/** The provider that the AI SDK names so. */
export function vendorOf(provider: string): string {
  for (const [start, name] of PROVIDERS) {
    // Not those that only begin so: `mistralrs`.
    if (provider.startsWith(start) && !/^[a-z]/.test(provider.slice(start.length))) return name;
  }
  const first = provider.split('.', 1)[0];
  return first === undefined || first === '' ? 'unknown' : first;
}

/**
 * Where models of the SDK's own providers send their requests: `config.baseURL`, what Bedrock's function of nearly that
 * name gives, or what `config.url` makes.
 */
function addressOf(model: Json | undefined): unknown {
  const config = asObject(model?.['config']);
  const found = config?.['baseURL'] ?? config?.['baseUrl'];
  const given: unknown = typeof found === 'function' ? Reflect.apply(found, config, []) : found;
  return typeof given === 'string' ? given : urlOf(config, model);
}

/** A function of a provider that is not ours: one that wants more than this throws. */
function urlOf(config: Json | undefined, model: Json | undefined): unknown {
  const url = config?.['url'];
  return typeof url === 'function'
    ? Reflect.apply(url, config, [{ path: '', modelId: model?.['modelId'] }])
    : undefined;
}
