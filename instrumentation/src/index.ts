import { ADAPTERS } from './adapters.ts';
import { SdkInstrumentation, type SdkInstrumentationConfig } from './instrumentation.ts';
import { noteRunning } from './running.ts';

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}

/** Names of the packages whose modules are watched. */
export const INSTRUMENTED_MODULES: readonly string[] = [
  ...new Set(ADAPTERS.flatMap((sdk) => [sdk.module, ...(sdk.hooks ?? []).map((hook) => hook.module)])),
];

/**
 * Files inside those packages that are watched too. A loader sees them by their URL alone, since the package imports
 * them by a path of its own.
 */
export const INSTRUMENTED_FILES: readonly RegExp[] = ADAPTERS.flatMap((sdk) =>
  (sdk.hooks ?? []).flatMap(({ module, files = [] }) =>
    files.map((file) => new RegExp(`/node_modules/${escaped(module)}/${escaped(file)}$`)),
  ),
);

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
