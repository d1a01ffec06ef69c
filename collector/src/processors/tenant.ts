import { z } from 'zod';
import type { ComponentType } from '../pipeline/component.ts';

export interface TenantOptions {
  readonly default_tenant: string;
  readonly max_tenants: number;
  readonly teams: readonly { readonly service: string; readonly team: string }[];
}

/** Says who spent: tenant from the credential or the declaration, team, user, session, feature, environment. */
export const tenant: ComponentType<TenantOptions> = {
  kind: 'processor',
  type: 'tenant',
  summary: 'Attributes each call to a tenant, team, user, session, feature, service and environment.',
  options: z.strictObject({
    default_tenant: z
      .string()
      .min(1)
      .max(512)
      .default('default')
      .describe('Tenant of calls that neither a credential nor a declaration attributes.'),
    max_tenants: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(10_000)
      .describe(
        'Most tenants that may register themselves by declaration; later ones go to the default tenant.',
      ),
    teams: z
      .array(
        z.strictObject({
          service: z.string().min(1).describe('service.name; * stands for any run of characters.'),
          team: z.string().min(1).max(256),
        }),
      )
      .max(10_000)
      .default([])
      .describe('Teams of services that cannot set team.id themselves; the first match wins.'),
  }),
};
