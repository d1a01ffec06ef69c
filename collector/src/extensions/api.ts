import { z } from 'zod';
import type { ComponentType } from '../pipeline/component.ts';
import { endpointOption } from '../pipeline/option-types.ts';

/** Options of the query API. */
export interface ApiOptions {
  /** `host:port`. */
  readonly endpoint: string;
  readonly max_connections: number;
  readonly statement_timeout_ms: number;
  readonly allowed_hosts: readonly string[];
}

/** [contract] The query API on express: spend, calls and status over HTTP. */
export const API_EXTENSION: ComponentType<ApiOptions> = {
  kind: 'extension',
  type: 'api',
  summary: 'Query API: spend, calls and status over HTTP, with an OpenAPI document.',
  options: z.strictObject({
    endpoint: endpointOption
      .default('127.0.0.1:8080')
      .describe('Address to listen on; off loopback only together with api_key_auth.'),
    max_connections: z
      .int()
      .min(1)
      .max(100)
      .default(8)
      .describe('Database connections that queries may use.'),
    statement_timeout_ms: z
      .int()
      .min(100)
      .max(600_000)
      .default(10_000)
      .describe('A query that takes longer is given up with 503.'),
    allowed_hosts: z
      .array(z.string().min(1).max(253).toLowerCase())
      .default([])
      .describe("Host names besides loopback's that are served while there is no authentication."),
  }),
};
