import { metrics, trace } from '@opentelemetry/api';
import { logs } from '@opentelemetry/api-logs';
import { CLOCK } from './clock.ts';
import { sharedTracerProvider } from './shared-api.ts';
import { MAX_TIMER_MS } from './timer-limit.ts';

const FLUSH_MS = 2000;

interface Flushable {
  getDelegate?: () => unknown;
  forceFlush?: () => Promise<unknown>;
}

/**
 * Sends what has ended so far, and resolves when it is sent, cannot be, or `timeoutMs` is over; never rejects. For
 * places where the process may stop without notice, such as the end of an AWS Lambda handler. Works with the SDK
 * that `register` started and with the app's own.
 */
export async function flush(timeoutMs: number = FLUSH_MS): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = CLOCK.setTimeout(resolve, Math.min(timeoutMs, MAX_TIMER_MS));
  });
  // The app's SDK may have come with a copy of the API that ours cannot read.
  const tracerProvider = sharedTracerProvider() ?? trace.getTracerProvider();
  const others = [metrics.getMeterProvider(), logs.getLoggerProvider()];
  const providers = [tracerProvider, ...others] as Flushable[];
  await Promise.race([Promise.allSettled(providers.map(forceFlush)), deadline]);
  CLOCK.clearTimeout(timer);
}

async function forceFlush(provider: Flushable): Promise<void> {
  const actual = (provider.getDelegate?.() ?? provider) as Flushable;
  await actual.forceFlush?.();
}
