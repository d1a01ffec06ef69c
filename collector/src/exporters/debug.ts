import { z } from 'zod';
import { formatPico } from '@spanmeter/processors';
import type { Call } from '@spanmeter/processors';
import type { ComponentType, Host } from '../pipeline/component.ts';

export type DebugVerbosity = 'basic' | 'normal' | 'detailed';

/** Options of `debug` in the configuration. */
export interface DebugOptions {
  readonly verbosity: DebugVerbosity;
}

/** The `debug` exporter: writes a line of log per call. */
export interface DebugExporter {
  /** Logs calls; prompts, completions and other content are in no verbosity. */
  calls(calls: readonly Call[]): void;
}

function basicFields(call: Call): Record<string, unknown> {
  return {
    tenant: call.tenantId,
    provider: call.provider,
    model: call.model,
    cost_usd: call.costPicoUsd === null ? null : formatPico(call.costPicoUsd),
    cost_status: call.costStatus,
  };
}

function normalFields(call: Call): Record<string, unknown> {
  return {
    ...basicFields(call),
    operation: call.operation,
    service_name: call.serviceName,
    environment: call.environment,
    team: call.team,
    usage: call.usage,
    duration_ms: call.durationNanos === null ? null : Number(call.durationNanos / 1_000n) / 1_000,
    error_type: call.errorType,
  };
}

function detailedFields(call: Call): Record<string, unknown> {
  return {
    ...normalFields(call),
    trace_id: call.traceId,
    span_id: call.spanId,
    started_at: new Date(Number(call.startedAtMicros / 1_000n)).toISOString(),
    dialect: call.dialect,
    request_model: call.requestModel,
    response_model: call.responseModel,
    usage_source: call.usageSource,
    conditions: call.conditions,
    price_version: call.priceVersion,
    lines: call.lines,
    reported_cost_usd: call.reportedCostPicoUsd === null ? null : formatPico(call.reportedCostPicoUsd),
    duplicate_of: call.duplicateOf,
    feature: call.feature,
    agent_name: call.agentName,
    key_id: call.keyId,
    attribution: call.attribution,
    sampling_ratio: call.samplingRatio,
    scope_name: call.scopeName,
    scope_version: call.scopeVersion,
  };
}

const FIELDS: Readonly<Record<DebugVerbosity, (call: Call) => Record<string, unknown>>> = {
  basic: basicFields,
  normal: normalFields,
  detailed: detailedFields,
};

/** Makes the exporter; it writes to the host's log at level info. */
export function createDebugExporter(options: DebugOptions, host: Pick<Host, 'log'>): DebugExporter {
  const fields = FIELDS[options.verbosity];
  return {
    calls(calls) {
      for (const call of calls) host.log.info(fields(call), 'call');
    },
  };
}

/** The `debug` exporter. */
export const debug: ComponentType<DebugOptions> = {
  kind: 'exporter',
  type: 'debug',
  summary: 'Writes a line of log for each call; never its content.',
  options: z.strictObject({
    verbosity: z
      .enum(['basic', 'normal', 'detailed'])
      .default('basic')
      .describe(
        'basic: who, model and cost; normal: also usage and outcome; detailed: also ids and price lines.',
      ),
  }),
};
