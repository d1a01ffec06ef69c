import { metrics, trace, type Attributes, type MeterProvider, type Tracer } from '@opentelemetry/api';
import { CapturedContent } from './captured-content.ts';
import { Faults } from './faults.ts';
import { LateTracerProvider } from './late-tracer.ts';
import { clientMetrics, type ClientMetrics } from './metrics.ts';
import type { ObserverHost } from './observer.ts';
import { OpenCalls } from './open-calls.ts';
import { samplingRatioOf } from './sampling.ts';
import { SCOPE_NAME } from './scope.ts';
import { ATTR_SAMPLING_RATIO } from './semconv.ts';
import { sharedTracerProvider } from './shared-api.ts';
import { isSwitchedOff } from './switch.ts';
import { VERSION } from './version.ts';
import { vocabularyOf } from './vocabulary.ts';

/** Calls under way that are made without an SDK. */
export const MANUAL_CALLS: OpenCalls = new OpenCalls();

let provider: MeterProvider | undefined;
let client: ClientMetrics | undefined;
const FAULTS = new Faults('what observes calls without an SDK');
let switchedOff: boolean | undefined;

/** The metrics of whichever provider is the global one now. */
export function manualMetrics(): ClientMetrics {
  const current = metrics.getMeterProvider();
  if (client === undefined || provider !== current) {
    provider = current;
    client = clientMetrics(current.getMeter(SCOPE_NAME, VERSION), vocabulary());
  }
  return client;
}

function vocabulary(): ReturnType<typeof vocabularyOf> {
  return vocabularyOf(process.env['OTEL_SEMCONV_STABILITY_OPT_IN']);
}

/** False where `SPANMETER_ENABLED` turns everything off, or after too many faults. */
export function isManualActive(): boolean {
  return !(switchedOff ??= isSwitchedOff(process.env)) && !FAULTS.areTooMany;
}

function samplingAttributes(): Attributes | undefined {
  const ratio = samplingRatioOf(sharedTracerProvider() ?? trace.getTracerProvider());
  return ratio === undefined ? undefined : { [ATTR_SAMPLING_RATIO]: ratio };
}

/** Of whichever SDK the app has when a span starts. */
const TRACER: Tracer = new LateTracerProvider().getTracer(SCOPE_NAME, VERSION);

/** Observes calls that no instrumentation knows of, with the global tracer and meter providers. */
export const MANUAL_HOST: ObserverHost = {
  adapter: { module: 'metered', rivals: [] },
  get metrics() {
    return manualMetrics();
  },
  open: MANUAL_CALLS,
  get formerNames() {
    return vocabulary().formerNames;
  },
  // Prompts of calls that nobody knows the shape of are not captured.
  content: new CapturedContent({ onSpan: false, onEvent: false }, undefined, () => {
    throw new Error('no content is captured of these calls');
  }),
  tracer: () => TRACER,
  isActive: isManualActive,
  always: samplingAttributes,
  guard: (step) => FAULTS.guard(step),
  fault: (fault) => FAULTS.note(fault),
  noteSound: () => FAULTS.noteSound(),
};
