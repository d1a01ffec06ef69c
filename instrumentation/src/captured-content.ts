import { context, createContextKey, trace, type Attributes, type Span } from '@opentelemetry/api';
import type { AnyValue, Logger } from '@opentelemetry/api-logs';
import { limitContent, type LimitedContent } from './content-limit.ts';
import type { ContentMode, ContentReader, Message } from './content.ts';
import { diagnostics } from './diagnostics.ts';
import { describeFault } from './faults.ts';
import { plainContent, type PlainContent } from './plain-content.ts';
import { redactModule, type RedactModule } from './redact-module.ts';
import {
  ATTR_CONTENT_TRUNCATED,
  ATTR_INPUT_MESSAGES,
  ATTR_OUTPUT_MESSAGES,
  ATTR_SYSTEM_INSTRUCTIONS,
  ATTR_TOOL_DEFINITIONS,
  EVENT_OPERATION_DETAILS,
} from './semconv.ts';
import { isPromise } from './promises.ts';

/** What may be captured, before it is written anywhere: copies, so that they may be changed. */
export interface ContentToRedact {
  readonly input: readonly Message[];
  readonly output: readonly Message[];
  readonly system: readonly unknown[];
  readonly tools: readonly unknown[];
}

/** Takes out what must not leave; undefined leaves all of it out. A fault in it leaves all of it out too. */
export type RedactContent = (content: ContentToRedact) => Partial<ContentToRedact> | undefined;

type Environment = Readonly<Record<string, string | undefined>>;

/** Bytes of UTF-8 that one attribute may have, where `SPANMETER_CONTENT_MAX_BYTES` does not say otherwise. */
export const DEFAULT_CONTENT_MAX_BYTES = 65_536;

/** Calls that a redactor makes, as of a model that finds names, are not shown to it: they would never end. */
const REDACTING = createContextKey('spanmeter.redacting');

/** The attribute of each part, and what stands for the items of it that had no place. */
const PLACES: Readonly<
  Record<keyof ContentToRedact, { readonly key: string; readonly leftOut: (count: number) => PlainContent }>
> = {
  system: { key: ATTR_SYSTEM_INSTRUCTIONS, leftOut: textPart },
  input: { key: ATTR_INPUT_MESSAGES, leftOut: (count) => ({ role: 'system', parts: [textPart(count)] }) },
  output: { key: ATTR_OUTPUT_MESSAGES, leftOut: (count) => ({ role: 'system', parts: [textPart(count)] }) },
  tools: { key: ATTR_TOOL_DEFINITIONS, leftOut: (count) => ({ type: 'left_out', name: notice(count) }) },
};

function notice(count: number): string {
  return `[${count} left out: too long]`;
}

function textPart(count: number): PlainContent {
  return { type: 'text', content: notice(count) };
}

/** Writes prompts and answers to spans and events, where that is switched on. */
export class CapturedContent {
  readonly #mode: ContentMode;
  readonly #redact: RedactContent | undefined;
  readonly #module: RedactModule | undefined;
  readonly #logger: () => Logger;
  readonly #maxSpanBytes: number;
  readonly #maxEventBytes: number;

  constructor(
    mode: ContentMode,
    redact: RedactContent | undefined,
    logger: () => Logger,
    env: Environment = process.env,
  ) {
    this.#mode = mode;
    this.#redact = redact;
    this.#logger = logger;
    const specifier = env['SPANMETER_REDACT_MODULE']?.trim();
    if (redact === undefined && specifier !== undefined && specifier !== '') {
      this.#module = redactModule(specifier);
    }
    const own = limitOf(env['SPANMETER_CONTENT_MAX_BYTES']) ?? DEFAULT_CONTENT_MAX_BYTES;
    const all = limitOf(env['OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT']) ?? own;
    const spans = limitOf(env['OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT']) ?? all;
    // The SDK would cut a longer attribute in the midst of its JSON.
    this.#maxSpanBytes = Math.min(own, spans);
    this.#maxEventBytes = Math.min(own, limitOf(env['OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT']) ?? all);
  }

  get isWanted(): boolean {
    return this.#mode.onSpan || this.#mode.onEvent;
  }

  /** A call begins: what its end will need is loaded. */
  prepare(): void {
    if (this.isWanted) this.#module?.load();
  }

