import { context } from '@opentelemetry/api';
import type { AdapterHost, AnyFunction, CallKind, SdkAdapter } from '../adapter.ts';
import { asObject, prototypeAt, type Json } from '../json.ts';
import { CallbackEnd } from './bedrock/callback-end.ts';
import { converseKind } from './bedrock/converse.ts';
import { withExchange, type Exchange } from './bedrock/exchange.ts';
import { invokeKind } from './bedrock/invoke.ts';
import { requested } from './bedrock/requested.ts';
import { isPromise } from '../promises.ts';

/** Counting tokens is free, and its answer is no usage of anything. */
const COUNT_TOKENS: CallKind = {
  operation: 'count_tokens',
  body: (args) => asObject(args[0])?.['input'],
  request: (_, input) => requested(asObject(input) ?? {}, 'count_tokens'),
  response: () => ({}),
  measured: false,
};

/** The operation that a command is for; newer versions say it in a schema, older ones only by the class's name. */
function operationName(command: Json): string {
  const schema = command['schema'];
  const named: unknown = Array.isArray(schema) ? schema[2] : undefined;
  if (typeof named === 'string') return named;
  const { constructor } = command as { readonly constructor?: unknown };
  return typeof constructor === 'function' ? constructor.name.replace(/Command$/, '') : '';
}

/**
 * What kind of call a command is; undefined for those that ask no model, and for InvokeModelWithBidirectionalStream:
 * its two streams of speech are not looked into.
 */
function kindOf(command: unknown, exchange: Exchange): CallKind | undefined {
  const object = asObject(command);
  if (object === undefined) return undefined;
  const model = asObject(object['input'])?.['modelId'];
  switch (operationName(object)) {
    case 'Converse':
      return converseKind(exchange, false);
    case 'ConverseStream':
      return converseKind(exchange, true);
    case 'InvokeModel':
      return invokeKind(exchange, model, false);
    case 'InvokeModelWithResponseStream':
      return invokeKind(exchange, model, true);
    case 'CountTokens':
      return COUNT_TOKENS;
    default:
      return undefined;
  }
}

function observedSend(original: AnyFunction, host: AdapterHost): AnyFunction {
  return function (this: unknown, ...args: unknown[]): unknown {
    const exchange: Exchange = {};
    const kind = host.isActive() ? host.guard(() => kindOf(args[0], exchange)) : undefined;
    if (kind === undefined) return original.apply(this, args);
    const send = (given: readonly unknown[]): unknown =>
      withExchange(host, this, exchange, () => original.apply(this, [...given]));
    const at = [1, 2].find((index) => typeof args[index] === 'function');
    if (at === undefined) return host.run(kind, this, args, send);
    return sendWithCallback(host, { kind, client: this, args, at, send });
  };
}

interface CallbackForm {
  readonly kind: CallKind;
  readonly client: unknown;
  readonly args: readonly unknown[];
  /** Where in `args` the callback is. */
  readonly at: number;
  readonly send: (args: readonly unknown[]) => unknown;
}

function sendWithCallback(host: AdapterHost, { kind, client, args, at, send }: CallbackForm): void {
  // The app's callback runs where the app was, not inside of our call.
  const callback = context.bind(context.active(), args[at] as AnyFunction);
  const end = new CallbackEnd();
  const passed = args.with(at, (...outcome: unknown[]) => {
    host.guard(() => end.settle(outcome));
    callback(...outcome);
  });
  const watch: CallKind['watch'] = (_, call) => end.watch(call);
  const result = host.run({ ...kind, watch }, client, args, () => {
    send(passed);
    return end;
  });
  // A call that was refused before it was made has a promise in its place.
  if (isPromise(result)) result.catch((error: unknown) => callback(error));
}

/** The prototype of the client, below the one that all clients of the vendor inherit `send` from. */
function clientPrototype(moduleExports: unknown): object | undefined {
  return prototypeAt(moduleExports, ['BedrockRuntimeClient']);
}

/**
 * Gives the client's own prototype a `send`: that of its base class is shared by all of the vendor's clients, and
 * other instrumentations replace it, before or after. Looked up at each call, so that theirs runs inside of ours.
 */
function ownSend(prototype: object, host: AdapterHost): void {
  if (Object.hasOwn(prototype, 'send')) return;
  const base: unknown = Object.getPrototypeOf(prototype);
  if (typeof asObject(base)?.['send'] !== 'function') return;
  const send = function (this: unknown, ...args: unknown[]): unknown {
    return (base as { send: AnyFunction }).send.apply(this, args);
  };
  const { length, name } = (base as { send: AnyFunction }).send;
  Object.defineProperties(send, { length: { value: length }, name: { value: name } });
  Object.defineProperty(prototype, 'send', {
    value: send,
    configurable: true,
    writable: true,
    enumerable: false,
  });
  host.onDisable(() => {
    if ((prototype as { send: unknown }).send === send) Reflect.deleteProperty(prototype, 'send');
  });
}

function patch(moduleExports: unknown, host: AdapterHost): undefined {
  const prototype = clientPrototype(moduleExports);
  if (prototype === undefined) return;
  ownSend(prototype, host);
  host.wrap(prototype, 'send', (original) => observedSend(original, host));
}

/** Whether a client, or an object like one, is of this service. */
function isClient(client: unknown): boolean {
  const fields = asObject(client);
  return (
    typeof fields?.['send'] === 'function' && asObject(fields['config'])?.['serviceId'] === 'Bedrock Runtime'
  );
}

/** The client's class, from a client or class whose module a bundler hid. */
function exportsOf(client: unknown): unknown {
  if (typeof client === 'function') {
    const isNamed = /^BedrockRuntime(Client)?$/.test(client.name);
    return isNamed && prototypeAt(client, []) !== undefined ? { BedrockRuntimeClient: client } : undefined;
  }
  if (!isClient(client)) return undefined;
  let prototype: unknown = Object.getPrototypeOf(client);
  // That of the service is right above that of all services; a class with methods for all commands is above both.
  for (let base: unknown; (base = Object.getPrototypeOf(prototype)) !== null; prototype = base) {
    if (Object.hasOwn(base as object, 'send')) return { BedrockRuntimeClient: { prototype } };
  }
  return undefined;
}

/**
 * The `@aws-sdk/client-bedrock-runtime` package: Converse and InvokeModel, streamed or not, for models that write,
 * embed, rank or draw. Region, request id and Bedrock's own token counts are read off the wire where the SDK's
 * output lacks them. Spans that the general instrumentation of the AWS SDK makes inside are left as they are and
 * marked as telling of the same call: they lack cached tokens.
 */
export const bedrockRuntime: SdkAdapter = {
  module: '@aws-sdk/client-bedrock-runtime',
  versions: ['>=3.422.0 <4'],
  methods: [],
  patch,
  rivals: [
    '@opentelemetry/instrumentation-aws-sdk',
    '@traceloop/instrumentation-bedrock',
    '@arizeai/openinference-instrumentation-bedrock',
  ],
  exportsOf,
};
