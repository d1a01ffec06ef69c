import { ATTRIBUTION_KEYS } from './attribution-keys.ts';
import type { Dimension } from './attribution-keys.ts';
import type {
  Attributes,
  AttributeValue,
  Call,
  CallProcessor,
  GenAiSpan,
  Provenance,
  RecordContext,
} from './call.ts';
import { FieldReader } from './field-reader.ts';
import { globMatcher } from './glob.ts';
import { remembered } from './remembered.ts';
import { MAX_DIMENSION_BYTES, MAX_TENANT_BYTES, storableName, storableText } from './text.ts';

/** Which team a service belongs to; `*` stands for any run of characters. */
export interface TeamRule {
  readonly service: string;
  readonly team: string;
}

/** Options of the attribution step. */
export interface AttributionOptions {
  /** The first matching rule wins. */
  readonly teams?: readonly TeamRule[];
  /** Tenant of calls that nobody claims; `default` by default. */
  readonly defaultTenant?: string;
  /**
   * Asked about each declared tenant, never about one that a credential proves. False (too many tenants, say)
   * leaves the call with the next in line, its key's tenant or the default, and records the claim, so that
   * spend is kept and nobody gets it under a name that was not admitted. Every tenant is admitted by default.
   */
  readonly admitTenant?: (tenant: string) => boolean;
}

interface Found {
  readonly value: string;
  readonly from: Provenance;
}

const DIMENSIONS = Object.keys(ATTRIBUTION_KEYS) as readonly Dimension[];

/** Bound on remembered services. */
const MAX_REMEMBERED = 1000;

function storable(value: AttributeValue | null | undefined, maxBytes: number): string | null {
  const text =
    typeof value === 'string'
      ? value
      : typeof value === 'number' || typeof value === 'bigint'
        ? String(value)
        : '';
  // Spend of two tenants must not run together because their names begin alike.
  const keep = maxBytes === MAX_TENANT_BYTES ? storableName : storableText;
  const kept = text === '' ? '' : keep(text.trim(), maxBytes);
  return kept === '' ? null : kept;
}

function bytesOf(dimension: Dimension): number {
  return dimension === 'tenant' ? MAX_TENANT_BYTES : MAX_DIMENSION_BYTES;
}

/** Reads dimensions out of span and resource attributes; a resource that many spans share is read once. */
class DimensionReader {
  readonly #span: FieldReader<Dimension>;
  readonly #resource: FieldReader<Dimension>;
  readonly #slots = new Map<Dimension, number>();
  readonly #teamOfService: (service: string) => string | null;
  #lastResource: Attributes | null = null;
  #shared: ReadonlyMap<Dimension, Found> = new Map();
  #mappedTeam: string | null = null;

  constructor(teamOfService: (service: string) => string | null) {
    const keysOf = (place: 'span' | 'resource'): Partial<Record<Dimension, readonly string[]>> =>
      Object.fromEntries(DIMENSIONS.map((name) => [name, ATTRIBUTION_KEYS[name][place]]));
    this.#span = new FieldReader([keysOf('span')]);
    this.#resource = new FieldReader([keysOf('resource')]);
    for (const name of DIMENSIONS) this.#slots.set(name, this.#span.slot(name));
    this.#teamOfService = teamOfService;
  }

  /** The team that the service of the span's resource is mapped to. */
  get mappedTeam(): string | null {
    return this.#mappedTeam;
  }

