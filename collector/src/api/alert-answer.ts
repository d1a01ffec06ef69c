import { z } from 'zod';
import { ALERT_KINDS, ALERT_SEVERITIES, ALERT_STATES } from '../alerts/alert.ts';
import type { ListedAlert } from '../alerts/list-alerts.ts';

/** An alert as the API answers it. */
export const ALERT: z.ZodObject = z.object({
  id: z.string(),
  tenant: z.string().describe("Empty: the operator's own, over all tenants."),
  name: z.string().describe('The same on every occasion: kind and subject. What is limited and ignored.'),
  kind: z.enum(ALERT_KINDS),
  subject: z.string(),
  severity: z.enum(ALERT_SEVERITIES),
  state: z.enum(ALERT_STATES),
  summary: z.string(),
  detail: z
    .record(z.string(), z.unknown())
    .describe('Figures behind the summary; money as exact decimal text.'),
  started_at: z.string().describe('ISO 8601 UTC with microseconds, as all instants here.'),
  last_seen_at: z.string(),
  ends_at: z.string().nullable().describe('When the occasion is over; null: only an event ends it.'),
  resolved_at: z.string().nullable(),
  ignored_until: z.string().nullable().describe('Of an ignored one; null is for good.'),
  state_changed_at: z.string(),
  state_changed_by: z.string().nullable().describe('Null: the collector itself.'),
  note: z.string().nullable(),
});

/** An alert as it might be. */
export const EXAMPLE_ALERT: ListedAlert = {
  id: '42',
  tenant: 'acme',
  name: 'budget/default/100',
  kind: 'budget',
  subject: 'default/100',
  severity: 'warning',
  state: 'firing',
  summary: 'Daily cost threshold exceeded: $12.50 > $10.00',
  detail: { budget: 'default', period: 'day', limit_usd: '10.000000000000', spent_usd: '12.500000000000' },
  started_at: '2026-11-21T10:15:30.123456Z',
  last_seen_at: '2026-11-21T10:20:30.123456Z',
  ends_at: '2026-11-22T00:00:00.000000Z',
  resolved_at: null,
  ignored_until: null,
  state_changed_at: '2026-11-21T10:15:30.123456Z',
  state_changed_by: null,
  note: null,
};
