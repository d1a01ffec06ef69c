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

/** Where the SDK sends what it is not told to send elsewhere (`cohere-ai@8.1 environments`). */
const PRODUCTION = 'https://api.cohere.com';

/** The parameters that the conventions have names for. */
const SETTINGS: Readonly<Record<string, string>> = {
  maxTokens: 'gen_ai.request.max_tokens',
  temperature: 'gen_ai.request.temperature',
  p: 'gen_ai.request.top_p',
  k: 'gen_ai.request.top_k',
  seed: 'gen_ai.request.seed',
  numGenerations: 'gen_ai.request.choice.count',
};

/**
 * The SDK's clients for AWS sign and redirect each request themselves (`cohere-ai@8.1 aws-utils`); on SageMaker the
 * model is the name of the app's own endpoint.
 */
function putAws(attributes: Attributes, region: string): void {
  const isBedrock = /(^|\.)cohere\.|^arn:[^:]*:bedrock:/.test(String(attributes[ATTR_REQUEST_MODEL]));
  attributes[ATTR_PROVIDER] = isBedrock ? 'aws.bedrock' : 'aws.sagemaker';
  attributes['aws.region'] = region;
  const host = isBedrock ? 'bedrock-runtime' : 'runtime.sagemaker';
  attributes[ATTR_SERVER_ADDRESS] = `${host}.${region}.amazonaws.com`;
  attributes[ATTR_SERVER_PORT] = 443;
}

/** Attributes of any request. Version 1 of the API picks a model where the app names none, and does not say which. */
export function cohereRequest(
  resource: unknown,
  params: unknown,
  operation: Operation,
  stream: boolean,
): Attributes {
  const body = asObject(params);
  const options = asObject(asObject(resource)?.['_options']);
  // Either may be a function, which is the app's and is not called.
  const server = serverOf(options?.['baseUrl'] ?? options?.['environment'] ?? PRODUCTION);
  const attributes: Attributes = {
    [ATTR_OPERATION]: operation,
    [ATTR_PROVIDER]: providerOf(server.address, 'cohere'),
  };
  putString(attributes, ATTR_REQUEST_MODEL, body?.['model']);
  putString(attributes, ATTR_SERVER_ADDRESS, server.address);
  putNumber(attributes, ATTR_SERVER_PORT, server.port);
  const region = options?.['awsRegion'];
  if (typeof region === 'string' && region !== '') putAws(attributes, region);
  if (stream) attributes[ATTR_REQUEST_STREAM] = true;
  for (const name in SETTINGS) putNumber(attributes, SETTINGS[name] ?? name, body?.[name]);
  return attributes;
}
