import type { Attributes } from '@opentelemetry/api';
import type { Operation } from '../../adapter.ts';
import { asObject } from '../../json.ts';
import { providerOf, serverOf } from '../../provider.ts';
import { ATTR_REQUEST_STREAM } from '../../semconv.ts';
import { putSettings, requestAttributes } from '../request-attributes.ts';

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
function awsRequest(model: unknown, region: string, operation: Operation): Attributes {
  const isBedrock = typeof model === 'string' && /(^|\.)cohere\.|^arn:[^:]*:bedrock:/.test(model);
  const address = `${isBedrock ? 'bedrock-runtime' : 'runtime.sagemaker'}.${region}.amazonaws.com`;
  const provider = isBedrock ? 'aws.bedrock' : 'aws.sagemaker';
  const attributes = requestAttributes(operation, provider, model, { address, port: 443 });
  attributes['aws.region'] = region;
  return attributes;
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
  const provider = providerOf(server.address, 'cohere');
  const { model } = body ?? {};
  const region = options?.['awsRegion'];
  const attributes =
    typeof region === 'string' && region !== ''
      ? awsRequest(model, region, operation)
      : requestAttributes(operation, provider, model, server);
  if (stream) attributes[ATTR_REQUEST_STREAM] = true;
  putSettings(attributes, SETTINGS, body);
  return attributes;
}
