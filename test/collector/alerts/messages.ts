import type { Message, NotifiedAlert } from '@spanmeter/collector/dist/alerts/delivery/message.js';

/** An alert's message, with anything changed. */
export function alertMessage(alert: Partial<NotifiedAlert> = {}, message: Partial<Message> = {}): Message {
  const tenant = alert.tenant ?? 'acme';
  const whole: NotifiedAlert = {
    id: '7',
    tenant,
    name: 'budget/default/100',
    kind: 'budget',
    subject: 'default/100',
    severity: 'critical',
    state: 'firing',
    summary: 'Daily cost threshold exceeded: $12.50 > $10.00',
    detail: { spent_usd: '12.500000000000' },
    startedAt: '2026-11-21T10:00:00.000Z',
    resolvedAt: null,
    ...alert,
  };
  return {
    id: 'msg_0123456789abcdef0123456789abcdef',
    kind: 'firing',
    tenant,
    alert: whole,
    summary: null,
    dashboardUrl: 'https://grafana.example.com/d/spanmeter-budgets?var-tenant=acme',
    text: whole.summary,
    ...message,
  };
}

/** Names that break what is careless with them. */
export const HOSTILE_NAMES: readonly string[] = [
  `"double" and 'single' & <b>tags</b>`,
  '<!channel> <https://evil.example|click>',
  'ünï 日本語 🦊',
  'line\r\nBcc: victim@example.com\r\n\r\nbody',
  'x'.repeat(300),
  '\u202Egnp.exe\u200B',
  'https://evil.example/ #general @here',
  '&'.repeat(300),
  '🦊'.repeat(150),
];
