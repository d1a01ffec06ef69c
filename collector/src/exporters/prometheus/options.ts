import { z } from 'zod';
import { isLoopback, parseEndpoint } from '../../pipeline/endpoint.ts';
import { endpointOption } from '../../pipeline/option-types.ts';
import { Secret } from '../../pipeline/secret.ts';
import { OPTIONAL_LABELS } from './labels.ts';
import type { OptionalLabel } from './labels.ts';

/** Options of `prometheus` in the configuration. */
export interface PrometheusOptions {
  readonly endpoint: string;
  readonly max_series: number;
  readonly labels: readonly OptionalLabel[];
  readonly auth?:
    | { readonly bearer_token?: Secret | undefined; readonly bearer_token_file?: string | undefined }
    | undefined;
  readonly insecure: boolean;
  readonly exemplars: boolean;
}

const auth = z
  .strictObject({
    bearer_token: z
      .string()
      .min(1)
      .transform((text) => new Secret(text))
      .optional()
      .describe('The token itself; write it as ${env:NAME}, so that the file holds no secret.'),
    bearer_token_file: z
      .string()
      .min(1)
      .optional()
      .describe('A file that holds the token; it may be replaced while the collector runs.'),
  })
  .refine(
    (one) => (one.bearer_token === undefined) !== (one.bearer_token_file === undefined),
    'give either bearer_token or bearer_token_file',
  );

/** The strict schema of `prometheus`. */
export const prometheusOptions: z.ZodType<PrometheusOptions> = z
  .strictObject({
    endpoint: endpointOption.default('127.0.0.1:8889').describe('Where /metrics is served, as host:port.'),
    max_series: z
      .int()
      .min(100)
      .max(1_000_000)
      .default(10_000)
      .describe('Most series of one metric; above it model, service and team are folded into "other".'),
    labels: z
      .array(z.enum(OPTIONAL_LABELS))
      .max(OPTIONAL_LABELS.length)
      .default([])
      .describe('Labels besides tenant, provider, model, operation, service_name and environment.'),
    auth: auth.optional().describe('What a scrape must show: `Authorization: Bearer` with this token.'),
    insecure: z
      .boolean()
      .default(false)
      .describe('Without a token: allows an endpoint that other machines can reach, and any host name.'),
    exemplars: z
      .boolean()
      .default(true)
      .describe('Gives latencies the trace id of a call, where a scrape asks for OpenMetrics.'),
  })
  .superRefine((options, context) => {
    const endpoint = parseEndpoint(options.endpoint);
    if (endpoint === null || options.insecure || options.auth !== undefined) return;
    if (isLoopback(endpoint.host)) return;
    const message = 'other machines can reach this address: configure auth, or write insecure: true';
    context.addIssue({ code: 'custom', path: ['endpoint'], message });
  });
