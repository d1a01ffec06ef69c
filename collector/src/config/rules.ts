import { isLoopback, parseEndpoint } from '../pipeline/endpoint.ts';
import type { SectionName } from './component-section.ts';
import type { ComponentMap, PipelineConfig } from './config.ts';
import type { OptionFault } from './read-options.ts';

/** What the rules look at: components that were read without a fault, and how they are joined. */
export interface RuleInput {
  readonly sections: Readonly<Record<SectionName, ComponentMap>>;
  readonly extensions: readonly string[];
  readonly pipelines: readonly PipelineConfig[];
}

const PRICING_ORDER = ['gen_ai_normalizer', 'tenant', 'cost'];
const NEEDS_PRICING = new Set(['postgres', 'otlp_http']);

function faultAt(at: readonly string[], message: string): OptionFault {
  return { at, path: at.join('::'), message };
}

function typesOf(ids: readonly string[], components: ComponentMap): string[] {
  return ids.flatMap((id) => components.get(id)?.type.type ?? []);
}

function pipelineRules(pipeline: PipelineConfig, { sections }: RuleInput): OptionFault[] {
  const at = ['service', 'pipelines', pipeline.id];
  const faults: OptionFault[] = [];
  const exporters = typesOf(pipeline.exporters, sections.exporters);
  if (exporters.includes('prometheus') && !exporters.includes('postgres')) {
    faults.push(
      faultAt(
        [...at, 'exporters'],
        'the prometheus exporter counts what the postgres exporter has committed: add postgres to this pipeline',
      ),
    );
  }
  const needs = exporters.find((type) => NEEDS_PRICING.has(type));
  const processors = typesOf(pipeline.processors, sections.processors);
  const found = processors.filter((type) => PRICING_ORDER.includes(type));
  if (needs !== undefined && found.join() !== PRICING_ORDER.join()) {
    const has = found.length === 0 ? 'none of them' : found.join(', ');
    faults.push(
      faultAt(
        [...at, 'processors'],
        `the ${needs} exporter needs ${PRICING_ORDER.join(', ')} once each and in this order; the pipeline has ${has}`,
      ),
    );
  }
  return faults;
}

function textAt(options: unknown, path: readonly string[]): string | undefined {
  let value = options;
  for (const key of path) value = (value as Record<string, unknown> | null | undefined)?.[key];
  return typeof value === 'string' ? value : undefined;
}

function isExposed(endpoint: string | undefined): endpoint is string {
  if (endpoint === undefined) return false;
  const parsed = parseEndpoint(endpoint);
  return parsed !== null && !isLoopback(parsed.host);
}

const AUTHENTICATED: readonly { section: SectionName; type: string; path: readonly string[] }[] = [
  { section: 'receivers', type: 'otlp', path: ['protocols', 'grpc', 'endpoint'] },
  { section: 'receivers', type: 'otlp', path: ['protocols', 'http', 'endpoint'] },
  { section: 'extensions', type: 'api', path: ['endpoint'] },
];

/** Without authentication, what can read or write tenants' data listens on loopback only. */
function listeningRules({ sections, extensions, pipelines }: RuleInput): OptionFault[] {
  const used = {
    receivers: new Set(pipelines.flatMap(({ receivers }) => receivers)),
    processors: new Set<string>(),
    exporters: new Set(pipelines.flatMap(({ exporters }) => exporters)),
    extensions: new Set(extensions),
  };
  const authenticated = typesOf(extensions, sections.extensions).includes('api_key_auth');
  const faults: OptionFault[] = [];
  for (const { section, type, path } of authenticated ? [] : AUTHENTICATED) {
    for (const [id, component] of sections[section]) {
      const endpoint = textAt(component.options, path);
      if (component.type.type !== type || !used[section].has(id) || !isExposed(endpoint)) continue;
      faults.push(
        faultAt(
          [section, id, ...path],
          `"${endpoint}" can be reached from other machines, where anybody could act for any tenant: ` +
            'listen on loopback (such as 127.0.0.1), or add api_key_auth to service::extensions',
        ),
      );
    }
  }
  for (const [id, { type, options }] of sections.exporters) {
    const endpoint = textAt(options, ['endpoint']);
    if (type.type !== 'prometheus' || !used.exporters.has(id) || !isExposed(endpoint)) continue;
    const { insecure, auth } = options as { insecure?: unknown; auth?: unknown };
    if (insecure === true || (auth !== undefined && auth !== null)) continue;
    faults.push(
      faultAt(
        ['exporters', id, 'endpoint'],
        `"${endpoint}" can be reached from other machines and shows every tenant's spend: listen on loopback ` +
          '(such as 127.0.0.1), configure auth with a bearer token, or write insecure: true',
      ),
    );
  }
  return faults;
}

/** Alerts are kept in the ledger's database, or not at all. */
function alertRules({ sections, extensions, pipelines }: RuleInput): OptionFault[] {
  const exporters = pipelines.flatMap((pipeline) => typesOf(pipeline.exporters, sections.exporters));
  if (!typesOf(extensions, sections.extensions).includes('alerts') || exporters.includes('postgres'))
    return [];
  const message =
    'the alerts extension keeps alerts in PostgreSQL: add the postgres exporter to the pipeline';
  return [faultAt(['service', 'extensions'], message)];
}

/** What this version can run at all: one chain from the journal to the exporters. */
function singlePipeline(pipelines: readonly PipelineConfig[]): OptionFault[] {
  return pipelines
    .filter(({ id }) => id === 'traces' || id.startsWith('traces/'))
    .slice(1)
    .map(({ id }) =>
      faultAt(
        ['service', 'pipelines', id],
        'this version runs one traces pipeline; put its exporters into the first',
      ),
    );
}

/** Spanmeter's own rules, beyond what the Collector checks. */
export function checkRules(input: RuleInput): OptionFault[] {
  return [
    ...singlePipeline(input.pipelines),
    ...input.pipelines.flatMap((pipeline) => pipelineRules(pipeline, input)),
    ...listeningRules(input),
    ...alertRules(input),
  ];
}
