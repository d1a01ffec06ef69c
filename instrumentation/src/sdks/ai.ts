import { types } from 'node:util';
import { trace, type Attributes } from '@opentelemetry/api';
import type { AdapterHost, NativeResult, Operation, SdkAdapter } from '../adapter.ts';
import { asObject, type Json } from '../json.ts';
import { ATTR_OPERATION } from '../semconv.ts';
import { wrapAgent, wrapFunction, wrapProviders, wrapWrapper, type Look } from './ai/entry-points.ts';
import { putModel } from './ai/model-identity.ts';
import type { ModelRole } from './ai/model-kinds.ts';
import { PROVIDER_PACKAGES } from './ai/provider-packages.ts';
import { watchedModels } from './ai/watched-models.ts';

/** Exported functions that are given a model, and what it is for. */
const FUNCTIONS: Readonly<Record<string, ModelRole>> = {
  generateText: 'language',
  streamText: 'language',
  experimental_streamTextLowMemory: 'language',
  experimental_streamLanguageModelCall: 'language',
  generateObject: 'language',
  streamObject: 'language',
  embed: 'embedding',
  embedMany: 'embedding',
  generateImage: 'image',
  experimental_generateImage: 'image',
  generateSpeech: 'speech',
  experimental_generateSpeech: 'speech',
  experimental_streamSpeech: 'speech',
  transcribe: 'transcription',
  experimental_transcribe: 'transcription',
  experimental_streamTranscribe: 'transcription',
  rerank: 'reranking',
  experimental_decide: 'decision',
  experimental_evaluate: 'decision',
  experimental_extract: 'extraction',
};

/** Functions that give a model that passes calls on to the one they are given. */
const WRAPPERS: Readonly<Record<string, ModelRole>> = {
  wrapLanguageModel: 'language',
  experimental_wrapLanguageModel: 'language',
  wrapEmbeddingModel: 'embedding',
  wrapImageModel: 'image',
};

/** Functions that give a provider around others. */
const PROVIDER_WRAPPERS = ['wrapProvider', 'createProviderRegistry'];

/** Classes that call the functions from inside the module: `Agent` in version 5, `ToolLoopAgent` since. */
const AGENTS = ['Agent', 'Experimental_Agent', 'ToolLoopAgent'];

/** The scope of the spans that versions 4 to 6 make themselves where the app asks for them. */
const OWN_SCOPE = 'ai';

/** Exports that were replaced, so that the app's copy is found again when the instrumentation is enabled again. */
const replaced = new WeakMap<object, Json>();

/**
 * The exports to be changed: those of ES modules in place, through their loader hook. Those of CommonJS are getters
 * that cannot be changed, so that `require` gives a copy.
 */
function changeable(moduleExports: object): Json {
  const { configurable, writable } = Object.getOwnPropertyDescriptor(moduleExports, 'generateText') ?? {};
  const isPlain = configurable === true || writable === true;
  if (types.isProxy(moduleExports) || isPlain) return moduleExports as Json;
  const known = replaced.get(moduleExports);
  if (known !== undefined) return known;
  const copy: Record<string, unknown> = Object.create(Object.getPrototypeOf(moduleExports) as object | null);
  for (const name of Object.getOwnPropertyNames(moduleExports)) {
    const value: unknown = (moduleExports as Json)[name];
    const { enumerable } = Object.getOwnPropertyDescriptor(moduleExports, name) ?? {};
    const isOurs = name in FUNCTIONS || name in WRAPPERS || PROVIDER_WRAPPERS.includes(name);
    Object.defineProperty(
      copy,
      name,
      isOurs
        ? { value, enumerable: enumerable === true, configurable: true, writable: true }
        : { get: () => (moduleExports as Json)[name], enumerable: enumerable === true, configurable: true },
    );
  }
  replaced.set(moduleExports, copy);
  return copy;
}

/** Where a model is in place of the module, which a bundler hides. */
const GIVEN_MODEL = 'spanmeter.model';

/** Models of all specifications say which one they keep to. */
function modelAsExports(client: unknown): unknown {
  const { specificationVersion, provider, modelId } = asObject(client) ?? {};
  const isModel =
    typeof specificationVersion === 'string' && typeof provider === 'string' && typeof modelId === 'string';
  return isModel && roleOf(client) !== undefined ? { [GIVEN_MODEL]: client } : undefined;
}

