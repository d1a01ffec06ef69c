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
