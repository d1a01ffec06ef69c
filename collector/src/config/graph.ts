import { parseComponentId } from './component-id.ts';
import type { SectionName } from './component-section.ts';
import type { PipelineConfig } from './config.ts';
import type { OptionFault } from './read-options.ts';

/** The ids that are configured, by section. */
export type Named = Readonly<Record<SectionName, ReadonlySet<string>>>;

const PIPELINES = ['service', 'pipelines'];
const LISTS = [
  ['receivers', 'receiver'],
  ['processors', 'processor'],
  ['exporters', 'exporter'],
] as const;

function faultAt(at: readonly string[], message: string): OptionFault {
  return { at, path: at.join('::'), message };
}

/** What a pipeline's id says about its signal, where that is not traces. */
function signalFault(id: string): string | null {
  const parsed = parseComponentId(id);
  if (typeof parsed === 'string') return parsed;
  if (parsed.type === 'traces') return null;
  if (parsed.type !== 'logs' && parsed.type !== 'metrics') {
    return `unknown signal "${parsed.type}" (valid values: [traces])`;
  }
  return (
    `this version has no ${parsed.type} pipelines, since it stores spans only: remove this one. ` +
    `The otlp receiver answers ${parsed.type} with a partial_success that rejects them all`
  );
}

function pipelineFaults(pipeline: PipelineConfig, named: Named): OptionFault[] {
  const at = [...PIPELINES, pipeline.id];
  const faults: OptionFault[] = [];
  if (pipeline.receivers.length === 0) faults.push(faultAt(at, 'must have at least one receiver'));
  if (pipeline.exporters.length === 0) faults.push(faultAt(at, 'must have at least one exporter'));
  for (const [list, kind] of LISTS) {
    const seen = new Set<string>();
    pipeline[list].forEach((id, index) => {
      const message = seen.has(id)
        ? `references ${kind} "${id}" multiple times`
        : `references ${kind} "${id}" which is not configured`;
      if (seen.has(id) || !named[list].has(id)) {
        faults.push({ ...faultAt(at, message), at: [...at, list, String(index)] });
      }
      seen.add(id);
    });
  }
  return faults;
}

/** Whether the pipelines and the extension list refer to what exists, in the Collector's wording. */
export function checkGraph(
  pipelines: readonly PipelineConfig[],
  extensions: readonly string[],
  named: Named,
): OptionFault[] {
  const faults: OptionFault[] = [];
  if (pipelines.length === 0) faults.push(faultAt(PIPELINES, 'service must have at least one pipeline'));
  extensions.forEach((id, index) => {
    if (named.extensions.has(id)) return;
    const fault = faultAt(['service', 'extensions'], `references extension "${id}" which is not configured`);
    faults.push({ ...fault, at: [...fault.at, String(index)] });
  });
  for (const pipeline of pipelines) {
    const signal = signalFault(pipeline.id);
    if (signal === null) faults.push(...pipelineFaults(pipeline, named));
    else faults.push(faultAt([...PIPELINES, pipeline.id], signal));
  }
  return faults;
}
