import { z } from 'zod';
import { batch } from '@spanmeter/collector/dist/processors/batch.js';
import { memoryLimiter } from '@spanmeter/collector/dist/processors/memory-limiter.js';
import { otlpReceiver } from '@spanmeter/collector/dist/receivers/otlp.js';
import type { ComponentKind, ComponentType } from '@spanmeter/collector/dist/pipeline/component.js';
import { durationOption, endpointOption } from '@spanmeter/collector/dist/pipeline/option-types.js';
import { secretOption } from '@spanmeter/collector/dist/pipeline/secret.js';

function standIn(
  kind: ComponentKind,
  type: string,
  options: z.ZodType,
  aliases: string[] = [],
): ComponentType {
  return { kind, type, aliases, summary: `Stands in for ${type}.`, options };
}

/** A registry as the collector has it, with plain stand-ins for what other folders hold. */
export const REGISTRY: readonly ComponentType[] = [
  otlpReceiver,
  memoryLimiter,
  batch,
  standIn('processor', 'gen_ai_normalizer', z.strictObject({})),
  standIn('processor', 'tenant', z.strictObject({ max_tenants: z.int().default(1000) })),
  standIn('processor', 'cost', z.strictObject({ file: z.string().optional() })),
  standIn(
    'exporter',
    'postgres',
    z.strictObject({
      url: secretOption.optional(),
      pin: z.string().default(''),
      ready: z.boolean().default(true),
    }),
  ),
  standIn(
    'exporter',
    'prometheus',
    z.strictObject({
      endpoint: endpointOption.default('127.0.0.1:8889'),
      insecure: z.boolean().default(false),
      auth: z.strictObject({ bearer_token: z.string() }).optional(),
    }),
  ),
  standIn(
    'exporter',
    'otlp_http',
    z.strictObject({
      endpoint: z.string(),
      headers: z.record(z.string(), secretOption).default({}),
      timeout: durationOption.prefault('30s'),
      size: z.union([z.number(), z.string().regex(/^\d+MiB$/)]).default(1),
    }),
    ['otlphttp'],
  ),
  standIn('exporter', 'debug', z.strictObject({ verbosity: z.enum(['basic', 'detailed']).default('basic') })),
  standIn(
    'extension',
    'health_check',
    z.strictObject({ endpoint: endpointOption.default('127.0.0.1:13133') }),
  ),
  standIn('extension', 'api', z.strictObject({ endpoint: endpointOption.default('127.0.0.1:8080') })),
  standIn('extension', 'alerts', z.strictObject({})),
  standIn('extension', 'api_key_auth', z.strictObject({ keys_file: z.string().optional() })),
  standIn('extension', 'journal', z.strictObject({ directory: z.string().default('./data') })),
];

/** A small configuration without faults. */
export const GOOD = `
receivers:
  otlp:
    protocols:
      grpc:
      http:
exporters:
  debug:
service:
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [debug]
`;
