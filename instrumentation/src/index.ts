export {
  INSTRUMENTED_FILES,
  INSTRUMENTED_MODULES,
  createInstrumentations,
} from './create-instrumentations.ts';
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
