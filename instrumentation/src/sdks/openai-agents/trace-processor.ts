import { SpanKind, SpanStatusCode, context, trace, type Span } from '@opentelemetry/api';
import type { AdapterHost, SpanStart } from '../../adapter.ts';
import { asObject, type Json } from '../../json.ts';
import { ATTR_ERROR_TYPE, ATTR_OPERATION } from '../../semconv.ts';
import { noteGeneration } from './agent-models.ts';

/** Spans under way, after which the oldest are given up. */
const MAX_OPEN = 10_000;

/** The SDK's interface of what may follow its traces; all of it is called, so all of it is here. */
interface TracingProcessor {
  onTraceStart(trace: unknown): Promise<void>;
  onTraceEnd(trace: unknown): Promise<void>;
  onSpanStart(span: unknown): Promise<void>;
  onSpanEnd(span: unknown): Promise<void>;
  shutdown(timeout?: number): Promise<void>;
  forceFlush(): Promise<void>;
}

/** Trace providers that are followed: packages loaded twice share one. */
const followed = new WeakSet<object>();

/** Where the provider is for all copies of the packages (@openai/agents-core `tracing/provider`). */
const PROVIDER = Symbol.for('openai.agents.core.traceProvider');

const DONE = Promise.resolve();

/** Follows the SDK's traces for spans of agents and tools; what it sends where stays as it is. */
export function traceAgents(moduleExports: unknown, host: AdapterHost): void {
  const provide = asObject(moduleExports)?.['getGlobalTraceProvider'];
  const provider = asObject(
    typeof provide === 'function' ? Reflect.apply(provide, undefined, []) : Reflect.get(globalThis, PROVIDER),
  );
  const register = provider?.['registerProcessor'];
  if (provider === undefined || typeof register !== 'function' || followed.has(provider)) return;
  followed.add(provider);
  const processor = processorFor(host);
  Reflect.apply(register, provider, [processor]);
  // Apps replace all processors to keep traces from leaving; ours sends nothing and stays.
  host.wrap(
    provider,
    'setProcessors',
    (original) =>
      function (this: unknown, ...args: unknown[]): unknown {
        const [processors, ...rest] = args;
        const all = Array.isArray(processors) ? [...(processors as unknown[]), processor] : processors;
        return original.apply(this, [all, ...rest]);
      },
  );
}

function processorFor(host: AdapterHost): TracingProcessor {
  const spans = new OpenSpans();
  return {
    onTraceStart: () => DONE,
    onTraceEnd: () => DONE,
    onSpanStart: (span) => {
      if (host.isActive()) host.guard(() => start(spans, asObject(span), host));
      return DONE;
    },
    onSpanEnd: (span) => {
      host.guard(() => end(spans, asObject(span)));
      return DONE;
    },
    shutdown: () => DONE,
    forceFlush: () => DONE,
  };
}

function start(spans: OpenSpans, span: Json | undefined, host: AdapterHost): void {
  const id = span?.['spanId'];
  if (span === undefined || typeof id !== 'string') return;
  const parent = spans.get(span['parentId']);
  const wanted = startOf(asObject(span['spanData']) ?? {});
  // What is not told itself passes on the span that it is in.
  if (wanted === undefined) return spans.put(id, parent, false);
  const active = context.active();
  const around = parent === undefined ? active : trace.setSpan(active, parent);
  spans.put(
    id,
    context.with(around, () => host.startSpan(wanted)),
    true,
  );
}

function end(spans: OpenSpans, span: Json | undefined): void {
  const data = asObject(span?.['spanData']);
  if (data?.['type'] === 'generation') noteGeneration(context.active(), data['model']);
  const own = spans.take(span?.['spanId']);
  if (own === undefined) return;
  if (asObject(span?.['error']) !== undefined) {
    own.setAttribute(ATTR_ERROR_TYPE, '_OTHER').setStatus({ code: SpanStatusCode.ERROR });
  }
  if (data?.['type'] === 'guardrail')
    own.setAttribute('openai_agents.guardrail.triggered', data['triggered'] === true);
  if (data?.['type'] === 'handoff')
    own.setAttribute('openai_agents.handoff.to_agent', String(data['to_agent']));
  own.end();
}

/** What is told of the SDK's spans: requests, turns and tasks are not, since other spans have them. */
function startOf(data: Json): SpanStart | undefined {
  const name = typeof data['name'] === 'string' ? data['name'] : '';
  const kind = SpanKind.INTERNAL;
  switch (data['type']) {
    case 'agent':
      return {
        name: `invoke_agent ${name}`,
        kind,
        attributes: { [ATTR_OPERATION]: 'invoke_agent', 'gen_ai.agent.name': name },
      };
    case 'function':
      return {
        name: `execute_tool ${name}`,
        kind,
        attributes: {
          [ATTR_OPERATION]: 'execute_tool',
          'gen_ai.tool.name': name,
          'gen_ai.tool.type': 'function',
        },
      };
    case 'handoff':
      return {
        name: `handoff ${String(data['from_agent'])}`,
        kind,
        attributes: { 'openai_agents.handoff.from_agent': String(data['from_agent']) },
      };
    case 'guardrail':
      return { name: `guardrail ${name}`, kind, attributes: { 'openai_agents.guardrail.name': name } };
    default:
      return undefined;
  }
}

interface OpenSpan {
  readonly span: Span | undefined;
  readonly isOwn: boolean;
}

/** The SDK's spans by their ids, so that ours have the same parents. */
class OpenSpans {
  readonly #spans = new Map<string, OpenSpan>();

  get(id: unknown): Span | undefined {
    return typeof id === 'string' ? this.#spans.get(id)?.span : undefined;
  }

  put(id: string, span: Span | undefined, isOwn: boolean): void {
    this.#spans.set(id, { span, isOwn });
    if (this.#spans.size <= MAX_OPEN) return;
    const [oldest] = this.#spans.keys();
    this.take(oldest)?.end();
  }

  /** Takes a span out, and gives it where it is one of ours to end. */
  take(id: unknown): Span | undefined {
    if (typeof id !== 'string') return undefined;
    const open = this.#spans.get(id);
    this.#spans.delete(id);
    return open?.isOwn === true ? open.span : undefined;
  }
}
