import { bounded, oneLine, tenantLabel, type Message } from './message.ts';

const MAX_SUBJECT = 200;
const MAX_TENANT = 60;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

/** One line, so that no name can add a header. */
export function emailSubject({ alert, kind, tenant, text }: Message): string {
  const [first = ''] = text.split('\n');
  if (alert === null) return bounded(oneLine(`Spanmeter: ${first}`), MAX_SUBJECT);
  const mark = kind === 'resolved' ? 'resolved' : alert.severity;
  const who = bounded(oneLine(tenantLabel(tenant)), MAX_TENANT);
  return bounded(oneLine(`[${mark}] ${who}: ${alert.summary}`), MAX_SUBJECT);
}

function facts({ alert, tenant, kind }: Message): readonly (readonly [string, string])[] {
  if (alert === null) return [];
  const state = kind === 'resolved' ? 'resolved' : alert.state;
  return [
    ['Tenant', tenantLabel(tenant)],
    ['Alert', alert.name],
    ['Severity', alert.severity],
    ['State', state],
    ['Since', alert.startedAt],
  ];
}

/** The whole message as plain text. */
export function emailText(message: Message): string {
  const lines = facts(message).map(([label, value]) => `${label}: ${oneLine(value)}`);
  const link = message.dashboardUrl === null ? [] : [`Dashboard: ${message.dashboardUrl}`];
  const parts = [message.text, [...lines, ...link].join('\n'), `Spanmeter ${message.id}`];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

/** The same as HTML: no image, no style sheet, nothing fetched. */
export function emailHtml(message: Message): string {
  const rows = facts(message).map(
    ([label, value]) =>
      `<tr><td style="color:#666;padding-right:1em">${label}</td><td>${escapeHtml(oneLine(value))}</td></tr>`,
  );
  const table = rows.length === 0 ? '' : `<table>${rows.join('')}</table>`;
  const { dashboardUrl: url } = message;
  const link = url === null ? '' : `<p><a href="${escapeHtml(url)}">Open dashboard</a></p>`;
  const text = `<p style="white-space:pre-wrap;font-size:1.1em">${escapeHtml(message.text)}</p>`;
  const foot = `<p style="color:#999">Spanmeter ${escapeHtml(message.id)}</p>`;
  return `<!doctype html><html><body style="font-family:sans-serif">${text}${table}${link}${foot}</body></html>`;
}
