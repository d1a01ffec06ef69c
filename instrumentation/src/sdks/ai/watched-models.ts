import type { AdapterHost, AnyFunction, CallKind, Method } from '../../adapter.ts';
import { canHide } from '../../hidden.ts';
import { asObject } from '../../json.ts';
import { batchResultsKind } from './batch-results.ts';
import { MODEL_METHODS, type ModelMethod, type ModelRole } from './model-kinds.ts';
import { tellingOthers } from './model-others.ts';

/** What a provider makes of a model's name, by what the model is for. */
const FACTORIES: Readonly<Record<ModelRole, readonly string[]>> = {
  language: ['languageModel'],
  embedding: ['embeddingModel', 'textEmbeddingModel'],
  image: ['imageModel'],
  speech: ['speechModel'],
  transcription: ['transcriptionModel'],
  reranking: ['rerankingModel'],
  decision: ['decisionModel', 'evaluationModel'],
  extraction: ['extractionModel'],
};

/**
 * Finds the models that an app uses and wraps their classes' methods, once each: every function and agent of the
 * SDK goes through them, each attempt and each step once, and what they give is what the provider said.
 */
export class WatchedModels {
  readonly #host: AdapterHost;
  /** Wrapped around models that are watched themselves: telling of both would count an answer from a cache. */
  readonly #seenThrough = new WeakSet<object>();
  /** Which methods of which prototypes are wrapped; false where that could not be done. */
  #known: WeakMap<object, Map<string, boolean>> | undefined;

  /** Whether the model that a provider made last is watched. */
  #madeWatched = false;

  constructor(host: AdapterHost) {
    this.#host = host;
  }

  /** Watches a model of a provider's package, which asks its provider itself: what is asked inside is the app's. */
  seePackaged(model: unknown, role: ModelRole): void {
    const object = asObject(model);
    if (object === undefined) return;
    for (const method of MODEL_METHODS[role]) this.#watch(object, method, true);
  }

  /** Watches a model, or where it is a name, those that `provider` makes. True if its calls will be told. */
  see(model: unknown, role: ModelRole, provider?: unknown): boolean {
    if (typeof model === 'string') return this.#seeProvider(provider, role);
    const object = asObject(model);
    if (object === undefined) return false;
    if (this.#seenThrough.has(object)) return true;
    let watched = false;
    for (const method of MODEL_METHODS[role]) watched = this.#watch(object, method) || watched;
    return watched;
  }

  /** Watches what gives the results of batches. */
  seeBatch(batch: unknown): void {
    const name = 'doGetBatchResults';
    const owner = ownerOf(batch, name);
    if (owner === undefined || !canHide(owner, name)) return;
    this.#host.wrapMethod(owner, name, (resource) => batchResultsKind(resource, this.#host));
  }

  /**
   * Makes `provider`'s models known, and looks through those that `made` gives for them with something of the app's in
   * between, such as a cache: `made` is a provider around `provider`.
   */
  seeThroughProvider(provider: unknown, made: unknown, role: ModelRole): void {
    this.#seeProvider(provider, role);
    for (const name of FACTORIES[role]) {
      const owner = ownerOf(made, name);
      if (owner === undefined || !canHide(owner, name)) continue;
      this.#host.wrap(owner, name, (original) => this.#lookingThrough(original));
    }
  }

  #lookingThrough(original: AnyFunction): AnyFunction {
    const begin = (): void => {
      this.#madeWatched = false;
    };
    const look = (model: unknown): void => {
      if (this.#madeWatched) this.seeThrough(model);
    };
    return function (this: unknown, ...args: unknown[]): unknown {
      begin();
      const model = original.apply(this, args);
      look(model);
      return model;
    };
  }

  /** What `model` makes of a watched one. */
  seeThrough(model: unknown): void {
    const object = asObject(model);
    if (object !== undefined) this.#seenThrough.add(object);
  }

  #watch(model: object, method: ModelMethod, isPackaged = false): boolean {
    const owner = ownerOf(model, method.name);
    if (owner === undefined) return false;
    const known = this.#knownOf(owner);
    const before = known.get(method.name);
    if (before !== undefined) return before;
    const wrapped =
      canHide(owner, method.name) &&
      this.#host.wrapMethod(
        owner,
        method.name,
        kindOf(method, owner === model ? 'plain' : isPackaged ? 'packaged' : 'own', this.#host),
      );
    known.set(method.name, wrapped);
    return wrapped;
  }

  #knownOf(owner: object): Map<string, boolean> {
    if (this.#known === undefined) {
      this.#known = new WeakMap();
      this.#host.onDisable(() => (this.#known = undefined));
    }
    const known = this.#known.get(owner) ?? new Map<string, boolean>();
    this.#known.set(owner, known);
    return known;
  }

  /** The SDK resolves names by the global provider, each time anew. */
  #seeProvider(provider: unknown, role: ModelRole): boolean {
    if (provider === undefined || provider === null) return false;
    for (const name of FACTORIES[role]) {
      const owner = ownerOf(provider, name);
      if (owner === undefined || !canHide(owner, name)) continue;
      const seen = (model: unknown): void => {
        this.#madeWatched = this.#host.guard(() => this.see(model, role)) === true;
      };
      this.#host.wrap(
        owner,
        name,
        (original) =>
          function (this: unknown, ...args: unknown[]): unknown {
            const model = original.apply(this, args);
            seen(model);
            return model;
          },
      );
    }
    return true;
  }
}

const byHost = new WeakMap<AdapterHost, WatchedModels>();

/** The models that one instrumentation watches, however many modules it finds them in. */
export function watchedModels(host: AdapterHost): WatchedModels {
  const known = byHost.get(host) ?? new WatchedModels(host);
  byHost.set(host, known);
  return known;
}

/** The object that has the method as its own: a class's prototype, or the model where it is a plain object. */
function ownerOf(model: unknown, name: string): object | undefined {
  const isObject = typeof model === 'object' || typeof model === 'function';
  for (
    let each = isObject ? model : null;
    each !== null;
    each = Object.getPrototypeOf(each) as object | null
  ) {
    if (Object.hasOwn(each, name)) return each;
  }
  return undefined;
}

/** An object with methods of its own, of a class of a provider's package, or of another class. */
type Made = 'plain' | 'packaged' | 'own';

/**
 * A plain object is most often one that passes calls on to another model, which is told where it is known; only
 * where nothing inside was, the object itself is. Models of a class ask their provider themselves, but for those that
 * try one model after the other (`ai-fallback`, `ai-retry`).
 */
function kindOf({ kind }: ModelMethod, made: Made, host: AdapterHost): Method['kind'] {
  return (resource): CallKind =>
    made === 'plain'
      ? { ...kind(resource), layer: true }
      : { ...tellingOthers(kind(resource), resource, host), mayPassOn: made === 'own' };
}
