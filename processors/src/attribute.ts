import type { CallProcessor } from './call.ts';

/** Which team a service belongs to; `*` stands for any run of characters. */
export interface TeamRule {
  readonly service: string;
  readonly team: string;
}

/** Options of the attribution step. */
export interface AttributionOptions {
  /** First matching rule wins. */
  readonly teams?: readonly TeamRule[];
  /** Tenant of calls that nobody claims; `default` by default. */
  readonly defaultTenant?: string;
  /** False where a declared tenant may not be used (too many tenants); it is then recorded as a claim only. */
  readonly admitTenant?: (tenant: string) => boolean;
}

/** Gives every call its tenant, team, user and other dimensions, each with its provenance. */
export function createAttribution(options: AttributionOptions = {}): CallProcessor {
  const tenant = options.defaultTenant ?? 'default';
  return (groups) => {
    for (const group of groups) for (const call of group.calls) if (call !== null) call.tenantId = tenant;
  };
}