  /** Never throws. `attributes` are those of the span, for the event; `output` reads what was answered. */
  tell(
    span: Span,
    attributes: Attributes,
    reader: ContentReader,
    body: unknown,
    output: () => readonly Message[],
  ): void {
    if (this.#module !== undefined && this.#module.redact === undefined) return;
    if (context.active().getValue(REDACTING) === true) return;
    const read = {
      system: contentOf(() => reader.system?.(body)),
      input: contentOf(() => reader.input(body)),
      output: contentOf(output),
      tools: contentOf(() => reader.tools?.(body)),
    };
    const content = this.#redacted(read);
    if (content === undefined) return;
    try {
      if (this.#mode.onSpan) span.setAttributes(spanAttributes(content, this.#maxSpanBytes));
      if (this.#mode.onEvent) this.#emit(span, attributes, content);
    } catch (fault) {
      sayOnce('content could not be written', fault);
    }
  }

  #redacted(content: ReadContent): ReadContent | undefined {
    const redact = this.#redact ?? this.#module?.redact;
    if (redact === undefined) return content;
    if (late.has(redact)) return undefined;
    try {
      const inside = context.active().setValue(REDACTING, true);
      const kept: unknown = context.with(inside, () => redact(content as unknown as ContentToRedact));
      if (isPromise(kept)) {
        late.add(redact);
        // Spans do not wait for it; and what it rejects with must not end the process.
        kept.catch(() => undefined);
        throw new TypeError('a redactor gives content, not a promise');
      }
      if (kept === undefined || kept === null) return undefined;
      const parts = Object.keys(PLACES) as (keyof ContentToRedact)[];
      return Object.fromEntries(
        parts.map((part) => [part, contentOf(() => (kept as Partial<ContentToRedact>)[part])]),
      ) as unknown as ReadContent;
    } catch (fault) {
      if (!failed.has(redact)) say('the redactor failed, so that no content is captured', fault);
      failed.add(redact);
      return undefined;
    }
  }

  #emit(span: Span, attributes: Attributes, content: ReadContent): void {
    const logger = this.#logger();
    const spanContext = trace.setSpan(context.active(), span);
    const about = { eventName: EVENT_OPERATION_DETAILS, context: spanContext };
    // Implementations of the API before 0.200 have no `enabled`.
    if ((logger.enabled as Logger['enabled'] | undefined)?.call(logger, about) === false) return;
    const told: Record<string, AnyValue> = { ...(attributes as Record<string, AnyValue>) };
    for (const [key, { items, truncated }] of limitedParts(content, this.#maxEventBytes)) {
      told[key] = items as AnyValue;
      if (truncated) told[ATTR_CONTENT_TRUNCATED] = true;
    }
    logger.emit({ ...about, attributes: told });
  }
}

type ReadContent = Readonly<Record<keyof ContentToRedact, readonly PlainContent[]>>;

/** A copy of what `read` gives; nothing where it fails or gives no list. */
function contentOf(read: () => unknown): readonly PlainContent[] {
  try {
    const copy = plainContent(read());
    return Array.isArray(copy) ? copy : [];
  } catch (fault) {
    sayOnce('content could not be read', fault);
    return [];
  }
}

function limitedParts(content: ReadContent, maxBytes: number): [string, LimitedContent][] {
  const parts: [string, LimitedContent][] = [];
  for (const [part, { key, leftOut }] of Object.entries(PLACES)) {
    const items = content[part as keyof ContentToRedact];
    const limited = items.length === 0 ? undefined : limitContent(items, maxBytes, leftOut);
    if (limited !== undefined) parts.push([key, limited]);
  }
  return parts;
}

function spanAttributes(content: ReadContent, maxBytes: number): Attributes {
  const attributes: Attributes = {};
  for (const [key, { json, truncated }] of limitedParts(content, maxBytes)) {
    attributes[key] = json;
    if (truncated) attributes[ATTR_CONTENT_TRUNCATED] = true;
  }
  return attributes;
}

function limitOf(value: string | undefined): number | undefined {
  if (value === undefined || value.trim() === '') return undefined;
  const limit = Number(value);
  return Number.isInteger(limit) && limit >= 0 ? limit : undefined;
}

/** Redactors that gave a promise: they are not asked again, for what nobody waits for. */
const late = new WeakSet<RedactContent>();
/** Redactors that failed, which is said once of each, whichever SDKs share it. */
const failed = new WeakSet<RedactContent>();
const said = new Set<string>();

function sayOnce(what: string, fault: unknown): void {
  if (said.has(what)) return;
  said.add(what);
  say(what, fault);
}

function say(what: string, fault: unknown): void {
  diagnostics.error(`spanmeter: ${what}`, describeFault(fault));
}
