import type { Attributes } from '@opentelemetry/api';
import type { CallKind, Operation, StreamReader } from './adapter.ts';
import { diagnostics } from './diagnostics.ts';
import { describeFault } from './faults.ts';
import { namedLike } from './hidden.ts';
import { MANUAL_HOST } from './manual-host.ts';
import { Observer } from './observer.ts';
import { serverOf } from './provider.ts';
import { putNumber, putString } from './json.ts';
import {
  ATTR_OPERATION,
  ATTR_PROVIDER,
  ATTR_REQUEST_MODEL,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
} from './semconv.ts';
import { TextSize } from './text-size.ts';
import { putCallUsage, type CallUsage } from './usage-attributes.ts';
import { isPromise } from './promises.ts';

/** How the calls of a function are told: who answers them, and what each used. */
export interface MeteredOptions<A extends readonly unknown[], V> {
  /** As the conventions name it: `openai`, `anthropic`, or a name of your own. */
  readonly provider: string;
  readonly model: string | ((...args: A) => string | undefined);
  /** `chat` where absent. */
  readonly operation?: Operation;
  /**
   * What a result tells of its usage. Of a stream (anything to iterate asynchronously) it is asked for every chunk,
   * and the latest figure of each name counts: figures that grow replace one another and are never added.
   */
  readonly usage?: (value: V) => CallUsage | undefined;
  /** Where requests go: `https://llm.example.com/v1`. */
  readonly url?: string;
  /** Further attributes, under their own names. */
  readonly attributes?: Attributes;
}

/** What `usage` is given: a chunk where the result is a stream, else the result itself. */
export type MeteredValue<R> = Awaited<R> extends AsyncIterable<infer Chunk> ? Chunk : Awaited<R>;

type Callable<A extends readonly unknown[], R> = (...args: A) => R;

/** A standard decorator of methods, whatever they take and give. */
export type MeteredDecorator = <This, A extends readonly unknown[], R>(
  method: (this: This, ...args: A) => R,
  about: ClassMethodDecoratorContext<This, (this: This, ...args: A) => R>,
) => (this: This, ...args: A) => R;

type AnyOptions = MeteredOptions<readonly never[], never>;

const observer = new Observer(MANUAL_HOST);

/**
 * Tells each call of a function as one call of a model: span, metrics, attribution and budgets as for SDKs. The
 * function, or the method where it is a decorator (`@metered({ … })`), gives what it gave before: the same values,
 * streams and errors. Where an instrumented SDK is called inside, that call is told and this one is not.
 */
export function metered<A extends readonly unknown[], R>(
  options: MeteredOptions<A, MeteredValue<R>>,
  fn: Callable<A, R>,
): Callable<A, R>;
export function metered<A extends readonly unknown[], V>(options: MeteredOptions<A, V>): MeteredDecorator;
export function metered(options: AnyOptions, fn?: Callable<readonly unknown[], unknown>): unknown {
  const kind = kindOf(options);
  if (fn !== undefined) return wrap(kind, fn);
  return (method: unknown, about: unknown): unknown => {
    if (typeof method === 'function' && (about as { kind?: unknown } | undefined)?.kind === 'method') {
      return wrap(kind, method as Callable<readonly unknown[], unknown>);
    }
    diagnostics.error('spanmeter: @metered is a standard decorator of methods; this one is not metered');
    return undefined;
  };
}

function wrap(kind: CallKind, fn: Callable<readonly unknown[], unknown>): unknown {
  const replacement = function (this: unknown, ...args: unknown[]): unknown {
    return observer.run(kind, this, args, (given) => Reflect.apply(fn, this, given));
  };
  return namedLike(replacement, fn);
}

function kindOf(options: AnyOptions): CallKind {
  const operation = options.operation ?? 'chat';
  const server = serverOf(options.url);
  const usage = options.usage as ((value: unknown) => CallUsage | undefined) | undefined;
  return {
    operation,
    // A framework's layer: its call is told at its end, unless an SDK inside has told of it.
    layer: true,
    body: (args) => args,
    request: (_resource, args) => {
      const attributes: Attributes = { ...options.attributes };
      attributes[ATTR_OPERATION] = operation;
      putString(attributes, ATTR_PROVIDER, options.provider);
      putString(attributes, ATTR_REQUEST_MODEL, modelOf(options, args as readonly never[]));
      putString(attributes, ATTR_SERVER_ADDRESS, server.address);
      putNumber(attributes, ATTR_SERVER_PORT, server.port);
      return attributes;
    },
    response: (result) => {
      const attributes: Attributes = {};
      const told = asked(() => usage?.(result));
      if (told !== undefined) putCallUsage(attributes, told);
      return attributes;
    },
    stream: () => new MeteredStream(usage),
  };
}

function modelOf({ model }: AnyOptions, args: readonly never[]): unknown {
  return typeof model === 'function' ? asked(() => model(...args)) : model;
}

class MeteredStream implements StreamReader {
  readonly #usage: ((chunk: unknown) => CallUsage | undefined) | undefined;
  #told: CallUsage = {};

  constructor(usage: ((chunk: unknown) => CallUsage | undefined) | undefined) {
    this.#usage = usage;
  }

  read(chunk: unknown): boolean {
    const told = asked(() => this.#usage?.(chunk));
    if (typeof told === 'object' && told !== null) {
      const known = Object.entries(told).filter(([, value]) => value !== undefined && value !== null);
      this.#told = { ...this.#told, ...(Object.fromEntries(known) as CallUsage) };
    }
    return true;
  }

  attributes(): Attributes {
    const attributes: Attributes = {};
    putCallUsage(attributes, this.#told);
    return attributes;
  }

  /** Not known, which is another thing than none: nobody knows the shape of these chunks. */
  received(): TextSize {
    const size = new TextSize();
    size.addAll(new Uint8Array());
    return size;
  }
}

let hasFailed = false;

/** Code of the app's that must not end its call; said once. */
function asked<T>(read: () => T): T | undefined {
  try {
    const value = read();
    if (!isPromise(value)) return value;
    // It comes too late; and what it rejects with must not end the process.
    value.catch(() => undefined);
    throw new TypeError('a promise is no usage');
  } catch (fault) {
    if (!hasFailed) {
      const what = 'the usage or the model of a metered call could not be read';
      diagnostics.error(`spanmeter: ${what}`, describeFault(fault));
    }
    hasFailed = true;
    return undefined;
  }
}
