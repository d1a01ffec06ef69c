import type { Attributes } from '@opentelemetry/api';
import type { AdapterHost, CallKind, ModuleHook, Operation, SdkAdapter } from '../adapter.ts';
import { asObject, putNumber, putString } from '../json.ts';
import { serverOf } from '../provider.ts';
import {
  ATTR_OPERATION,
  ATTR_PROVIDER,
  ATTR_REQUEST_MODEL,
  ATTR_REQUEST_STREAM,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
} from '../semconv.ts';
import { sizeOfParts } from '../text-size.ts';
import { askUsage, chatKind, putSampling } from './openai-chat.ts';
import { GENERATION_CONTENT, generationResponse, GenerationStreamReader } from './huggingface-generation.ts';

const MODULE = '@huggingface/inference';
const VERSIONS = ['>=3.0.0 <5'];
const ROUTER = 'https://router.huggingface.co';

/**
 * Who answers: the app's own endpoint, the router's choice, or a named provider: billed by Hugging Face at that
 * provider's prices where the token is Hugging Face's, else by the provider itself (makeRequestOptions.js).
 */
function providerOf(provider: unknown, token: unknown): string {
  if (typeof provider !== 'string' || provider === 'auto' || provider === 'hf-inference') return 'huggingface';
  return typeof token === 'string' && token !== '' && !token.startsWith('hf_')
    ? provider
    : `huggingface_${provider}`;
}

function requestOf(operation: Operation, streamed: boolean): CallKind['request'] {
  return (_, params) => {
    const args = asObject(params) ?? {};
    const provider = providerOf(args['provider'], args['accessToken']);
    const attributes: Attributes = { [ATTR_OPERATION]: operation, [ATTR_PROVIDER]: provider };
    putString(attributes, ATTR_REQUEST_MODEL, args['model']);
    const isRouted = provider.startsWith('huggingface');
    const server = serverOf(args['endpointUrl'] ?? (isRouted ? ROUTER : undefined));
    putString(attributes, ATTR_SERVER_ADDRESS, server.address);
    putNumber(attributes, ATTR_SERVER_PORT, server.port);
    putSampling(attributes, { ...asObject(args['parameters']), ...args, stream: streamed });
    putNumber(attributes, 'gen_ai.request.max_tokens', asObject(args['parameters'])?.['max_new_tokens']);
    if (streamed) attributes[ATTR_REQUEST_STREAM] = true;
    return attributes;
  };
}

const CHAT = chatKind('huggingface');

/** Servers of this API tell a stream's usage where they are asked for it; the task makes it a stream by itself. */
function askStreamed(args: readonly unknown[]): unknown[] | undefined {
  const [params, ...rest] = args;
  const body = asObject(params);
  if (body === undefined) return undefined;
  const asked = askUsage([{ ...body, stream: true }]);
  const options = asObject(asked?.[0])?.['stream_options'];
  return asked === undefined ? undefined : [{ ...body, stream_options: options }, ...rest];
}

const GENERATION: CallKind = {
  operation: 'text_completion',
  request: requestOf('text_completion', false),
  response: generationResponse,
  requestSize: (body) => sizeOfParts(body, ['inputs']),
  responseSize: (response) => sizeOfParts(response, ['generated_text']),
  content: GENERATION_CONTENT,
};

const KINDS: Readonly<Record<string, CallKind>> = {
  chatCompletion: { ...CHAT, request: requestOf('chat', false) },
  chatCompletionStream: { ...CHAT, request: requestOf('chat', true), ask: askStreamed },
  textGeneration: GENERATION,
  textGenerationStream: {
    ...GENERATION,
    request: requestOf('text_completion', true),
    stream: (capture) => new GenerationStreamReader(capture),
  },
  // Vectors alone: the API tells no usage.
  featureExtraction: {
    operation: 'embeddings',
    request: requestOf('embeddings', false),
    response: () => ({}),
    requestSize: (body) => sizeOfParts(body, ['inputs']),
  },
};

/**
 * Each task is a function in a file of its own, which clients bind where no one can replace it (InferenceClient.js)
 * and which apps may also import by itself: so it is the file's export that is replaced.
 */
function hookOf(task: string, kind: CallKind): ModuleHook {
  const file = `tasks/nlp/${task}.js`;
  return {
    module: MODULE,
    versions: VERSIONS,
    files: [`dist/esm/${file}`, `dist/commonjs/${file}`],
    patch: (moduleExports: unknown, host: AdapterHost) => {
      const owner = asObject(moduleExports);
      if (owner !== undefined) host.wrapMethod(owner, task, kind);
      return moduleExports;
    },
  };
}

/**
 * The `@huggingface/inference` package: chat, text generation and embeddings, of clients and of the functions
 * themselves. Other tasks are not observed.
 */
export const huggingface: SdkAdapter = {
  module: MODULE,
  versions: VERSIONS,
  methods: [],
  hooks: Object.entries(KINDS).map(([task, kind]) => hookOf(task, kind)),
  rivals: [],
};
