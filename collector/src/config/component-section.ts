import type { ComponentKind, ComponentType } from '../pipeline/component.ts';
import { parseComponentId } from './component-id.ts';
import type { ConfiguredComponent } from './config.ts';
import { readOptions } from './read-options.ts';
import type { OptionFault } from './read-options.ts';
import { bare, isTreeMap, mapOf } from './tree.ts';
import type { Tree } from './tree.ts';

/** A section of the YAML that holds components of one kind. */
export type SectionName = 'receivers' | 'processors' | 'exporters' | 'extensions';

export const SECTIONS: Readonly<Record<SectionName, ComponentKind>> = {
  receivers: 'receiver',
  processors: 'processor',
  exporters: 'exporter',
  extensions: 'extension',
};

/** Types that Spanmeter will have, so that they are refused by name instead of as a typing mistake. */
const NOT_IN_THIS_VERSION: Readonly<Record<SectionName, readonly string[]>> = {
  receivers: [],
  processors: ['redact'],
  exporters: ['otlp_grpc', 'otlp'],
  extensions: [],
};

/** What one section came to. Ids with faults are in `named` too, so that references to them are not faults as well. */
export interface Section {
  readonly components: ReadonlyMap<string, ConfiguredComponent>;
  readonly named: ReadonlySet<string>;
  readonly faults: readonly OptionFault[];
  readonly warnings: readonly string[];
}

function findType(
  section: SectionName,
  type: string,
  registry: readonly ComponentType[],
): ComponentType | undefined {
  return registry.find(
    (one) => one.kind === SECTIONS[section] && (one.type === type || one.aliases?.includes(type) === true),
  );
}

function unknownType(
  section: SectionName,
  id: string,
  type: string,
  registry: readonly ComponentType[],
): string {
  const valid = registry.filter(({ kind }) => kind === SECTIONS[section]).map((one) => one.type);
  const known = NOT_IN_THIS_VERSION[section].includes(type);
  const reason = known
    ? `the type "${type}" is not in this version, id: "${id}"`
    : `unknown type: "${type}" for id: "${id}"`;
  return `'${section}' ${reason} (valid values: [${valid.toSorted().join(' ')}])`;
}

/** Reads `receivers:`, `processors:`, `exporters:` or `extensions:`; every fault in it is reported. */
export function readSection(
  section: SectionName,
  tree: Tree | undefined,
  registry: readonly ComponentType[],
): Section {
  const components = new Map<string, ConfiguredComponent>();
  const named = new Set<string>();
  const faults: OptionFault[] = [];
  const warnings: string[] = [];
  const fault = (at: readonly string[], message: string): void => {
    faults.push({ at, path: at.join('::'), message });
  };
  const map = bare(tree);
  if (map !== undefined && map !== null && !isTreeMap(map)) fault([section], 'expected a map of components');
  for (const [id, options] of isTreeMap(map) ? Object.entries(map) : []) {
    named.add(id);
    const parsed = parseComponentId(id);
    if (typeof parsed === 'string') {
      fault([section, id], parsed);
      continue;
    }
    const type = findType(section, parsed.type, registry);
    if (type === undefined) {
      fault([section, id], unknownType(section, id, parsed.type, registry));
      continue;
    }
    if (parsed.type !== type.type) {
      warnings.push(`${section}::${id}: "${parsed.type}" alias is deprecated; use "${type.type}" instead`);
    }
    const read = readOptions(type.options, bare(options) === null ? mapOf([]) : options, [section, id]);
    if (read.faults === undefined) components.set(id, { id, type, options: read.options });
    else faults.push(...read.faults);
  }
  return { components, named, faults, warnings };
}
