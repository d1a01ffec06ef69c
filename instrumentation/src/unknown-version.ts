import { InstrumentationNodeModuleDefinition } from '@opentelemetry/instrumentation';
import { diagnostics } from './diagnostics.ts';

const told = new Set<string>();

/** Says, once for each version in a process, that an SDK is left alone since its version is not known. */
export function tellUnknownVersion(
  module: string,
  version: string | undefined,
  ranges: readonly string[],
): void {
  const name = `${module}@${version ?? 'unknown'}`;
  if (told.has(name)) return;
  told.add(name);
  diagnostics.warn(`spanmeter: ${name} is not instrumented; known versions: ${ranges.join(' || ')}`);
}

/**
 * A definition that patches nothing and tells of versions that no other one has patched. Hooks run in the order
 * of an instrumentation's definitions, so it comes after those; `isPatched` says which versions they took.
 */
export function unknownVersionDefinition(
  module: string,
  ranges: readonly string[],
  isPatched: (version: string | undefined) => boolean,
): InstrumentationNodeModuleDefinition {
  const tell = (moduleExports: unknown, version?: string): unknown => {
    if (!isPatched(version)) tellUnknownVersion(module, version, ranges);
    return moduleExports;
  };
  const definition = new InstrumentationNodeModuleDefinition(module, ['*'], tell);
  // The base class reads it, its type lacks it: prereleases are versions, too.
  return Object.assign(definition, { includePrerelease: true });
}
