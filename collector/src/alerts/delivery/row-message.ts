import { summaryText } from '../summary/summary-text.ts';
import { dashboardLink } from './dashboard-link.ts';
import { alertText, messageId, type Message, type NotifiedAlert } from './message.ts';
import type { Claimed } from './outbox.ts';

/** What a test says, wherever it is sent from. */
export const TEST_TEXT = 'Test notification from Spanmeter: this channel works.';

function notifiedAlert({ tenant, alert }: Claimed): NotifiedAlert | null {
  if (alert === null) return null;
  const { startedAt, resolvedAt, ...rest } = alert;
  const resolved = resolvedAt === null ? null : resolvedAt.toISOString();
  return { ...rest, tenant, startedAt: startedAt.toISOString(), resolvedAt: resolved };
}

function textOf(row: Claimed, alert: NotifiedAlert | null): string | null {
  if (row.kind === 'test') return TEST_TEXT;
  if (row.kind === 'summary') return row.summary === null ? null : summaryText(row.summary);
  return alert === null ? null : alertText(row.kind, alert);
}

/** The message that a row stands for; null where what it is about is missing. */
export function rowMessage(row: Claimed, dashboards: string | null): Message | null {
  const alert = notifiedAlert(row);
  const text = textOf(row, alert);
  if (text === null) return null;
  const about = { tenant: row.tenant, alert };
  return {
    id: messageId([row.tenant, row.id, row.createdAt]),
    kind: row.kind,
    ...about,
    summary: row.summary,
    dashboardUrl: dashboardLink(dashboards, about),
    text,
  };
}
