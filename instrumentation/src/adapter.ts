import type { Attributes, Span, SpanKind } from '@opentelemetry/api';
import type { ContentReader, Message } from './content.ts';
import type { ObservedCall } from './call.ts';
import type { TextSize } from './text-size.ts';

/** What a call asks a model for, or what an agent framework does: `gen_ai.operation.name`. */
export type Operation =
  // Requests that somebody pays for.
  | 'chat'
  | 'text_completion'
  | 'generate_content'
  | 'embeddings'
  | 'rerank'
  | 'image_generation'
  | 'speech'
  | 'transcription'
  | 'translation'
  | 'moderation'
  | 'ocr'
  // Everything else.
  | 'count_tokens'
  | 'fetch_response'
  | 'create_agent'
  | 'invoke_agent'
  | 'invoke_workflow'
  | 'execute_tool'
  | 'retrieval';

/** Reads one stream's chunks, each as the SDK hands it to the app. Keeps counts; content only where asked to. */
export interface StreamReader {
  /** Returns true for a chunk that carries output, so that the first one can be timed. */
  read(chunk: unknown): boolean;
  /** What is known so far, complete or not. */
  attributes(): Attributes;
  /** How much text has arrived so far. */
  received(): TextSize;
  /** What failed, where the provider says so in a chunk and the stream ends as if all were well. */
  failure?(): unknown;
  /** True for a chunk that exists only because we asked for it (`CallKind.ask`): the app never sees it. */
  hides?(chunk: unknown): boolean;
  /** The messages so far; asked for only where content is captured. */
  messages?(): readonly Message[];
}

/** One kind of call, whichever method makes it: how its request, its response and its stream are read. */
export interface CallKind {
  readonly operation: Operation;
  /** Which argument holds the parameters; the first where absent. */
  readonly body?: (args: readonly unknown[], resource: unknown) => unknown;
  /** Attributes known before the request leaves; samplers see them. `resource` is the method's `this`. */
  readonly request: (resource: unknown, body: unknown) => Attributes;
  /** Attributes of a parsed response. */
  readonly response: (response: unknown, body: unknown) => Attributes;
  /** What an answered request is charged for by what it asked, however the app reads the answer. */
  readonly charged?: (body: unknown) => Attributes;
  /** What an error tells that the call had used before it. */
  readonly spent?: (error: unknown, body: unknown) => Attributes;
  /**
   * Reads a streamed response; `capture` says whether content is wanted, `asked` whether `ask` has changed the
   * request. Absent: what comes is never a stream.
   */
  readonly stream?: (capture: boolean, asked: boolean) => StreamReader;
  /** The stream in a resolved value, where it is not the value itself. */
  readonly streamOf?: (value: unknown) => unknown;
  /** How much text a request holds; asked for only where the provider told no input tokens. */
  readonly requestSize?: (body: unknown) => TextSize;
  /** How much text a response holds; asked for only where it told no output tokens. */
  readonly responseSize?: (response: unknown) => TextSize;
  /** Reads prompts and answers; used only where capturing content is switched on. */
  readonly content?: ContentReader;
  /**
   * Changes the request so that a stream tells its usage, where `SPANMETER_STREAM_USAGE` allows it: the new
   * arguments (never the app's own objects changed in place), or undefined where nothing has to be asked for.
   */
  readonly ask?: (args: readonly unknown[]) => unknown[] | undefined;
  /**
   * Watches a result of a shape that `watchResult` does not know; gives what the app gets, which has to look the
   * same. Undefined leaves it to `watchResult`.
   */
  readonly watch?: (result: unknown, call: ObservedCall) => unknown;
  /** `CLIENT` where absent. */
  readonly spanKind?: SpanKind;
  /** `{operation} {request model}` where absent. */
  readonly spanName?: (attributes: Attributes) => string;
  /**
   * A framework's layer over SDKs that may be instrumented themselves: its span is made only at the end, and only
   * where no instrumented call inside has told of the same request.
   */
  readonly layer?: boolean;
  /**
   * The resource may be a model around others, each of which may answer or not: where one of them is asked inside,
   * it tells what it used, and this call tells of no request.
   */
  readonly mayPassOn?: boolean;
  /** False for what is no request to a model: it is left out of the client metrics. True where absent. */
  readonly measured?: boolean;
}

