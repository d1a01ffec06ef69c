import { z } from 'zod';
import { endpointOption } from '../pipeline/option-types.ts';
import type { PipelineConfig, TelemetryConfig } from './config.ts';

/** One pipeline under `service::pipelines`. */
export interface PipelineOptions {
  readonly receivers: readonly string[];
  readonly processors: readonly string[];
  readonly exporters: readonly string[];
}

/** The `service` section as its schema returns it. */
export interface ServiceOptions {
  readonly extensions: readonly string[];
  readonly pipelines: Readonly<Record<string, PipelineOptions>>;
  readonly telemetry: TelemetryConfig;
}

const ids = z.array(z.string());

const pipelineOptions = z.strictObject({
  receivers: ids.default([]).describe('Ids of the receivers that feed this pipeline.'),
  processors: ids.default([]).describe('Ids of the processors, in the order in which they run.'),
  exporters: ids.default([]).describe('Ids of the exporters that get every batch.'),
});

const telemetryOptions = z.strictObject({
  logs: z
    .strictObject({
      level: z
        .enum(['debug', 'info', 'warn', 'error'])
        .default('info')
        .describe('The least severe messages that are written.'),
      encoding: z
        .enum(['auto', 'console', 'json'])
        .default('auto')
        .describe('Lines for people or JSON lines; `auto` is console on a terminal and JSON elsewhere.'),
    })
    .prefault({})
    .describe("The collector's own log, on standard error."),
  metrics: z
    .strictObject({
      level: z
        .enum(['none', 'basic', 'normal', 'detailed'])
        .default('normal')
        .describe('`none` opens no port; the other levels are the same so far.'),
      address: endpointOption
        .default('127.0.0.1:8888')
        .describe('Where Prometheus scrapes them, at /metrics. They hold no tenant data.'),
    })
    .prefault({})
    .describe("The collector's own metrics."),
});

/** The `service` section: which of the configured components run, and how they are joined. */
export const serviceOptions: z.ZodType<ServiceOptions> = z.strictObject({
  extensions: ids.default([]).describe('Ids of the extensions to start, in this order.'),
  pipelines: z
    .record(
      z.string(),
      pipelineOptions.nullable().transform((one) => one ?? pipelineOptions.parse({})),
    )
    .default({})
    .describe('Pipelines by id (`traces` or `traces/name`).'),
  telemetry: telemetryOptions.prefault({}).describe('How the collector tells about itself.'),
});

/** A map of pipelines as a list. */
export function listPipelines(service: ServiceOptions): PipelineConfig[] {
  return Object.entries(service.pipelines).map(([id, lists]) => ({ id, ...lists }));
}
