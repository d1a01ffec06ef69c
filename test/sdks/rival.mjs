// What the setups of other instrumentations share: a tracer provider whose spans carry the scenario's name and go
// to the collector, and a tally of spans that were started and ended, since those that never end are never sent.
import { writeFileSync } from 'node:fs';
import { createRequire, register } from 'node:module';
import { AttributionSpanProcessor } from '@spanmeter/instrumentation';

/** Who the spans are for; the endpoint comes from the standard variables. */
export const RESOURCE = { 'service.name': 'sdk-lab', 'tenant.id': process.env.SDK_TENANT ?? 'sdk-lab' };

const NOWHERE = {
  onStart() {},
  onEnd() {},
  forceFlush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
};

class Tally {
  #features = {};

  #of(span) {
    return (this.#features[span.attributes['spanmeter.feature'] ?? ''] ??= { started: 0, ended: 0 });
  }

  onStart(span) {
    this.#of(span).started += 1;
  }

  onEnd(span) {
    this.#of(span).ended += 1;
  }

  forceFlush() {
    return Promise.resolve();
  }

  shutdown() {
    return Promise.resolve();
  }

  write(file) {
    writeFileSync(file, JSON.stringify(this.#features));
  }
}

/** The span processors of a run, the sending one last; they are shut down once the app has nothing left to do. */
export function processors(sending) {
  // What is measured is the instrumentation and the SDK's span, so spans are made and ended, and go nowhere.
  if (process.env.SDK_BENCH) return [NOWHERE];
  const tally = new Tally();
  let over = false;
  process.on('beforeExit', () => {
    if (over) return;
    over = true;
    void sending.shutdown();
  });
  process.on('exit', () => {
    if (process.env.SDK_TALLY) tally.write(process.env.SDK_TALLY);
  });
  return [new AttributionSpanProcessor(), tally, sending];
}

/** ES modules are seen through loader hooks, each package's from the very copy that it depends on. */
export function hookImports(setup, packages) {
  if (process.env.SDK_FORMAT !== 'esm') return;
  const require = createRequire(setup);
  const hooks = packages.map((name) =>
    createRequire(require.resolve(name)).resolve('@opentelemetry/instrumentation/hook.mjs'),
  );
  for (const hook of new Set(hooks)) register(hook, setup);
}
