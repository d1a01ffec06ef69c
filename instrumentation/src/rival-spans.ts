import type { Context, Span } from '@opentelemetry/api';
import { asObject } from './json.ts';
import { ATTR_TOLD_ABOVE } from './semconv.ts';

/**
 * `ctx`, in which spans of the instrumentation scopes `rivals` are marked as telling of a call that is told above
 * them. Such a span is seen when its instrumentation makes it the active one right below ours. Nothing else of it
 * is changed: it is the app's.
 */
export function markRivals(ctx: Context, rivals: readonly string[]): Context {
  return rivals.length === 0 ? ctx : new RivalContext(ctx, rivals);
}

class RivalContext implements Context {
  readonly #inner: Context;
  readonly #rivals: readonly string[];

  constructor(inner: Context, rivals: readonly string[]) {
    this.#inner = inner;
    this.#rivals = rivals;
  }

  getValue(key: symbol): unknown {
    return this.#inner.getValue(key);
  }

  setValue(key: symbol, value: unknown): Context {
    const inner = this.#inner.setValue(key, value);
    const scope = asObject(asObject(value)?.['instrumentationScope'])?.['name'];
    if (typeof scope === 'string' && this.#rivals.includes(scope)) mark(value as Partial<Span>);
    return isSpan(value) ? inner : new RivalContext(inner, this.#rivals);
  }

  deleteValue(key: symbol): Context {
    return new RivalContext(this.#inner.deleteValue(key), this.#rivals);
  }
}

/** Below another span nothing is looked at any more: it may be a call of its own. */
function isSpan(value: unknown): boolean {
  return typeof asObject(value)?.['spanContext'] === 'function';
}

function mark(span: Partial<Span>): void {
  try {
    span.setAttribute?.(ATTR_TOLD_ABOVE, true);
  } catch {
    // A span of another's making: what it throws is nobody's concern.
  }
}
