import type { AdapterHost, ModuleHook } from '../../adapter.ts';
import { asObject } from '../../json.ts';
import type { ModelRole } from './model-kinds.ts';
import { watchedModels, type WatchedModels } from './watched-models.ts';

/** Packages of providers: frameworks that bring the SDK's functions along themselves use their models too. */
const PACKAGES = [
  'amazon-bedrock',
  'anthropic',
  'azure',
  'cerebras',
  'cohere',
  'deepinfra',
  'deepseek',
  'fireworks',
  'gateway',
  'google',
  'google-vertex',
  'groq',
  'mistral',
  'openai',
  'openai-compatible',
  'perplexity',
  'togetherai',
  'xai',
];

/** Ways in which providers make their models, and what for. */
const FACTORIES: Readonly<Record<string, ModelRole>> = {
  languageModel: 'language',
  chat: 'language',
  responses: 'language',
  completion: 'language',
  embeddingModel: 'embedding',
  textEmbeddingModel: 'embedding',
  imageModel: 'image',
  speechModel: 'speech',
  speech: 'speech',
  transcriptionModel: 'transcription',
  transcription: 'transcription',
  rerankingModel: 'reranking',
  decisionModel: 'decision',
  extractionModel: 'extraction',
};

/** A model is made of each kind that the package's own provider has, to know its class; none of them is asked. */
function patch(moduleExports: unknown, host: AdapterHost): unknown {
  const models = watchedModels(host);
  for (const name in asObject(moduleExports)) {
    const exported: unknown = asObject(moduleExports)?.[name];
    if (typeof exported !== 'function') continue;
    if (isClass(exported)) seeClass(exported.prototype, models);
    else seeProvider(exported, models);
  }
  return moduleExports;
}

function isClass(value: Function): boolean {
  return asObject(value.prototype) !== undefined && !('languageModel' in value);
}

/** `OpenAICompatibleChatLanguageModel` and its like, which other packages derive theirs from. */
function seeClass(prototype: object, models: WatchedModels): void {
  const model = Object.create(prototype) as object;
  if ('doStream' in prototype && 'doGenerate' in prototype) models.seePackaged(model, 'language');
  else if ('doEmbed' in prototype) models.seePackaged(model, 'embedding');
  else if ('doGenerate' in prototype && 'maxImagesPerCall' in prototype) models.seePackaged(model, 'image');
}

function seeProvider(provider: Function, models: WatchedModels): void {
  if (!('languageModel' in provider)) return;
  for (const [name, role] of Object.entries(FACTORIES)) {
    const model = made(provider, name);
    if (asObject(model) !== undefined) models.seePackaged(model, role);
  }
  models.seeBatch(made(provider, 'experimental_batch'));
}

/** Undefined where a provider has no such models, or wants to be set up before it makes any. */
function made(provider: Function, name: string): unknown {
  const factory: unknown = (provider as unknown as Record<string, unknown>)[name];
  if (typeof factory !== 'function') return undefined;
  try {
    return Reflect.apply(factory, provider, ['none']);
  } catch {
    return undefined;
  }
}

/** Hooks for the packages of providers. */
export const PROVIDER_PACKAGES: readonly ModuleHook[] = PACKAGES.map((name) => ({
  module: `@ai-sdk/${name}`,
  versions: ['>=0.1.0 <5'],
  patch,
}));
