import type { Attributes } from '@opentelemetry/api';
import type { Operation } from '../../adapter.ts';
import { asObject, putNumber, putString } from '../../json.ts';
import { providerOf, serverOf } from '../../provider.ts';
import {
  ATTR_OPERATION,
  ATTR_PROVIDER,
  ATTR_REQUEST_MODEL,
  ATTR_REQUEST_STREAM,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
} from '../../semconv.ts';

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
  const attributes: Attributes = {
    [ATTR_OPERATION]: operation,
    [ATTR_PROVIDER]: providerOf(server.address, 'mistral_ai'),
  };
  putString(attributes, ATTR_REQUEST_MODEL, body?.['model']);
  putString(attributes, ATTR_SERVER_ADDRESS, server.address);
  putNumber(attributes, ATTR_SERVER_PORT, server.port);
  if (stream) attributes[ATTR_REQUEST_STREAM] = true;
  const settings = asObject(body?.['completionArgs']) ?? body;
  for (const name in SETTINGS) putNumber(attributes, SETTINGS[name] ?? name, settings?.[name]);
  putString(attributes, 'gen_ai.agent.id', body?.['agentId']);
  putString(attributes, 'gen_ai.conversation.id', body?.['conversationId']);
  putString(attributes, 'gen_ai.request.service_tier', body?.['serviceTier']);
  return attributes;
}
