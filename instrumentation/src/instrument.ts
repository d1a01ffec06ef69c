import type { SdkAdapter } from './adapter.ts';
import { ADAPTERS } from './adapters.ts';
import { diagnostics } from './diagnostics.ts';
import { SdkInstrumentation } from './instrumentation.ts';
import { LateTracerProvider } from './late-tracer.ts';
import { noteRunning, runningFor } from './running.ts';
import { isSwitchedOff } from './switch.ts';

/**
 * Instruments the SDK of `client`, for apps whose bundler hides its module from Node: a client, its class, or the
 * exports of the SDK. All clients of the class are instrumented, once, however often this is called. `sdk` says which
 * SDK it is where that cannot be told: `openai`, `anthropic`. Returns `client`; never throws.
 */
export function instrument<T>(client: T, sdk?: string): T {
  if (isSwitchedOff(process.env)) return client;
  try {
    const candidates = sdk === undefined ? ADAPTERS : ADAPTERS.filter((adapter) => isNamed(adapter, sdk));
    for (const adapter of candidates) {
      const moduleExports = exportsIn(adapter, client);
      if (moduleExports === undefined) continue;
      instrumentationOf(adapter).manuallyInstrument(moduleExports);
      return client;
    }
    const which = sdk === undefined ? 'any SDK that is known' : sdk;
    diagnostics.warn(
      `spanmeter: instrument() was given something that is not of ${which}; nothing is instrumented`,
    );
  } catch (fault) {
    diagnostics.error('spanmeter: instrument() failed; nothing is instrumented', fault);
  }
  return client;
}

/** By package name, or by what is special in it: `anthropic` of `@anthropic-ai/sdk`. */
function isNamed({ module }: SdkAdapter, sdk: string): boolean {
  return module === sdk || module.split(/[@/-]/).includes(sdk);
}

/** The exports that an adapter patches, as far as `value` is of its SDK. */
function exportsIn(adapter: SdkAdapter, value: unknown): unknown {
  try {
    return holdsMethods(adapter, value) ? value : adapter.exportsOf?.(value);
  } catch {
    // Something else, whose getters throw.
    return undefined;
  }
}

function holdsMethods(adapter: SdkAdapter, value: unknown): boolean {
  return adapter.methods.some(({ owner, name }) => {
    const holder = owner(value) as Record<string, unknown> | undefined;
    return typeof holder?.[name] === 'function';
  });
}

function instrumentationOf(adapter: SdkAdapter): SdkInstrumentation {
  const found = runningFor(adapter.module);
  if (found !== undefined) return found;
  const made = new SdkInstrumentation(adapter);
  made.setTracerProvider(new LateTracerProvider());
  noteRunning([made]);
  return made;
}
