// Preload: the instrumentation under a tracer provider whose spans go nowhere, with a tally of them.
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';

// After the imports above: loader hooks see only what is loaded later.
await import('@spanmeter/instrumentation/hook');

const tally = { started: 0, ended: 0 };
globalThis[Symbol.for('spanmeter.bench.tally')] = tally;
const provider = new NodeTracerProvider({
  spanProcessors: [
    {
      onStart() {
        tally.started += 1;
      },
      onEnd() {
        tally.ended += 1;
      },
      forceFlush: () => Promise.resolve(),
      shutdown: () => Promise.resolve(),
    },
  ],
});
provider.register();
