import { ATTRIBUTION_KEYS } from './attribution-keys.ts';
import type { DimensionKeys } from './attribution-keys.ts';
import type { Attributes, Call, CallProcessor, GenAiSpan, Provenance, RecordContext } from './call.ts';
import { globMatcher } from './inclusion.ts';
import { MAX_DIMENSION_BYTES, MAX_TENANT_BYTES, storableText } from './text.ts';

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

/** What all spans of one resource have in common. */
interface ResourceFacts {
  readonly service: string | null;
  readonly mappedTeam: string | null;
  readonly namespace: string | null;
}

/** Bound on remembered services. */
const MAX_REMEMBERED = 1000;

function storable(value: unknown, maxBytes: number): string | null {
  const text =
    typeof value === 'string'
      ? value
      : typeof value === 'number' || typeof value === 'bigint'
        ? String(value)
        : '';
  const kept = text === '' ? '' : storableText(text.trim(), maxBytes);
  return kept === '' ? null : kept;
}

function firstOf(attributes: Attributes, keys: readonly string[], maxBytes: number): string | null {
  for (const key of keys) {
    const value = attributes.get(key);
    if (value === undefined) continue;
    const text = storable(value, maxBytes);
    if (text !== null) return text;
  }
  return null;
}

function find(span: GenAiSpan, keys: DimensionKeys, maxBytes = MAX_DIMENSION_BYTES): Found | null {
  const own = firstOf(span.attributes, keys.span, maxBytes);
  if (own !== null) return { value: own, from: 'span' };
  const shared = firstOf(span.resource, keys.resource, maxBytes);
  return shared === null ? null : { value: shared, from: 'resource' };
}

/** Makes the lookup of a service's team by the configured rules. */
function teamMapping(rules: readonly TeamRule[]): (service: string) => string | null {
  const compiled = rules.map((rule) => ({ matches: globMatcher(rule.service), team: rule.team }));
  const remembered = new Map<string, string | null>();
  return (service) => {
    if (compiled.length === 0) return null;
    const known = remembered.get(service);
    if (known !== undefined) return known;
    const team = compiled.find((rule) => rule.matches(service))?.team ?? null;
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    remembered.set(service, team);
    return team;
  };
}

function claim(call: Call, tenant: string): void {
  call.attributes = { ...call.attributes, claimed_tenant: tenant };
}

/**
 * Whose call it is. A credential of role `ingest` decides alone; other claims are recorded and ignored. With
 * `gateway`, or without authentication, the header goes before the span, the resource, the key's tenant and the
 * default.
 */
function tenantDecider(
  options: AttributionOptions,
): (span: GenAiSpan, context: RecordContext, call: Call) => Found {
  const defaultTenant = storable(options.defaultTenant ?? 'default', MAX_TENANT_BYTES) ?? 'default';
  const admits = options.admitTenant ?? ((): boolean => true);

  return (span, context, call) => {
    const header = storable(context.declaredTenant ?? '', MAX_TENANT_BYTES);
    const declared: Found | null =
      header === null
        ? find(span, ATTRIBUTION_KEYS.tenant, MAX_TENANT_BYTES)
        : { value: header, from: 'header' };
    const own = storable(context.tenant ?? '', MAX_TENANT_BYTES);
    const fallback: Found =
      own === null ? { value: defaultTenant, from: 'default' } : { value: own, from: 'credential' };
    if (declared === null) return fallback;
    const mayDeclare = context.role === 'gateway' || context.role === 'open';
    if (mayDeclare && admits(declared.value)) return declared;
    if (declared.value !== fallback.value) claim(call, declared.value);
    return fallback;
  };
}

/** Gives every call its tenant, team, user and other dimensions, each with its provenance. */
export function createAttribution(options: AttributionOptions = {}): CallProcessor {
  const decideTenant = tenantDecider(options);
  const teamOfService = teamMapping(options.teams ?? []);
  let lastResource: Attributes | null = null;
  let facts: ResourceFacts = { service: null, mappedTeam: null, namespace: null };

  const factsOf = (resource: Attributes): ResourceFacts => {
    if (resource === lastResource) return facts;
    const service = firstOf(resource, ATTRIBUTION_KEYS.service.resource, MAX_DIMENSION_BYTES);
    lastResource = resource;
    facts = {
      service,
      mappedTeam: service === null ? null : teamOfService(service),
      namespace: firstOf(resource, ATTRIBUTION_KEYS.namespace.resource, MAX_DIMENSION_BYTES),
    };
    return facts;
  };

  const teamOf = (span: GenAiSpan, context: RecordContext, shared: ResourceFacts): Found | null => {
    const own = storable(context.team ?? '', MAX_DIMENSION_BYTES);
    if (own !== null) return { value: own, from: 'credential' };
    const stated = find(span, ATTRIBUTION_KEYS.teamId) ?? find(span, ATTRIBUTION_KEYS.team);
    if (stated !== null) return stated;
    if (shared.mappedTeam !== null) return { value: shared.mappedTeam, from: 'mapping' };
    return shared.namespace === null ? null : { value: shared.namespace, from: 'resource' };
  };

  const attribute = (call: Call, span: GenAiSpan, context: RecordContext): void => {
    const from: Record<string, Provenance> = { ...call.attribution };
    const keep = (name: string, found: Found | null): string | null => {
      if (found === null) return null;
      from[name] = found.from;
      return found.value;
    };
    const shared = factsOf(span.resource);
    call.tenantId = keep('tenant', decideTenant(span, context, call)) ?? '';
    call.team = keep('team', teamOf(span, context, shared));
    call.userId = keep('user', find(span, ATTRIBUTION_KEYS.user));
    call.conversationId = keep('conversation', find(span, ATTRIBUTION_KEYS.conversation));
    // A conversation is the only session that many emitters know.
    call.sessionId = keep(
      'session',
      find(span, ATTRIBUTION_KEYS.session) ?? find(span, ATTRIBUTION_KEYS.conversation),
    );
    call.feature = keep('feature', find(span, ATTRIBUTION_KEYS.feature));
    call.agentName = keep('agent', find(span, ATTRIBUTION_KEYS.agent));
    call.environment = keep('environment', find(span, ATTRIBUTION_KEYS.environment));
    if (shared.service !== null) from['service'] = 'resource';
    call.serviceName = shared.service ?? 'unknown_service';
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
