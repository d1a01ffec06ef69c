import { SpanKind, context } from '@opentelemetry/api';
import type { AdapterHost, AnyFunction } from '../../adapter.ts';
import { contextOfCall } from '../../attribution.ts';
import { fromApp } from '../../from-app.ts';
import { asObject, putString, type Json } from '../../json.ts';
import { ATTR_OPERATION } from '../../semconv.ts';
import type { ModelRole } from './model-kinds.ts';
import { inSpan, tellsItself, toolsWithSpans } from './tool-spans.ts';
import type { WatchedModels } from './watched-models.ts';
import { isPromise } from '../../promises.ts';

/** What the ways into the SDK have in common. */
export interface Look {
  readonly host: AdapterHost;
  readonly models: WatchedModels;
  /** Makes the models that are given by name. */
  readonly provider: () => unknown;
}

/** Wraps an exported function, so that the models and tools in its options are seen. */
export function wrapFunction(exports: object, name: string, role: ModelRole, look: Look): void {
  look.host.wrap(
    exports,
    name,
    (original) =>
      function (this: unknown, ...args: unknown[]): unknown {
        if (!look.host.isActive()) return original.apply(this, args);
        const given = withLook(args, role, look);
        const call = (): unknown => original.apply(this, given);
        const attributed = look.host.guard(() => contextOfCall(context.active(), args));
        const made =
          name === 'generateText' ? () => asAgent(asObject(args[0]), undefined, look.host, call) : call;
        return attributed === undefined ? made() : context.with(attributed, made);
      },
  );
}

/** The arguments that the SDK gets: with tools and a choice of models that are watched, where there are any. */
function withLook(args: unknown[], role: ModelRole, look: Look): unknown[] {
  const options = asObject(args[0]);
  if (options === undefined) return args;
  const given = fromApp(() => {
    const more = lookAt(options, role, look);
    return more === undefined ? args : [{ ...options, ...more }, ...args.slice(1)];
  });
  return given ?? args;
}

/** Looks at the model of a call; gives the options that take the place of the app's. */
function lookAt(options: Json, role: ModelRole, look: Look): Json | undefined {
  look.models.see(options['model'], role, look.provider());
  if (role !== 'language') return undefined;
  const more: Record<string, unknown> = {};
  const tools = toolsWithSpans(options, look.host);
  if (tools !== undefined) more['tools'] = tools;
  for (const name of ['prepareStep', 'experimental_prepareStep']) {
    const prepare = options[name];
    if (typeof prepare === 'function') more[name] = lookingStep(prepare as AnyFunction, look);
  }
  return Object.keys(more).length === 0 ? undefined : more;
}

/** `prepareStep` may choose another model for a step. */
function lookingStep(prepare: AnyFunction, look: Look): AnyFunction {
  const seeModel = (step: unknown): unknown => {
    fromApp(() => look.models.see(asObject(step)?.['model'], 'language', look.provider()));
    return step;
  };
  return function (this: unknown, ...args: unknown[]): unknown {
    const step = prepare.apply(this, args);
    return isPromise(step) ? step.then(seeModel) : seeModel(step);
  };
}

/** A call with tools may take several steps: they are told as one agent's, unless the app has the SDK tell them. */
function asAgent(options: Json | undefined, name: unknown, host: AdapterHost, call: () => unknown): unknown {
  const isAgent = fromApp(
    () => options !== undefined && asObject(options['tools']) !== undefined && !tellsItself(options),
  );
  if (isAgent !== true) return call();
  const attributes = { [ATTR_OPERATION]: 'invoke_agent' };
  putString(attributes, 'gen_ai.agent.name', name);
  const called = typeof name === 'string' && name !== '' ? `invoke_agent ${name}` : 'invoke_agent';
  return inSpan({ name: called, kind: SpanKind.INTERNAL, attributes }, host, call);
}

/** Wraps a function that gives a model which passes calls on to the one it is given. */
export function wrapWrapper(exports: object, name: string, role: ModelRole, look: Look): void {
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

/** Options by which all models of a provider get something of the app's around them. */
const MIDDLEWARE: Readonly<Record<string, ModelRole>> = {
  languageModelMiddleware: 'language',
  embeddingModelMiddleware: 'embedding',
  imageModelMiddleware: 'image',
};

/** Wraps a function that puts a provider around others, which `providersOf` finds in its arguments. */
export function wrapProviders(
  exports: object,
  name: string,
  look: Look,
  providersOf: (args: readonly unknown[]) => {
    readonly options: unknown;
    readonly inner: readonly unknown[];
  },
): void {
  look.host.wrap(
    exports,
    name,
    (original) =>
      function (this: unknown, ...args: unknown[]): unknown {
        const made = original.apply(this, args);
        fromApp(() => {
          const { options, inner } = providersOf(args);
          for (const [option, role] of Object.entries(MIDDLEWARE)) {
            if (asObject(options)?.[option] === undefined) continue;
            for (const each of inner) look.models.seeThroughProvider(each, made, role);
          }
        });
        return made;
      },
  );
}

/**
 * Wraps a class of agents, which call the SDK's functions from inside. Version 5 gives its settings to them as they
 * are, under the options of the call; later ones make all options in `prepareCall`, where the app may choose another
 * model.
 */
export function wrapAgent(agent: unknown, look: Look): void {
  const prototype: unknown = typeof agent === 'function' ? agent.prototype : undefined;
  if (typeof prototype !== 'object' || prototype === null) return;
  const prepares = 'prepareCall' in prototype;
  if (prepares) look.host.wrap(prototype, 'prepareCall', (original) => lookingCall(original, look));
  for (const name of ['generate', 'stream']) {
    look.host.wrap(
      prototype,
      name,
      (original) =>
        function (this: unknown, ...args: unknown[]): unknown {
          const settings = asObject(asObject(this)?.['settings']);
          if (settings === undefined || !look.host.isActive()) return original.apply(this, args);
          const more = prepares
            ? undefined
            : fromApp(() => lookAt({ ...settings, ...asObject(args[0]) }, 'language', look));
          const given = more === undefined ? args : [{ ...asObject(args[0]), ...more }, ...args.slice(1)];
          const call = (): unknown => original.apply(this, given);
          return name === 'generate' ? asAgent(settings, settings['id'], look.host, call) : call();
        },
    );
  }
}

function lookingCall(prepare: AnyFunction, look: Look): AnyFunction {
  return function (this: unknown, ...args: unknown[]): unknown {
    const prepared = prepare.apply(this, args);
    if (!isPromise(prepared)) return prepared;
    return prepared.then((options: unknown) => withLook([options], 'language', look)[0]);
  };
}
