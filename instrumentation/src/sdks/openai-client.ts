import type { Attributes } from '@opentelemetry/api';
import type { Method, Operation, SdkAdapter } from '../adapter.ts';
import { asObject, prototypeAt, putString, type Json } from '../json.ts';
import { providerOf, serverOf } from '../provider.ts';
import { ATTR_REQUEST_MODEL } from '../semconv.ts';
import { requestAttributes } from './request-attributes.ts';

/** The client that made a resource, `_client` in every SDK of this generator; or the client itself. */
function clientOf(resource: unknown): Json | undefined {
  const object = asObject(resource);
  return asObject(object?.['_client']) ?? object;
}

/**
 * Clouds are told by what their client classes hold, since their base URL may be a gateway's and a bundler may have
 * renamed the class (openai@7.57 azure.js, bedrock.js).
 */
function cloudOf(client: Json | undefined): string | undefined {
  if (client === undefined) return undefined;
  if ('deploymentName' in client && 'apiVersion' in client) return 'azure.ai.openai';
  return 'bedrockTokenProvider' in client ? 'aws.bedrock' : undefined;
}

/** Who answers the calls of a resource; `vendor` where its host is nobody's that is known. */
export function openaiProvider(resource: unknown, vendor: string): string {
  const client = clientOf(resource);
  return cloudOf(client) ?? providerOf(serverOf(client?.['baseURL']).address, vendor);
}

/** What every request of an SDK in OpenAI's format tells: operation, provider, model and server. */
export function openaiRequest(
  resource: unknown,
  body: Json,
  operation: Operation,
  vendor: string,
): Attributes {
  const client = clientOf(resource);
  const server = serverOf(client?.['baseURL']);
  const provider = cloudOf(client) ?? providerOf(server.address, vendor);
  // Azure's client may be bound to one deployment, which then takes the place of the model.
  const attributes = requestAttributes(operation, provider, client?.['deploymentName'], server);
  putString(attributes, ATTR_REQUEST_MODEL, body['model']);
  return attributes;
}

/** Makes methods of resources that hang on the class of an SDK's clients. */
export function methodsOn(
  className: string,
): (path: readonly string[], name: string, kind: Method['kind']) => Method {
  return (path, name, kind) => ({
    owner: (moduleExports) => prototypeAt(moduleExports, [className, ...path]),
    name,
    kind,
  });
}

/** What else hangs on it: `OpenAI.OpenAI` is `OpenAI`, also when minified. */
export function clientParts(className: string): Pick<SdkAdapter, 'retries' | 'requests' | 'exportsOf'> {
  const owner = (moduleExports: unknown): object | undefined => prototypeAt(moduleExports, [className]);
  return {
    retries: { owner, name: 'retryRequest' },
    requests: { owner, name: 'makeRequest' },
    exportsOf: (client) => {
      const made = typeof client === 'function' ? client : asObject(client)?.constructor;
      const found = (made as Partial<Record<string, unknown>> | undefined)?.[className];
      return typeof found === 'function' ? { [className]: found } : undefined;
    },
  };
}
