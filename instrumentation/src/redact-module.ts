import { isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { RedactContent } from './captured-content.ts';
import { diagnostics } from './diagnostics.ts';

/** A redactor that is a module of the app's: not asked for, on its way, here, or broken. */
export interface RedactModule {
  /** Begins to load it, once. */
  load(): void;
  /** Undefined until it is here; then nothing may be captured. */
  readonly redact: RedactContent | undefined;
}

const loaded = new Map<string, RedactModule>();

/**
 * The redactor that `SPANMETER_REDACT_MODULE` names: a file, relative to the working directory, or a package; its
 * default export or one named `redact`. Loaded with the first call, one time for all SDKs.
 */
export function redactModule(specifier: string): RedactModule {
  const known = loaded.get(specifier);
  if (known !== undefined) return known;
  let redact: RedactContent | undefined;
  let isLoading = false;
  const module: RedactModule = {
    load() {
      if (isLoading) return;
      isLoading = true;
      importRedactor(specifier).then(
        (found) => {
          redact = found;
        },
        (fault: unknown) =>
          diagnostics.error(`spanmeter: no content is captured: ${specifier} has no redactor`, fault),
      );
    },
    get redact() {
      return redact;
    },
  };
  loaded.set(specifier, module);
  return module;
}

async function importRedactor(specifier: string): Promise<RedactContent> {
  const isFile = specifier.startsWith('.') || isAbsolute(specifier);
  const found = (await import(isFile ? pathToFileURL(resolve(specifier)).href : specifier)) as {
    redact?: unknown;
    default?: unknown;
  };
  // The exports of a CommonJS module are its default.
  const inner = found.default as { redact?: unknown } | null | undefined;
  for (const candidate of [found.redact, found.default, inner?.redact]) {
    if (typeof candidate === 'function') return candidate as RedactContent;
  }
  throw new TypeError('it exports no function named redact, and none by default');
}