/** One method of an SDK. */
export interface Method {
  /** Finds the prototype that holds the method in the module's exports; undefined where a version lacks it. */
  readonly owner: (moduleExports: unknown) => object | undefined;
  readonly name: string;
  /** What a call is; undefined leaves that call alone. */
  readonly kind: CallKind | ((resource: unknown, args: readonly unknown[]) => CallKind | undefined);
}

/** What a call of an SDK with spans of its own did: the result, and that span, if one was started. */
export interface NativeResult {
  readonly result: unknown;
  readonly span: Span | undefined;
}

/** A function as it is found in a module of unknown types. */
export type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

/** A span of something that is no request to a model: an agent, a tool, a workflow. */
export interface SpanStart {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
}

/** What an adapter that has to do more than wrap methods can ask of its instrumentation. */
export interface AdapterHost {
  /**
   * Replaces `owner[name]` until the instrumentation is disabled. `make` gets the original and gives the
   * replacement, which has to call it exactly once, also when the instrumentation is off. False where it is absent,
   * ours already, or another instrumentation's.
   */
  wrap(owner: object, name: string, make: (original: AnyFunction) => AnyFunction): boolean;
  /** Wraps a method whose calls are of `kind`. */
  wrapMethod(owner: object, name: string, kind: Method['kind']): boolean;
  /** Runs `original` as one observed call and gives what the app gets. */
  run(
    kind: CallKind,
    resource: unknown,
    args: readonly unknown[],
    original: (args: readonly unknown[]) => unknown,
  ): unknown;
  /** Starts a span with the attribution of the active context; undefined where tracing is off or suppressed. */
  startSpan(start: SpanStart): Span | undefined;
  /** Runs instrumentation code; a fault in it is noted, as `Faults` does, and gives undefined. */
  guard<T>(step: () => T): T | undefined;
  /** False once disabled, or after too many faults. */
  isActive(): boolean;
  /** Called when the instrumentation is disabled, in reverse order. */
  onDisable(undo: () => void): void;
}

/** What is known beforehand of a model that the one that was asked has asked in turn. */
export type Beside = (operation: Operation, model: unknown) => Attributes;

/** A module, or a file inside a package, that an adapter has to reach besides its main one. */
export interface ModuleHook {
  /** As apps import it: a package, or an entry point of one (`@langchain/core/tools`). */
  readonly module: string;
  readonly versions: readonly string[];
  /**
   * For an entry point: the files of the package that hold it in CommonJS (`dist/tools/index.cjs`), which may load
   * them by a path of its own before an app does by the entry point's name.
   */
  readonly requireFiles?: readonly string[];
  /** A file inside the package, without which the hook is for the main module: `dist/tracer.js`. */
  readonly files?: readonly string[];
  /** May give other exports in place of those it got. */
  readonly patch: (moduleExports: unknown, host: AdapterHost) => unknown;
}

/** Everything this package knows of one SDK. Adding an SDK is one such object and one line in `adapters.ts`. */
export interface SdkAdapter {
  /** Package name, as apps import it. */
  readonly module: string;
  /** Bounded semver ranges. */
  readonly versions: readonly string[];
  readonly methods: readonly Method[];
  /** Where the main module needs more than methods wrapped. May give other exports in place of those it got. */
  readonly patch?: (moduleExports: unknown, host: AdapterHost) => unknown;
  /** Further modules and files. */
  readonly hooks?: readonly ModuleHook[];
  /** Without a module: a diagnostics channel or a registry, set up when the instrumentation is enabled. */
  readonly activate?: (host: AdapterHost) => void;
  /** Scope names of other instrumentations of this SDK: under their spans this one steps back. */
  readonly rivals: readonly string[];
  /** The method of the client that makes another attempt, so that attempts can be counted. */
  readonly retries?: {
    readonly owner: (moduleExports: unknown) => object | undefined;
    readonly name: string;
  };
  /** The method of the client that every request goes through, so that none takes the app's baggage along. */
  readonly requests?: {
    readonly owner: (moduleExports: unknown) => object | undefined;
    readonly name: string;
  };
  /**
   * For apps whose bundler hides the module: the module's exports, as far as `methods` need them, from a client or
   * its class; undefined where it is not of this SDK.
   */
  readonly exportsOf?: (client: unknown) => unknown;
  /**
   * For SDKs that emit spans themselves: whether this instance will (then no second span is started), and a way to
   * run the call and learn which span it started.
   */
  readonly native?: {
    readonly isOn: (resource: unknown) => boolean;
    readonly run: (resource: unknown, options: unknown, call: () => unknown) => NativeResult;
  };
}
