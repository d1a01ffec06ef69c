import { COST_STATUSES, type CostStatus } from '@spanmeter/processors';
import { z } from 'zod';
import { COUNT, USD } from './parameters.ts';

const OPTIONAL_TEXT = z.string().nullable();
const TOKENS = COUNT.nullable();

/** One call as the API shows it: the columns of `calls_effective`, the current cost under the plain names. */
export interface CallAnswer {
  readonly tenant: string;
  readonly started_at: string;
  readonly trace_id: string;
  readonly span_id: string;
  readonly parent_span_id: string | null;
  readonly received_at: string;
  readonly duration_ms: number | null;
  readonly ttft_ms: number | null;
  readonly operation: string;
  readonly provider: string;
  readonly model: string;
  readonly request_model: string | null;
  readonly response_model: string | null;
  readonly response_id: string | null;
  readonly streaming: boolean | null;
  readonly finish_reasons: readonly string[] | null;
  readonly service_name: string;
  readonly environment: string | null;
  readonly team: string | null;
  readonly user: string | null;
  readonly session_id: string | null;
  readonly conversation_id: string | null;
  readonly feature: string | null;
  readonly agent_name: string | null;
  readonly key: string | null;
  readonly input_tokens: number | null;
  readonly cache_read_tokens: number | null;
  readonly cache_write_tokens: number | null;
  readonly output_tokens: number | null;
  readonly reasoning_tokens: number | null;
  readonly usage: Readonly<Record<string, unknown>> | null;
  readonly usage_source: string;
  readonly conditions: Readonly<Record<string, unknown>> | null;
  readonly cost_usd: string | null;
  readonly cost_status: CostStatus;
  readonly price_version: string | null;
  readonly stored_cost_usd: string | null;
  readonly stored_cost_status: CostStatus;
  readonly stored_price_version: string | null;
  readonly reported_cost_usd: string | null;
  readonly reported_cost_source: string | null;
  readonly duplicate_of: string | null;
  readonly time_source: string;
  readonly sampling_ratio: number | null;
  readonly error_type: string | null;
  readonly dialect: string;
  readonly scope_name: string | null;
  readonly scope_version: string | null;
  readonly attribution: Readonly<Record<string, unknown>> | null;
  readonly attributes: Readonly<Record<string, unknown>> | null;
}

/** The schema of a call. */
export const CALL_ANSWER: z.ZodType<CallAnswer> = z.object({
  tenant: z.string(),
  started_at: z.string().describe('ISO 8601 UTC with microseconds.'),
  trace_id: z.string(),
  span_id: z.string(),
  parent_span_id: OPTIONAL_TEXT,
  received_at: z.string(),
  duration_ms: z.number().nullable(),
  ttft_ms: z.number().nullable().describe('Time to the first token.'),
  operation: z.string(),
  provider: z.string(),
  model: z.string(),
  request_model: OPTIONAL_TEXT,
  response_model: OPTIONAL_TEXT,
  response_id: OPTIONAL_TEXT,
  streaming: z.boolean().nullable(),
  finish_reasons: z.array(z.string()).nullable(),
  service_name: z.string(),
  environment: OPTIONAL_TEXT,
  team: OPTIONAL_TEXT,
  user: OPTIONAL_TEXT,
  session_id: OPTIONAL_TEXT,
  conversation_id: OPTIONAL_TEXT,
  feature: OPTIONAL_TEXT,
  agent_name: OPTIONAL_TEXT,
  key: OPTIONAL_TEXT.describe('Public id of the API key that sent it.'),
  input_tokens: TOKENS.describe('Cached included; null is unknown.'),
  cache_read_tokens: TOKENS,
  cache_write_tokens: TOKENS,
  output_tokens: TOKENS.describe('Reasoning included; null is unknown.'),
  reasoning_tokens: TOKENS,
  usage: z.record(z.string(), z.unknown()).nullable().describe('Disjoint buckets, counts as strings.'),
  usage_source: z.string(),
  conditions: z.record(z.string(), z.unknown()).nullable(),
  cost_usd: USD.nullable().describe('Current exact cost; null unless priced or reported.'),
  cost_status: z.enum(COST_STATUSES),
  price_version: OPTIONAL_TEXT,
  stored_cost_usd: USD.nullable().describe('Before any correction; /api/v1/adjustments lists those.'),
  stored_cost_status: z.enum(COST_STATUSES),
  stored_price_version: OPTIONAL_TEXT,
  reported_cost_usd: USD.nullable(),
  reported_cost_source: OPTIONAL_TEXT,
  duplicate_of: OPTIONAL_TEXT,
  time_source: z.string(),
  sampling_ratio: z.number().nullable(),
  error_type: OPTIONAL_TEXT,
  dialect: z.string(),
  scope_name: OPTIONAL_TEXT,
  scope_version: OPTIONAL_TEXT,
  attribution: z.record(z.string(), z.unknown()).nullable().describe('Where each dimension came from.'),
  attributes: z.record(z.string(), z.unknown()).nullable(),
});

type Text = string | null;

/** A row as pg returns it: numeric and bigint are text. */
export interface CallRow extends Omit<
  CallAnswer,
  | 'tenant'
  | 'started_at'
  | 'received_at'
  | 'user'
  | 'key'
  | 'cost_usd'
  | 'cost_status'
  | 'price_version'
  | 'duration_ms'
  | 'ttft_ms'
  | 'input_tokens'
  | 'cache_read_tokens'
  | 'cache_write_tokens'
  | 'output_tokens'
  | 'reasoning_tokens'
> {
  tenant_id: string;
  started_at_text: string;
  received_at_text: string;
  user_id: Text;
  key_id: Text;
  effective_cost_usd: Text;
  effective_status: CallAnswer['cost_status'];
  effective_price_version: Text;
  duration_ms: Text;
  ttft_ms: Text;
  input_tokens: Text;
  cache_read_tokens: Text;
  cache_write_tokens: Text;
  output_tokens: Text;
  reasoning_tokens: Text;
}

/** Token counts are at most 2^53 - 1, so a JSON number holds them. */
function number(text: Text): number | null {
  return text === null ? null : Number(text);
}

/** A row under the names of the API. */
export function callOf(row: CallRow): CallAnswer {
  const {
    tenant_id: tenant,
    started_at_text: startedAt,
    received_at_text: receivedAt,
    user_id: user,
    key_id: key,
    effective_cost_usd: cost,
    effective_status: status,
    effective_price_version: version,
    ...same
  } = row;
  return {
    ...same,
    tenant,
    started_at: startedAt,
    received_at: receivedAt,
    user,
    key,
    cost_usd: cost,
    cost_status: status,
    price_version: version,
    duration_ms: number(row.duration_ms),
    ttft_ms: number(row.ttft_ms),
    input_tokens: number(row.input_tokens),
    cache_read_tokens: number(row.cache_read_tokens),
    cache_write_tokens: number(row.cache_write_tokens),
    output_tokens: number(row.output_tokens),
    reasoning_tokens: number(row.reasoning_tokens),
  };
}
