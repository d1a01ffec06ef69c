import { ADAPTERS } from './adapters.ts';
import { SdkInstrumentation, type SdkInstrumentationConfig } from './instrumentation.ts';

/** Names of the packages whose modules are watched. */
export const INSTRUMENTED_MODULES: readonly string[] = [
  ...new Set(ADAPTERS.flatMap((sdk) => [sdk.module, ...(sdk.hooks ?? []).map((hook) => hook.module)])),
];

/** One instrumentation per SDK, for the `instrumentations` of an OpenTelemetry SDK. */
export function createInstrumentations(config: SdkInstrumentationConfig = {}): SdkInstrumentation[] {
  return ADAPTERS.map((adapter) => new SdkInstrumentation(adapter, config));
}

export { flush } from './flush.ts';
export { SdkInstrumentation, type SdkInstrumentationConfig } from './instrumentation.ts';
export { AttributionSpanProcessor, attributed, withAttribution, type Attribution } from './attribution.ts';
export { recordCall, type RecordedCall } from './record-call.ts';
