import type { Attributes, Span } from '@opentelemetry/api';
import type { TextSize } from './text-size.ts';

export type Operation = 'chat' | 'embeddings';

/** Reads one stream's chunks, each as the SDK hands it to the app. Keeps counts, never content. */
export interface StreamReader {
  /** Returns true for a chunk that carries output, so that the first one can be timed. */
  read(chunk: unknown): boolean;
  /** What is known so far, complete or not. */
  attributes(): Attributes;
  /** How much text has arrived so far. */
  received(): TextSize;
}

/** One SDK method that makes an LLM call and returns the SDK's promise. */
export interface Method {
  /** Finds the prototype that holds the method in the module's exports; undefined where a version lacks it. */
  readonly owner: (moduleExports: unknown) => object | undefined;
  readonly name: string;
  readonly operation: Operation;
  /** Attributes known before the request leaves; samplers see them. `resource` is the method's `this`. */
  readonly request: (resource: unknown, body: unknown) => Attributes;
  /** Attributes of a parsed response. */
  readonly response: (body: unknown) => Attributes;
  readonly stream: () => StreamReader;
  /** How much text a request holds; asked for only where the provider told no input tokens. */
  readonly requestSize: (body: unknown) => TextSize;
  /** How much text a response holds; asked for only where it told no output tokens. */
  readonly responseSize?: (body: unknown) => TextSize;
}

/** What a call of an SDK with spans of its own did: the result, and that span, if one was started. */
export interface NativeResult {
  readonly result: unknown;
  readonly span: Span | undefined;
}

/** Everything this package knows of one SDK. Adding an SDK is one such object and one line in `index.ts`. */
export interface SdkAdapter {
  /** Package name, as apps import it. */
  readonly module: string;
  /** Bounded semver ranges. */
  readonly versions: readonly string[];
  readonly methods: readonly Method[];
  /** Scope names of other instrumentations of this SDK: under their spans this one steps back. */
  readonly rivals: readonly string[];
  /**
   * For SDKs that emit spans themselves: whether this instance will (then no second span is started), and
   * a way to run the call and learn which span it started.
   */
  readonly native?: {
    readonly isOn: (resource: unknown) => boolean;
    readonly run: (resource: unknown, options: unknown, call: () => unknown) => NativeResult;
  };
}
