import { randomUUID } from 'node:crypto';
import { dashboardLink } from './dashboard-link.ts';
import { messageId, type Message } from './message.ts';
import { TEST_TEXT } from './row-message.ts';

/** What `spanmeter alert test` sends: never the same twice. */
export function testMessage(dashboards: string | null): Message {
  const about = { tenant: '', alert: null };
  return {
    id: messageId(['test', randomUUID()]),
    kind: 'test',
    ...about,
    summary: null,
    dashboardUrl: dashboardLink(dashboards, about),
    text: TEST_TEXT,
  };
}
