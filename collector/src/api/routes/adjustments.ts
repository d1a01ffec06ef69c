import { COST_STATUSES } from '@spanmeter/processors';
import { z } from 'zod';
import { readAdjustments } from '../adjustment-query.ts';
import { decodePlace, encodePlace } from '../page-cursor.ts';
import { PARAMETERS, USD } from '../parameters.ts';
import { resolveRange } from '../range.ts';
import { defineRoute, tenantFor, type Route } from '../route.ts';

const QUERY = z.strictObject({
  tenant: PARAMETERS.tenant,
  from: PARAMETERS.from,
  to: PARAMETERS.to,
  run_id: PARAMETERS.runId,
  trace_id: PARAMETERS.traceId,
  limit: PARAMETERS.limit,
  cursor: PARAMETERS.cursor,
});

const ADJUSTMENT = z.object({
  id: z.string(),
  tenant: z.string(),
  started_at: z.string().describe('Start of the call: ISO 8601 UTC with microseconds.'),
  trace_id: z.string(),
  span_id: z.string(),
  created_at: z.string().describe('When the correction was made.'),
  run_id: z.string(),
  reason: z.string(),
  delta_usd: USD.describe('What the correction adds to spend.'),
  old_cost_usd: USD.nullable().describe('Null: the cost was not known.'),
  new_cost_usd: USD.nullable().describe('Null: the cost is not known any more.'),
  old_status: z.enum(COST_STATUSES),
  new_status: z.enum(COST_STATUSES),
  old_price_version: z.string().nullable(),
  new_price_version: z.string().nullable(),
});

const ANSWER = z.object({
  adjustments: z.array(ADJUSTMENT),
  next_cursor: z.string().nullable().describe('Null on the last page.'),
});

const PLACE = z.tuple([
  z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/),
  z.string().regex(/^\d{1,18}$/),
]);

const OPEN_FROM = '1970-01-01T00:00:00Z';
const OPEN_TO = '2999-12-31T00:00:00Z';

/** [contract] Corrections of stored costs, newest first: what an auditor needs to follow an amount. */
export const ADJUSTMENTS: Route = defineRoute({
  path: '/api/v1/adjustments',
  summary: 'Corrections of costs, newest first',
  description:
    'Calls are never changed: each correction is a row of its own. `from` and `to` are when it was made, not when the call began.',
  access: 'spend',
  query: QUERY,
  answer: ANSWER,
  example: {
    adjustments: [
      {
        id: '17',
        tenant: 'acme',
        started_at: '2026-11-20T10:15:30.123456Z',
        trace_id: '0af7651916cd43dd8448eb211c80319c',
        span_id: 'b7ad6b7169203331',
        created_at: '2026-11-21T09:00:00.000000Z',
        run_id: '5a0f3e0e-3b63-4c43-9b8c-3a3d5f0c6f0e',
        reason: 'reprice',
        delta_usd: '-0.000450000000',
        old_cost_usd: '0.001350000000',
        new_cost_usd: '0.000900000000',
        old_status: 'priced',
        new_status: 'priced',
        old_price_version: '7d0c',
        new_price_version: '91fe',
      },
    ],
    next_cursor: null,
  },
  async handle(query, { identity, reader }) {
    const tenant = tenantFor(identity, query.tenant);
    const { cursor, limit, from, to, run_id: runId, trace_id: traceId } = query;
    const question = ['adjustments', tenant, from ?? null, to ?? null, runId ?? null, traceId ?? null];
    const place = cursor === undefined ? null : decodePlace(cursor, PLACE, question);
    const after = place === null ? null : { createdAt: place[0], id: place[1] };
    const page = await reader.read(tenant, async (reading) => {
      const bounded = from !== undefined || to !== undefined;
      const range = bounded
        ? await resolveRange(reading, { from: from ?? OPEN_FROM, to: to ?? OPEN_TO }, false)
        : { from: null, to: null };
      return readAdjustments(reading, { ...range, traceId, runId, after, limit });
    });
    const next = page.next === null ? null : encodePlace([page.next.createdAt, page.next.id], question);
    return { json: { adjustments: page.adjustments, next_cursor: next } };
  },
});
