import { z } from 'zod';
import { ALERT_KINDS, ALERT_SEVERITIES, ALERT_STATES } from '../../alerts/alert.ts';
import { changeAlert, ignoredUntil, MAX_NOTE_LENGTH, type AlertAction } from '../../alerts/change-alert.ts';
import { listAlerts } from '../../alerts/list-alerts.ts';
import { ALERT, EXAMPLE_ALERT } from '../alert-answer.ts';
import { decodePlace, encodePlace } from '../page-cursor.ts';
import { PARAMETERS } from '../parameters.ts';
import { defineChange, defineRoute, tenantFor, type Route, type RouteContext } from '../route.ts';

/** One of `values` or several, with commas between them. */
function someOf<T extends string>(values: readonly T[], what: string) {
  const isOne = (text: string): text is T => values.some((value) => value === text);
  return z
    .string()
    .max(256)
    .refine(
      (text) => text.split(',').every(isOne),
      `must be of ${values.join(', ')}, with commas between them`,
    )
    .transform((text) => text.split(',').filter(isOne))
    .optional()
    .describe(`${what}: one or several of ${values.join(', ')}, with commas between them.`);
}

const QUERY = z.strictObject({
  tenant: PARAMETERS.tenant,
  state: someOf(ALERT_STATES, 'State'),
  severity: someOf(ALERT_SEVERITIES, 'Severity'),
  kind: someOf(ALERT_KINDS, 'Kind'),
  limit: PARAMETERS.limit,
  cursor: PARAMETERS.cursor,
});

const PLACE = z.tuple([
  z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/),
  z.string().regex(/^\d{1,18}$/),
]);

/** [contract] Alerts, newest first. */
const LIST: Route = defineRoute({
  path: '/api/v1/alerts',
  summary: 'Alerts, newest first',
  description:
    'Exceeded steps of budgets, unusual spend, models without a price and silent tenants. Resolved ones are kept ' +
    'for 90 days.',
  access: 'spend',
  query: QUERY,
  answer: z.object({
    alerts: z.array(ALERT),
    next_cursor: z.string().nullable().describe('Null on the last page.'),
  }),
  example: { alerts: [EXAMPLE_ALERT], next_cursor: null },
  async handle(query, { identity, reader }) {
    const tenant = tenantFor(identity, query.tenant);
    const { state, severity, kind, limit, cursor } = query;
    const question = ['alerts', tenant, state ?? null, severity ?? null, kind ?? null];
    const place = cursor === undefined ? null : decodePlace(cursor, PLACE, question);
    const { alerts, next } = await reader.read(tenant, (reading) =>
      listAlerts((text, values) => reading.query(text, values), {
        tenant,
        states: state ?? null,
        severities: severity ?? null,
        kinds: kind ?? null,
        after: place === null ? null : { startedAt: place[0], id: place[1] },
        limit,
      }),
    );
    const nextCursor = next === null ? null : encodePlace([next.startedAt, next.id], question);
    return { json: { alerts, next_cursor: nextCursor } };
  },
});

const CHANGE_QUERY = z.strictObject({
  tenant: PARAMETERS.tenant.describe('Whose alert it must be; absent, anybody’s.'),
});

const note = z
  .string()
  .trim()
  .min(1)
  .max(MAX_NOTE_LENGTH)
  .refine((text) => !text.includes('\0') && !/\p{Cs}/u.test(text), 'must be valid text without NUL')
  .nullish()
  .describe('Why, for those who look at it later; kept where none is given.');

const until = z.iso
  .datetime({ offset: true, local: false })
  .refine((text) => ignoredUntil(text) !== null, 'must be an instant from 1970 to 9999')
  .nullish()
  .describe('ISO 8601 instant with its offset, in the future; without it, for good.');

interface Changed {
  readonly note?: string | null | undefined;
  readonly until?: string | null | undefined;
}

async function change(
  action: AlertAction,
  tenant: string | undefined,
  { writer, params }: RouteContext,
  body: Changed,
): Promise<{ json: unknown }> {
  const asked = { note: body.note ?? null, until: body.until == null ? null : ignoredUntil(body.until) };
  const request = { id: params['id'] ?? '', tenant: tenant ?? null, action, ...asked, actor: writer.actor };
  const alert = await writer.write((client) => changeAlert(client, request));
  return { json: { alert } };
}

const ANSWER = z.object({ alert: ALERT });
const BODY = z.strictObject({ note });

/** [contract] Somebody is at it: quiet on this occasion. */
const ACKNOWLEDGE: Route = defineChange({
  method: 'POST',
  path: '/api/v1/alerts/{id}/acknowledge',
  summary: 'Acknowledge an alert',
  description:
    'Nobody is told of it any more on this occasion. One that was ignored is told of again on the next.',
  query: CHANGE_QUERY,
  body: BODY,
  answer: ANSWER,
  example: {
    alert: { ...EXAMPLE_ALERT, state: 'acknowledged', state_changed_by: 'key:ops', note: 'is known' },
  },
  handle: (query, context, body) => change('acknowledge', query.tenant, context, body),
});

/** [contract] Done with: nothing raises it again on this occasion. */
const RESOLVE: Route = defineChange({
  method: 'POST',
  path: '/api/v1/alerts/{id}/resolve',
  summary: 'Resolve an alert',
  description: 'It stays resolved for this occasion, whatever is spent. The next occasion is another alert.',
  query: CHANGE_QUERY,
  body: BODY,
  answer: ANSWER,
  example: {
    alert: {
      ...EXAMPLE_ALERT,
      state: 'resolved',
      resolved_at: '2026-11-21T11:00:00.000000Z',
      state_changed_by: 'key:ops',
    },
  },
  handle: (query, context, body) => change('resolve', query.tenant, context, body),
});

/** [contract] Not to be told of, on later occasions too. */
const IGNORE: Route = defineChange({
  method: 'POST',
  path: '/api/v1/alerts/{id}/ignore',
  summary: 'Ignore an alert by its name',
  description:
    'Nobody is told of alerts of its name and tenant, on later occasions too: until an instant, or for good. ' +
    'Acknowledging one of them ends that.',
  query: CHANGE_QUERY,
  body: z.strictObject({ note, until }),
  answer: ANSWER,
  example: { alert: { ...EXAMPLE_ALERT, state: 'ignored', ignored_until: '2026-12-01T00:00:00.000000Z' } },
  handle: (query, context, body) => change('ignore', query.tenant, context, body),
});

/** [contract] Alerts: listed, acknowledged, resolved, ignored. */
export const ALERTS: readonly Route[] = [LIST, ACKNOWLEDGE, RESOLVE, IGNORE];
