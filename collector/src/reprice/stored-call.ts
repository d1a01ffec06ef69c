import {
  OTHER_SPLITS,
  readOtherSplits,
  OWN_KEY,
  parsePico,
  type Call,
  type Conditions,
  type CostStatus,
  type Usage,
} from '@spanmeter/processors';

/** A stored call as it can be priced again, and what it costs by now. */
export interface StoredCall {
  /** Before pricing: its usage and conditions as stored, and no cost. */
  readonly call: Call;
  readonly provider: string;
  readonly model: string;
  /** By the newest correction, else as stored. */
  readonly status: CostStatus;
  /** In 1e-12 USD; null where the status has no amount. */
  readonly cost: bigint | null;
  readonly priceVersion: string | null;
}

/** Statuses that no price changes: what was not billed, and counts that contradict each other. */
export const SETTLED_STATUSES: readonly CostStatus[] = ['duplicate', 'not_billable', 'invalid_usage'];

/** What is read of `calls` as `c` and of the newest correction as `a`, in the order of the fields of `storedCall`. */
export const STORED_COLUMNS: string = `
  c.tenant_id, (extract(epoch FROM c.started_at) * 1000000)::bigint, c.trace_id, c.span_id, c.operation, c.provider,
  c.model, c.request_model, c.response_model, c.service_name, c.environment, c.team, c.feature, c.key_id,
  c.input_tokens, c.cache_read_tokens, c.cache_write_tokens, c.output_tokens, c.reasoning_tokens, c.usage,
  c.usage_source, c.conditions, c.reported_cost_usd, c.cost_status, c.price_version, c.error_type,
  (c.duration_ms * 1000000)::bigint, (a.id IS NOT NULL)::int,
  CASE
    WHEN a.id IS NULL THEN c.cost_usd
    WHEN a.new_status IN ('priced', 'reported') THEN coalesce(
      a.new_cost_usd,
      coalesce(c.cost_usd, 0) + (
        SELECT sum(s.delta_usd) FROM spanmeter.cost_adjustments s
        WHERE s.tenant_id = c.tenant_id AND s.trace_id = c.trace_id AND s.span_id = c.span_id
          AND s.started_at = c.started_at
      )
    )
  END,
  a.new_status, a.new_price_version, c.attributes ->> '${OTHER_SPLITS}',
  c.attributes ->> '${OWN_KEY}', c.user_id, c.session_id, c.agent_name`;

/** A row of `STORED_COLUMNS`, every value as PostgreSQL's text. */
export type StoredRow = readonly (string | null)[];

const NOTHING: Readonly<Record<string, never>> = Object.freeze({});

function count(text: string | null | undefined): number | null {
  return text == null ? null : Number(text);
}

const WHOLE_PICO = /^-?\d+\.\d{12}$/;

/** The columns have twelve decimals, so that the digits are the amount. */
function amount(text: string | null | undefined): bigint | null {
  if (text == null) return null;
  return WHOLE_PICO.test(text) ? BigInt(text.replace('.', '')) : parsePico(text);
}

/**
 * The status that a call had before it was priced. A status that the normaliser gave names no price book, so that
 * it can be told from the price's own.
 */
function unpricedStatus(stored: CostStatus, version: string | null, source: Call['usageSource']): CostStatus {
  if (source === 'missing') return 'missing_usage';
  if (stored === 'unpriced_dimension' && version === null) return 'unpriced_dimension';
  return 'unpriced_model';
}

const parsedConditions = new Map<string, Conditions>();
const MAX_PARSED_CONDITIONS = 10_000;

/** Few calls differ in their conditions. */
function conditionsOf(text: string | null | undefined): Conditions {
  if (text == null) return NOTHING;
  const known = parsedConditions.get(text);
  if (known !== undefined) return known;
  if (parsedConditions.size >= MAX_PARSED_CONDITIONS) parsedConditions.clear();
  const parsed = JSON.parse(text) as Conditions;
  parsedConditions.set(text, parsed);
  return parsed;
}

const OWN_KEY_USED: Call['attributes'] = Object.freeze({ [OWN_KEY]: true });
const OWN_KEY_UNUSED: Call['attributes'] = Object.freeze({ [OWN_KEY]: false });

/** Of the attributes only this decides an amount: whether a reported 0 is a charge. */
function ownKeyOf(text: string | null | undefined): Call['attributes'] {
  if (text === 'true') return OWN_KEY_USED;
  return text === 'false' ? OWN_KEY_UNUSED : NOTHING;
}

const NO_LINES: Call['lines'] = [];

/** The call before pricing; what no price and no rollup looks at is left empty. */
function unpricedCall(row: StoredRow): Call {
  const text = (index: number): string => row[index] ?? '';
  const optional = (index: number): string | null => row[index] ?? null;
  const usageSource = text(20) as Call['usageSource'];
  // Written out field by field: an object spread into this one would make it slow, and pricing with it.
  return {
    tenantId: text(0),
    traceId: text(2),
    spanId: text(3),
    parentSpanId: null,
    startedAtMicros: BigInt(text(1)),
    startUnixNano: 0n,
    endUnixNano: 0n,
    timeSource: 'start',
    receivedUnixMs: 0,
    durationNanos: row[26] == null ? null : BigInt(row[26]),
    ttftNanos: null,
    dialect: '',
    operation: text(4),
    provider: text(5),
    model: text(6),
    requestModel: optional(7),
    responseModel: optional(8),
    responseId: null,
    streaming: null,
    finishReasons: null,
    inputTokens: count(row[14]),
    cacheReadTokens: count(row[15]),
    cacheWriteTokens: count(row[16]),
    outputTokens: count(row[17]),
    reasoningTokens: count(row[18]),
    usage: row[19] == null ? NOTHING : (JSON.parse(row[19]) as Usage),
    usageAlternatives: readOtherSplits(row[31] ?? null),
    usageSource,
    conditions: conditionsOf(row[21]),
    costPicoUsd: null,
    computedCostPicoUsd: null,
    reportedCostPicoUsd: amount(row[22]),
    reportedCostSource: null,
    costStatus: unpricedStatus(text(23) as CostStatus, optional(24), usageSource),
    priceVersion: null,
    lines: NO_LINES,
    duplicateOf: null,
    team: optional(11),
    userId: optional(33),
    sessionId: optional(34),
    conversationId: null,
    feature: optional(12),
    agentName: optional(35),
    serviceName: text(9),
    environment: optional(10),
    keyId: optional(13),
    attribution: NOTHING,
    errorType: optional(25),
    samplingRatio: null,
    scopeName: '',
    scopeVersion: '',
    attributes: ownKeyOf(row[32]),
  };
}

/** Reads one row of `STORED_COLUMNS`. */
export function storedCall(row: StoredRow): StoredCall {
  const corrected = row[27] === '1';
  return {
    call: unpricedCall(row),
    provider: row[5] ?? '',
    model: row[6] ?? '',
    status: ((corrected ? row[29] : row[23]) ?? '') as CostStatus,
    cost: amount(row[28]),
    priceVersion: (corrected ? row[30] : row[24]) ?? null,
  };
}
