import { ADAPTERS } from './adapters.ts';
import { SdkInstrumentation, type SdkInstrumentationConfig } from './instrumentation.ts';
import { noteRunning } from './running.ts';

/** Names of the packages whose modules are watched. */
export const INSTRUMENTED_MODULES: readonly string[] = [
  ...new Set(ADAPTERS.flatMap((sdk) => [sdk.module, ...(sdk.hooks ?? []).map((hook) => hook.module)])),
];

/** One instrumentation per SDK, for the `instrumentations` of an OpenTelemetry SDK. */
export function createInstrumentations(config: SdkInstrumentationConfig = {}): SdkInstrumentation[] {
  const made = ADAPTERS.map((adapter) => new SdkInstrumentation(adapter, config));
  noteRunning(made);
  return made;
}

export { flush } from './flush.ts';
export { SdkInstrumentation, type SdkInstrumentationConfig } from './instrumentation.ts';
export { AttributionSpanProcessor, attributed, withAttribution, type Attribution } from './attribution.ts';
export { BudgetExceededError, BudgetUnknownError, type SpentBudget } from './budget-error.ts';
export { type ContentToRedact, type RedactContent } from './captured-content.ts';
export { type Message, type Part } from './content.ts';
export { instrument } from './instrument.ts';
export { metered, type MeteredDecorator, type MeteredOptions, type MeteredValue } from './metered.ts';
export { recordCall, type RecordedCall } from './record-call.ts';
export { startBudgetGuard, type BudgetGuard, type BudgetGuardOptions } from './start-budget-guard.ts';
export { type CallUsage } from './usage-attributes.ts';
