import type { ComponentType } from '../pipeline/component.ts';
import { readSection } from './component-section.ts';
import type { Section, SectionName } from './component-section.ts';
import type { Config } from './config.ts';
import { Expander } from './expand.ts';
import type { Environment } from './expand.ts';
import type { Fault } from './fault.ts';
import { checkGraph } from './graph.ts';
import { readOptions } from './read-options.ts';
import type { OptionFault } from './read-options.ts';
import { checkRules } from './rules.ts';
import { listPipelines, serviceOptions } from './service.ts';
import type { ServiceOptions } from './service.ts';
import { mergeSources } from './source.ts';
import { bare, formatPath, isTreeMap, mapOf, nodeAt } from './tree.ts';
import type { Path, Tree } from './tree.ts';

/** A configuration, or everything that is wrong with it. */
export type LoadResult =
  | { readonly config: Config; readonly tree: Tree; readonly faults?: undefined }
  | { readonly config?: undefined; readonly faults: readonly Fault[] };

const ROOT_KEYS = new Set(['receivers', 'processors', 'exporters', 'extensions', 'connectors', 'service']);

function rootFaults(tree: Tree): OptionFault[] {
  if (tree === null) return [{ at: [], path: '', message: 'empty configuration' }];
  const unknown = isTreeMap(tree) ? Object.keys(tree).filter((key) => !ROOT_KEYS.has(key)) : [];
  const faults = unknown.map((key) => ({
    at: [key],
    path: '',
    message: `has invalid keys: ${key} (valid keys: [${[...ROOT_KEYS].join(' ')}])`,
  }));
  const connectors = bare(nodeAt(tree, ['connectors']));
  if (connectors !== undefined && connectors !== null) {
    faults.push({ at: ['connectors'], path: 'connectors', message: 'this version has no connectors' });
  }
  return faults;
}

function emptySectionFaults(sections: Readonly<Record<SectionName, Section>>): OptionFault[] {
  return (['receivers', 'exporters'] as const)
    .filter((name) => sections[name].named.size === 0)
    .map((name) => ({
      at: [name],
      path: name,
      message: `no ${name.slice(0, -1)} configuration specified in config`,
    }));
}

function joinFaults(
  service: ServiceOptions,
  sections: Readonly<Record<SectionName, Section>>,
): OptionFault[] {
  const pipelines = listPipelines(service);
  const named = {
    receivers: sections.receivers.named,
    processors: sections.processors.named,
    exporters: sections.exporters.named,
    extensions: sections.extensions.named,
  };
  const components = {
    receivers: sections.receivers.components,
    processors: sections.processors.components,
    exporters: sections.exporters.components,
    extensions: sections.extensions.components,
  };
  // An order cannot be judged while a processor's options are at fault; that fault is reported instead.
  const whole = (name: SectionName): boolean => sections[name].components.size === sections[name].named.size;
  const rules = checkRules({ sections: components, extensions: service.extensions, pipelines });
  const judged = rules.filter(({ at }) => at[0] !== 'service' || (whole('processors') && whole('exporters')));
  return [...checkGraph(pipelines, service.extensions, named), ...judged];
}

/** Reads, expands and checks a configuration; `registry` says which components exist. Reports every fault at once. */
export function loadConfig(
  sources: readonly string[],
  sets: readonly string[],
  env: Environment,
  registry: readonly ComponentType[],
): LoadResult {
  const merged = mergeSources(sources, sets, env);
  if (merged.faults.length > 0) return { faults: merged.faults };
  const expander = new Expander(env);
  const tree = expander.expand(merged.tree);
  const place = (fault: Fault, at: Path): Fault => ({
    path: fault.path,
    message: fault.message,
    ...merged.placeOf(at),
  });
  const unexpanded = expander.faults.map((fault) => place(fault, fault.path.split('::')));

  const section = (name: SectionName): Section => readSection(name, nodeAt(tree, [name]), registry);
  const sections = {
    receivers: section('receivers'),
    processors: section('processors'),
    exporters: section('exporters'),
    extensions: section('extensions'),
  };
  const serviceTree = nodeAt(tree, ['service']);
  const service = readOptions(
    serviceOptions,
    bare(serviceTree) === null ? mapOf([]) : (serviceTree ?? mapOf([])),
    ['service'],
  );
  const faults = [
    ...rootFaults(tree),
    ...(tree === null ? [] : emptySectionFaults(sections)),
    ...Object.values(sections).flatMap((one) => one.faults),
    ...(service.faults ?? (tree === null ? [] : joinFaults(service.options, sections))),
  ];
  if (unexpanded.length > 0 || faults.length > 0) {
    const silent = new Set(unexpanded.map(({ path }) => path));
    const rest = faults.filter(({ at }) => !silent.has(formatPath(at)));
    return { faults: [...unexpanded, ...rest.map((fault) => place(fault, fault.at))] };
  }
  if (service.faults !== undefined) return { faults: service.faults };
  return {
    tree,
    config: {
      receivers: sections.receivers.components,
      processors: sections.processors.components,
      exporters: sections.exporters.components,
      extensions: sections.extensions.components,
      service: {
        extensions: service.options.extensions,
        pipelines: listPipelines(service.options),
        telemetry: service.options.telemetry,
      },
      warnings: [...expander.warnings, ...Object.values(sections).flatMap((one) => one.warnings)],
    },
  };
}
