import {
  trace,
  type Context,
  type Span,
  type SpanOptions,
  type Tracer,
  type TracerOptions,
  type TracerProvider,
} from '@opentelemetry/api';
import { sharedTracerProvider } from './shared-api.ts';

/**
 * A tracer provider for instrumentations that are there before any SDK: each span comes from the provider that
 * is registered when it starts. The API's own proxy follows only what its own copy of the API registers, and an
 * app's SDK may come with another.
 */
export class LateTracerProvider implements TracerProvider {
  getTracer(name: string, version?: string, options?: TracerOptions): Tracer {
    return new LateTracer((provider) => provider.getTracer(name, version, options));
  }
}

class LateTracer implements Tracer {
  readonly #get: (provider: TracerProvider) => Tracer;
  #provider: TracerProvider | undefined;
  #tracer: Tracer | undefined;

  constructor(get: (provider: TracerProvider) => Tracer) {
    this.#get = get;
  }

  startSpan(name: string, options?: SpanOptions, context?: Context): Span {
    return this.#current().startSpan(name, options, context);
  }

  startActiveSpan(...args: unknown[]): never {
    const tracer = this.#current() as unknown as { startActiveSpan(...args: unknown[]): never };
    return tracer.startActiveSpan(...args);
  }

  #current(): Tracer {
    const registered = sharedTracerProvider() ?? trace.getTracerProvider();
    const provider = (registered as { getDelegate?: () => TracerProvider }).getDelegate?.() ?? registered;
    if (this.#tracer === undefined || this.#provider !== provider) {
      this.#provider = provider;
      this.#tracer = this.#get(provider);
    }
    return this.#tracer;
  }
}
