import { types } from 'node:util';
import { trace } from '@opentelemetry/api';
import type { AdapterHost, AnyFunction, NativeResult, SdkAdapter } from '../adapter.ts';
import { asObject, type Json } from '../json.ts';
import type { ModelRole } from './ai/model-kinds.ts';
import { WatchedModels } from './ai/watched-models.ts';

/** Exported functions that are given a model, and what it is for. */
const FUNCTIONS: Readonly<Record<string, ModelRole>> = {
  generateText: 'language',
  streamText: 'language',
  generateObject: 'language',
  streamObject: 'language',
  embed: 'embedding',
  embedMany: 'embedding',
  generateImage: 'image',
  experimental_generateImage: 'image',
  generateSpeech: 'speech',
  experimental_generateSpeech: 'speech',
  transcribe: 'transcription',
  experimental_transcribe: 'transcription',
  rerank: 'reranking',
};

/** Functions that give a model that passes calls on to the one they are given. */
const WRAPPERS: Readonly<Record<string, ModelRole>> = {
  wrapLanguageModel: 'language',
  experimental_wrapLanguageModel: 'language',
  wrapEmbeddingModel: 'embedding',
  wrapImageModel: 'image',
};

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
  if (types.isProxy(moduleExports)) return moduleExports as Json;
  const known = replaced.get(moduleExports);
  if (known !== undefined) return known;
  const copy: Record<string, unknown> = Object.create(Object.getPrototypeOf(moduleExports) as object | null);
  for (const name of Object.getOwnPropertyNames(moduleExports)) {
    const value: unknown = (moduleExports as Json)[name];
    const { enumerable } = Object.getOwnPropertyDescriptor(moduleExports, name) ?? {};
    const isOurs = name in FUNCTIONS || name in WRAPPERS;
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

function patch(moduleExports: unknown, host: AdapterHost): unknown {
  const given = asObject(moduleExports);
  if (given === undefined) return moduleExports;
  const exports = changeable(given);
  const models = new WatchedModels(host);
  const look: Look = { host, models, provider: () => defaultProvider(exports) };
  for (const [name, role] of Object.entries(FUNCTIONS)) wrapFunction(exports, name, role, look);
  for (const [name, role] of Object.entries(WRAPPERS)) wrapWrapper(exports, name, role, look);
  for (const name of AGENTS) wrapAgent(exports[name], look);
  return exports;
}

interface Look {
  readonly host: AdapterHost;
  readonly models: WatchedModels;
  readonly provider: () => unknown;
}

/** What models are that are given by name: `resolveLanguageModel` of ai@5 to ai@7. */
function defaultProvider(exports: Json): unknown {
  return (globalThis as Json)['AI_SDK_DEFAULT_PROVIDER'] ?? exports['gateway'];
}

function wrapFunction(exports: Json, name: string, role: ModelRole, look: Look): void {
  look.host.wrap(
    exports,
    name,
    (original) =>
      function (this: unknown, ...args: unknown[]): unknown {
        return original.apply(this, seen(args, role, look));
      },
  );
}

/** Looks at the model in the options of a call; gives the arguments that the SDK gets. */
function seen(args: unknown[], role: ModelRole, look: Look): unknown[] {
  if (!look.host.isActive()) return args;
  const options = look.host.guard(() => {
    const given = asObject(args[0]);
    if (given === undefined) return undefined;
    look.models.see(given['model'], role, look.provider());
    return withStepModels(given, look);
  });
  return options === undefined ? args : [options, ...args.slice(1)];
}

/** `prepareStep` may choose another model for a step; undefined where there is none. */
function withStepModels(options: Json, look: Look): Json | undefined {
  const name = 'experimental_prepareStep' in options ? 'experimental_prepareStep' : 'prepareStep';
  const prepare = options[name];
  return typeof prepare === 'function'
    ? { ...options, [name]: lookingStep(prepare as AnyFunction, look) }
    : undefined;
}

function lookingStep(prepare: AnyFunction, look: Look): AnyFunction {
  const seeModel = (step: unknown): unknown => {
    look.host.guard(() => look.models.see(asObject(step)?.['model'], 'language', look.provider()));
    return step;
  };
  return function (this: unknown, ...args: unknown[]): unknown {
    const step = prepare.apply(this, args);
    return step instanceof Promise ? step.then(seeModel) : seeModel(step);
  };
}

function wrapWrapper(exports: Json, name: string, role: ModelRole, look: Look): void {
  look.host.wrap(
    exports,
    name,
    (original) =>
      function (this: unknown, ...args: unknown[]): unknown {
        const model = original.apply(this, args);
        look.host.guard(() => {
          if (look.models.see(asObject(args[0])?.['model'], role)) look.models.seeThrough(model);
        });
        return model;
      },
  );
}

/**
 * Version 5 gives its settings to the functions as they are. Later ones make the options of every call in
 * `prepareCall`, where the app may choose another model.
 */
function wrapAgent(agent: unknown, look: Look): void {
  const prototype: unknown = typeof agent === 'function' ? agent.prototype : undefined;
  if (typeof prototype !== 'object' || prototype === null) return;
  if ('prepareCall' in prototype) {
    look.host.wrap(prototype, 'prepareCall', (original) => lookingCall(original, look));
    return;
  }
  for (const name of ['generate', 'stream', 'respond']) {
    look.host.wrap(
      prototype,
      name,
      (original) =>
        function (this: unknown, ...args: unknown[]): unknown {
          const settings = asObject(asObject(this)?.['settings']);
          if (settings !== undefined) seen([settings], 'language', look);
          return original.apply(this, args);
        },
    );
  }
}

function lookingCall(prepare: AnyFunction, look: Look): AnyFunction {
  return function (this: unknown, ...args: unknown[]): unknown {
    const prepared = prepare.apply(this, args);
    return prepared instanceof Promise
      ? prepared.then((options: unknown) => seen([options], 'language', look)[0])
      : prepared;
  };
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

function runInOwnSpan(_resource: unknown, _options: unknown, call: () => unknown): NativeResult {
  const span = ownSpan();
  return { result: call(), span };
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
  // Spans of `@ai-sdk/otel`, for version 7.
  rivals: ['gen_ai'],
  native: { isOn: () => ownSpan() !== undefined, run: runInOwnSpan },
};
