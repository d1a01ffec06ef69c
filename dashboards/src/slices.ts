import * as units from '@grafana/grafana-foundation-sdk/units';
import { RANGE_FROM, RANGE_TO, selection } from './filters.ts';
import { TO_TRACE, toBoard } from './links.ts';
import type { PanelSpec } from './panels.ts';
import { columns, every, sql } from './sql.ts';
import type { Columns, Sql } from './sql.ts';
import { fromSql } from './targets.ts';

/** Single calls with their current cost. */
export const CALL: Columns<'calls_effective'> = columns('calls_effective', 'c');

/** Calls of the range's last hours: whole rows are many, so that a panel reads no more of them. */
export function lastHours(hours: number): Sql {
  const start = sql`greatest(${RANGE_FROM}, ${RANGE_TO} - interval '${hours} hours')`;
  return sql`${CALL.started_at} >= ${start} AND ${CALL.started_at} < ${RANGE_TO}`;
}

/** Whether a call is billable as it stands. */
export const BILLABLE_CALL: Sql = sql`${CALL.effective_status} NOT IN ('duplicate', 'not_billable')`;

const EXPENSIVE = sql`
  SELECT ${CALL.started_at} AS time, ${CALL.tenant_id} AS tenant, ${CALL.service_name} AS service,
    ${CALL.model} AS model, ${CALL.effective_cost_usd} AS cost_usd, ${CALL.input_tokens} AS input_tokens,
    ${CALL.output_tokens} AS output_tokens, ${CALL.duration_ms} / 1000 AS seconds, ${CALL.trace_id} AS trace_id
  FROM ${CALL.$from}
  WHERE ${every(lastHours(1), BILLABLE_CALL, selection(CALL))}
    AND ${CALL.effective_cost_usd} > 0
  ORDER BY ${CALL.effective_cost_usd} DESC, ${CALL.started_at} DESC
  LIMIT 20`;

/** The calls that cost most, with a way to their traces. */
export const EXPENSIVE_CALLS: PanelSpec = {
  id: 12,
  title: "Most expensive calls of the range's last hour",
  text: {
    shows: "The 20 calls of the range's last hour that cost most. A trace id opens the trace.",
    from: 'ledger',
    time: 'event',
    empty: "no call with a cost in the range's last hour",
  },
  drawing: 'table',
  width: 24,
  height: 9,
  unit: units.Short,
  targets: [fromSql(EXPENSIVE)],
  fields: {
    time: { title: 'Began' },
    tenant: { title: 'Tenant' },
    service: { title: 'Service' },
    model: { title: 'Model', links: [toBoard('models', 'Performance of this model', 'model')] },
    cost_usd: { title: 'Cost', unit: units.Dollars, decimals: 6 },
    input_tokens: { title: 'Input' },
    output_tokens: { title: 'Output' },
    seconds: { title: 'Duration', unit: units.Seconds },
    trace_id: { title: 'Trace', links: [TO_TRACE] },
  },
};
