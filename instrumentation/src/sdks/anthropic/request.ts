import type { Attributes } from '@opentelemetry/api';
import type { Beside } from '../../adapter.ts';
import { asObject, putNumber, putString, type Json } from '../../json.ts';
import { providerOf, serverOf } from '../../provider.ts';
import { ATTR_REQUEST_STREAM } from '../../semconv.ts';
import { requestAttributes } from '../request-attributes.ts';

/** Whose model it is, as far as the client knows: its platforms have a class each, which all have their own fields. */
function platformOf(client: Json | undefined): string | undefined {
  const named = client?.['_genAIProviderName'];
  if (typeof named === 'string') return named === 'anthropic' ? undefined : named;
  // Before 0.134 no client names its platform.
  if (client?.['awsRegion'] !== undefined) return 'aws.bedrock';
  if (client?.['projectId'] !== undefined && client['region'] !== undefined) return 'gcp.vertex_ai';
  return undefined;
}

/** Puts who is asked, where, and for which model. */
export function whereAndWhat(resource: unknown, body: Json, operation: string): Attributes {
  const client = asObject(asObject(resource)?.['_client']);
  const server = serverOf(client?.['baseURL']);
  const provider = platformOf(client) ?? providerOf(server.address, 'anthropic');
  const attributes = requestAttributes(operation, provider, body['model'], server);
  if (provider === 'aws.bedrock') putString(attributes, 'aws.region', client?.['awsRegion']);
  if (provider === 'gcp.vertex_ai') putString(attributes, 'gcp.location', client?.['region']);
  return attributes;
}

/** Where a client asks other models within a request of its own. */
export function besideOf(resource: unknown): Beside {
  return (operation, model) => whereAndWhat(resource, { model }, operation);
}

/** What a request that generates asks for. */
export function generationRequest(resource: unknown, params: unknown, operation: string): Attributes {
  const body = asObject(params) ?? {};
  const attributes = whereAndWhat(resource, body, operation);
  if (body['stream'] === true) attributes[ATTR_REQUEST_STREAM] = true;
  putNumber(attributes, 'gen_ai.request.max_tokens', body['max_tokens'] ?? body['max_tokens_to_sample']);
  putNumber(attributes, 'gen_ai.request.temperature', body['temperature']);
  putNumber(attributes, 'gen_ai.request.top_p', body['top_p']);
  putNumber(attributes, 'gen_ai.request.top_k', body['top_k']);
  putString(attributes, 'anthropic.request.service_tier', body['service_tier']);
  putString(attributes, 'anthropic.request.speed', body['speed']);
  putString(attributes, 'anthropic.request.inference_geo', body['inference_geo']);
  return attributes;
}
