import { z } from 'zod';
import { CALL_ANSWER } from '../call-answer.ts';
import { readCalls } from '../call-query.ts';
import { EXAMPLE_CALL } from '../example-call.ts';
import { decodeCursor, encodeCursor } from '../page-cursor.ts';
import { PARAMETERS } from '../parameters.ts';
import { resolveRange } from '../range.ts';
import { defineRoute, tenantFor, type Route } from '../route.ts';

const QUERY = z.strictObject({
  trace_id: PARAMETERS.traceId,
  tenant: PARAMETERS.tenant,
  model: PARAMETERS.model,
  provider: PARAMETERS.provider,
  service_name: PARAMETERS.serviceName,
  team: PARAMETERS.team,
  user: PARAMETERS.user,
  cost_status: PARAMETERS.costStatus,
  from: PARAMETERS.from,
  to: PARAMETERS.to,
  limit: PARAMETERS.limit,
  cursor: PARAMETERS.cursor,
});

const ANSWER = z.object({
  calls: z.array(CALL_ANSWER),
  next_cursor: z.string().nullable().describe('Null on the last page.'),
});

/** Sides of the range that are not asked for stay open. */
const OPEN_FROM = '1970-01-01T00:00:00Z';
const OPEN_TO = '2999-12-31T00:00:00Z';

/** [contract] Single calls, newest first, by filters and pages. */
export const CALLS: Route = defineRoute({
  path: '/api/v1/calls',
  summary: 'Calls, newest first',
  description: 'Pages by cursor: calls that arrive meanwhile neither repeat nor hide one of a later page.',
  access: 'spend',
  query: QUERY,
  answer: ANSWER,
  example: { calls: [EXAMPLE_CALL], next_cursor: null },
  async handle(query, { identity, reader }) {
    const tenant = tenantFor(identity, query.tenant);
    const { cursor, limit, from, to, tenant: _asked, ...filters } = query;
    const question = [tenant, from ?? null, to ?? null, filters];
    const after = cursor === undefined ? null : decodeCursor(cursor, question);
    const page = await reader.read(tenant, async (reading) => {
      const bounded = from !== undefined || to !== undefined;
      const range = bounded
        ? await resolveRange(reading, { from: from ?? OPEN_FROM, to: to ?? OPEN_TO }, false)
        : { from: null, to: null };
      return readCalls(reading, { ...range, filters, after, limit });
    });
    const next = page.next === null ? null : encodeCursor(page.next, question);
    return { json: { calls: page.calls, next_cursor: next } };
  },
});
