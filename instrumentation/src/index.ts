import type { InstrumentationConfig } from '@opentelemetry/instrumentation';
import type { SdkAdapter } from './adapter.ts';
import { SdkInstrumentation } from './instrumentation.ts';
import { anthropic } from './sdks/anthropic.ts';
import { openai } from './sdks/openai.ts';

/** Every SDK that is instrumented, one line each. */
const ADAPTERS: readonly SdkAdapter[] = [openai, anthropic];

/** Package names of the instrumented SDKs. */
export const INSTRUMENTED_MODULES: readonly string[] = ADAPTERS.map((adapter) => adapter.module);

/** One instrumentation per SDK, for the `instrumentations` of an OpenTelemetry SDK. */
export function createInstrumentations(config: InstrumentationConfig = {}): SdkInstrumentation[] {
  return ADAPTERS.map((adapter) => new SdkInstrumentation(adapter, config));
}

export { flush } from './flush.ts';
export { SdkInstrumentation } from './instrumentation.ts';
export { AttributionSpanProcessor, withAttribution, type Attribution } from './attribution.ts';
export { recordCall, type RecordedCall } from './record-call.ts';