  read(span: Pick<GenAiSpan, 'attributes' | 'resource'>): void {
    this.#span.read(span.attributes);
    if (span.resource === this.#lastResource) return;
    this.#lastResource = span.resource;
    this.#resource.read(span.resource);
    const shared = new Map<Dimension, Found>();
    for (const name of DIMENSIONS) {
      const value = storable(this.#resource.value(this.#resource.slot(name)), bytesOf(name));
      if (value !== null) shared.set(name, { value, from: 'resource' });
    }
    this.#shared = shared;
    const service = shared.get('service');
    this.#mappedTeam = service === undefined ? null : this.#teamOfService(service.value);
  }

  /** What the span says of the dimension, else what its resource says. */
  find(dimension: Dimension): Found | null {
    const own = storable(this.#span.value(this.#slots.get(dimension) ?? 0), bytesOf(dimension));
    return own === null ? (this.#shared.get(dimension) ?? null) : { value: own, from: 'span' };
  }
}

/** Makes the lookup of a service's team by the configured rules. */
function teamMapping(rules: readonly TeamRule[]): (service: string) => string | null {
  const compiled = rules.map((rule) => ({ matches: globMatcher(rule.service), team: rule.team }));
  return remembered(
    (service) => compiled.find((rule) => rule.matches(service))?.team ?? null,
    MAX_REMEMBERED,
  );
}

interface TenantDecision {
  readonly tenant: Found;
  /** The tenant that was claimed without the right to. */
  readonly ignoredClaim: string | null;
}

/**
 * Whose call it is. A credential of role `ingest` decides alone; other claims are recorded and ignored. With
 * `gateway`, or without authentication, the header goes before the span, the resource, the key's tenant and the
 * default.
 */
function tenantDecider(
  options: AttributionOptions,
  reader: DimensionReader,
): (context: RecordContext) => TenantDecision {
  const defaultTenant = storable(options.defaultTenant ?? 'default', MAX_TENANT_BYTES) ?? 'default';
  const admits = options.admitTenant ?? ((): boolean => true);

  return (context) => {
    const header = storable(context.declaredTenant ?? '', MAX_TENANT_BYTES);
    const declared: Found | null =
      header === null ? reader.find('tenant') : { value: header, from: 'header' };
    const own = storable(context.tenant ?? '', MAX_TENANT_BYTES);
    const fallback: Found =
      own === null ? { value: defaultTenant, from: 'default' } : { value: own, from: 'credential' };
    if (declared === null) return { tenant: fallback, ignoredClaim: null };
    const mayDeclare = context.role === 'gateway' || context.role === 'open';
    if (mayDeclare && admits(declared.value)) return { tenant: declared, ignoredClaim: null };
    return { tenant: fallback, ignoredClaim: declared.value === fallback.value ? null : declared.value };
  };
}

const NO_SPAN: Pick<GenAiSpan, 'attributes' | 'resource'> = { attributes: new Map(), resource: new Map() };

/** Whose a span is that cannot become a call, by the same rules; without a span, what its request says. */
export function createTenantOf(
  options: AttributionOptions = {},
): (context: RecordContext, span: GenAiSpan | null) => string {
  const reader = new DimensionReader(() => null);
  const decideTenant = tenantDecider(options, reader);
  return (context, span) => {
    reader.read(span ?? NO_SPAN);
    return decideTenant(context).tenant.value;
  };
}

/** Gives every call its tenant, team, user and other dimensions, each with its provenance. */
export function createAttribution(options: AttributionOptions = {}): CallProcessor {
  const reader = new DimensionReader(teamMapping(options.teams ?? []));
  const decideTenant = tenantDecider(options, reader);

  const teamOf = (context: RecordContext): Found | null => {
    const own = context.team === null ? null : storable(context.team, MAX_DIMENSION_BYTES);
    if (own !== null) return { value: own, from: 'credential' };
    const stated = reader.find('teamId') ?? reader.find('team');
    if (stated !== null) return stated;
    return reader.mappedTeam === null
      ? reader.find('namespace')
      : { value: reader.mappedTeam, from: 'mapping' };
  };

  const attribute = (call: Call, span: GenAiSpan, context: RecordContext): void => {
    const from: Record<string, Provenance> = { ...call.attribution };
    const keep = (name: string, found: Found | null): string | null => {
      if (found === null) return null;
      from[name] = found.from;
      return found.value;
    };
    reader.read(span);
    const { tenant, ignoredClaim } = decideTenant(context);
    if (ignoredClaim !== null) call.attributes = { ...call.attributes, claimed_tenant: ignoredClaim };
    call.tenantId = keep('tenant', tenant) ?? '';
    call.team = keep('team', teamOf(context));
    call.userId = keep('user', reader.find('user'));
    const conversation = reader.find('conversation');
    call.conversationId = keep('conversation', conversation);
    // A conversation is the only session that many emitters know.
    call.sessionId = keep('session', reader.find('session') ?? conversation);
    call.feature = keep('feature', reader.find('feature'));
    call.agentName = keep('agent', reader.find('agent'));
    call.environment = keep('environment', reader.find('environment'));
    call.serviceName = keep('service', reader.find('service')) ?? 'unknown_service';
    call.keyId = context.keyId;
    if (context.keyId !== null) from['key'] = 'credential';
    call.attribution = from;
  };

  return (groups) => {
    for (const group of groups) {
      for (let index = 0; index < group.calls.length; index++) {
        const call = group.calls[index];
        const span = group.spans[index];
        if (call != null && span !== undefined) attribute(call, span, group.context);
      }
    }
  };
}
