import type { Attributes } from '@opentelemetry/api';
import { fromApp } from '../../from-app.ts';
import { asObject, putNumber, putString, type Json } from '../../json.ts';
import { ATTR_PROVIDER, ATTR_REQUEST_MODEL } from '../../semconv.ts';

/** LangChain's `ls_provider` where the conventions have another name for it. */
const PROVIDERS: Readonly<Record<string, string>> = {
  amazon_bedrock: 'aws.bedrock',
  azure: 'azure.ai.openai',
  google: 'gcp.gemini',
  google_genai: 'gcp.gemini',
  google_vertexai: 'gcp.vertex_ai',
  mistral: 'mistral_ai',
  mistralai: 'mistral_ai',
  vertexai: 'gcp.vertex_ai',
  xai: 'x_ai',
};

/** What the model tells of itself for LangSmith: provider, model, parameters. */
function described(model: unknown, options: unknown): Json {
  const target = asObject(model);
  const describe = target?.['getLsParams'];
  const told = typeof describe === 'function' ? asObject(describe.call(model, options ?? {})) : undefined;
  return { ls_model_name: target?.['model'] ?? target?.['modelName'], ...told };
}

/** Provider, model and parameters of a call; models of the app's own may throw when asked, and then tell nothing. */
export function identityOf(model: unknown, options: unknown): Attributes {
  const told = fromApp(() => described(model, options)) ?? {};
  const provider = told['ls_provider'];
  const attributes: Attributes = {};
  if (typeof provider === 'string') attributes[ATTR_PROVIDER] = PROVIDERS[provider] ?? provider;
  putString(attributes, ATTR_REQUEST_MODEL, told['ls_model_name']);
  putNumber(attributes, 'gen_ai.request.temperature', told['ls_temperature']);
  putNumber(attributes, 'gen_ai.request.max_tokens', told['ls_max_tokens']);
  return attributes;
}