/** Models of sound may stream as those of language do: `openai.transcription` (`@ai-sdk/openai@4`). */
const SOUND = /\.(speech|transcription)$/;

/** What a model is for, by what it can do; of sound, by what it is called, since that can be the same either way. */
function roleOf(value: unknown): ModelRole | undefined {
  const model = asObject(value);
  if (typeof model?.['doEmbed'] === 'function') return 'embedding';
  if (typeof model?.['doRerank'] === 'function') return 'reranking';
  if (typeof (model?.['doDecide'] ?? model?.['doEvaluate']) === 'function') return 'decision';
  if (typeof model?.['doExtract'] === 'function') return 'extraction';
  if (typeof model?.['doGenerate'] !== 'function') return undefined;
  if ('maxImagesPerCall' in model) return 'image';
  const sounding = SOUND.exec(String(model['provider']))?.[1];
  if (sounding !== undefined) return sounding as ModelRole;
  return typeof model['doStream'] === 'function' ? 'language' : undefined;
}

function patch(moduleExports: unknown, host: AdapterHost): unknown {
  const given = asObject(moduleExports);
  if (given === undefined) return moduleExports;
  const model = given[GIVEN_MODEL];
  if (model !== undefined) {
    const role = roleOf(model);
    if (role !== undefined) watchedModels(host).see(model, role);
    return moduleExports;
  }
  const exports = changeable(given);
  const models = watchedModels(host);
  const look: Look = { host, models, provider: () => defaultProvider(exports) };
  for (const [name, role] of Object.entries(FUNCTIONS)) wrapFunction(exports, name, role, look);
  for (const [name, role] of Object.entries(WRAPPERS)) wrapWrapper(exports, name, role, look);
  wrapProviders(exports, 'wrapProvider', look, ([options]) => ({
    options,
    inner: [asObject(options)?.['provider']],
  }));
  wrapProviders(exports, 'createProviderRegistry', look, ([providers, options]) => ({
    options,
    inner: Object.values(asObject(providers) ?? {}),
  }));
  for (const name of AGENTS) wrapAgent(exports[name], look);
  return exports;
}

/** What models are that are given by name: `resolveLanguageModel` of ai@5 to ai@7. */
function defaultProvider(exports: Json): unknown {
  return (globalThis as Json)['AI_SDK_DEFAULT_PROVIDER'] ?? exports['gateway'];
}

interface OwnSpan {
  readonly instrumentationScope?: { readonly name?: string };
  readonly name?: string;
}

/** The span that the SDK has made for the very request that is to be told, where the app has switched that on. */
function ownSpan(): ReturnType<typeof trace.getActiveSpan> {
  const span = trace.getActiveSpan();
  const { instrumentationScope, name } = (span ?? {}) as OwnSpan;
  return instrumentationScope?.name === OWN_SCOPE && name?.includes('.do') === true ? span : undefined;
}

/** It keeps its span, which gets what it lacks: the conventions' names, and counts that mean the same for all. */
function runInOwnSpan(resource: unknown, _options: unknown, call: () => unknown): NativeResult {
  const span = ownSpan();
  if (span?.isRecording() === true) {
    const attributes: Attributes = { [ATTR_OPERATION]: operationOf((span as OwnSpan).name ?? '') };
    putModel(attributes, resource);
    span.setAttributes(attributes);
  }
  return { result: call(), span };
}

/** `ai.embed.doEmbed`, `ai.rerank.doRerank`; all others are of language models. */
function operationOf(name: string): Operation {
  if (name.endsWith('.doEmbed')) return 'embeddings';
  return name.endsWith('.doRerank') ? 'rerank' : 'chat';
}

/**
 * The `ai` package, Vercel's AI SDK, versions 4 to 7. Its providers are told by their models' own methods: one span
 * for each request, whether a function, an agent or another framework makes it.
 */
export const ai: SdkAdapter = {
  module: 'ai',
  versions: ['>=4.0.0 <8'],
  methods: [],
  patch,
  hooks: PROVIDER_PACKAGES,
  exportsOf: modelAsExports,
  // Spans of `@ai-sdk/otel`, for version 7.
  rivals: ['gen_ai'],
  native: { isOn: () => ownSpan() !== undefined, run: runInOwnSpan },
};
