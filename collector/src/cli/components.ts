import { stringify } from 'yaml';
import type { ComponentKind, ComponentType } from '../pipeline/component.ts';
import type { CommandResult } from './validate.ts';

const KINDS: readonly ComponentKind[] = ['receiver', 'processor', 'exporter', 'extension'];

/** `spanmeter components`: what a configuration can name, as YAML. */
export function listComponents(version: string, registry: readonly ComponentType[]): CommandResult {
  const sections = KINDS.map((kind) => {
    const components = registry
      .filter((one) => one.kind === kind)
      .toSorted((a, b) => a.type.localeCompare(b.type));
    const entries = components.map(({ type, aliases, summary }) => ({
      name: type,
      ...(aliases === undefined || aliases.length === 0 ? {} : { deprecated_aliases: aliases }),
      summary,
    }));
    return [`${kind}s`, entries] as const;
  });
  const text = stringify(
    { spanmeter: version, ...Object.fromEntries(sections) },
    { lineWidth: 110 },
  ).trimEnd();
  return { text, exitCode: 0 };
}
