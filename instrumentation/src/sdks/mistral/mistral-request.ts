import type { Attributes } from '@opentelemetry/api';
import type { Operation } from '../../adapter.ts';
import { asObject, putString } from '../../json.ts';
import { providerOf, serverOf } from '../../provider.ts';
import { ATTR_REQUEST_STREAM } from '../../semconv.ts';
import { putSettings, requestAttributes } from '../request-attributes.ts';

/** The parameters that the conventions have names for. */
const SETTINGS: Readonly<Record<string, string>> = {
  maxTokens: 'gen_ai.request.max_tokens',
  temperature: 'gen_ai.request.temperature',
  topP: 'gen_ai.request.top_p',
  randomSeed: 'gen_ai.request.seed',
  n: 'gen_ai.request.choice.count',
};

/** Attributes of any request; of an agent's, the model is known only from the answer. */
export function mistralRequest(
  resource: unknown,
  params: unknown,
  operation: Operation,
  stream: boolean,
): Attributes {
  const body = asObject(params);
  const baseUrl = asObject(resource)?.['_baseURL'];
  const server = serverOf(baseUrl instanceof URL ? baseUrl.href : baseUrl);
  const provider = providerOf(server.address, 'mistral_ai');
  const attributes = requestAttributes(operation, provider, body?.['model'], server);
  if (stream) attributes[ATTR_REQUEST_STREAM] = true;
  putSettings(attributes, SETTINGS, asObject(body?.['completionArgs']) ?? body);
  putString(attributes, 'gen_ai.agent.id', body?.['agentId']);
  putString(attributes, 'gen_ai.conversation.id', body?.['conversationId']);
  putString(attributes, 'gen_ai.request.service_tier', body?.['serviceTier']);
  return attributes;
}
