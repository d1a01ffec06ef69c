import { VERSION } from '../../telemetry/version.ts';
import type { AlertSeverity } from '../alert.ts';
import type { SlackOptions } from '../channel-options.ts';
import type { Channel } from './channel.ts';
import { attemptPost } from './http-attempt.ts';
import { bounded, oneLine, tenantLabel, type Message } from './message.ts';
import { createScrubber, urlSecrets } from './scrub.ts';

/** Slack's bounds on the text of a section, of a field, and on a link. */
const MAX_SECTION = 3_000;
const MAX_FIELD = 2_000;
const MAX_LINK = 3_000;
/** Of what names something, so that many names leave room for the rest. */
const MAX_NAME = 300;

const MARK: Readonly<Record<AlertSeverity, string>> = { critical: '🔴', warning: '🟠', info: '🔵' };
const OVER = '✅';

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** Text as Slack's mrkdwn shows it: no mention, no link; at most `limit` characters after escaping. */
export function mrkdwn(text: string, limit: number): string {
  const escaped = Array.from(
    text.replaceAll(/\p{Cf}/gu, ''),
    (character) => ENTITIES[character] ?? character,
  );
  const whole = escaped.join('');
  if (whole.length <= limit) return whole;
  let out = '';
  for (const piece of escaped) {
    if (out.length + piece.length > limit - 1) break;
    out += piece;
  }
  return `${out}…`;
}

function name(text: string): string {
  return bounded(oneLine(text), MAX_NAME);
}

/** Verbatim, so that Slack makes no links and mentions of what looks like one. */
function textObject(text: string): object {
  return { type: 'mrkdwn', text, verbatim: true };
}

function field(label: string, text: string): object {
  return textObject(`*${label}*\n${mrkdwn(name(text), MAX_FIELD - label.length - 3)}`);
}

function markOf({ kind, alert }: Message): string {
  if (alert === null) return '';
  return kind === 'resolved' ? `${OVER} ` : `${MARK[alert.severity]} `;
}

/** The body for an incoming webhook: `text` for notifications and for what knows no blocks, blocks for the rest. */
export function slackBody(message: Message): string {
  const { alert, dashboardUrl, tenant, kind } = message;
  const fields =
    alert === null
      ? []
      : [
          field('Tenant', tenantLabel(tenant)),
          field('Severity', kind === 'resolved' ? `${alert.severity}, resolved` : alert.severity),
          field('Alert', alert.name),
          field('Since', alert.startedAt),
        ];
  const isLinked = dashboardUrl !== null && dashboardUrl.length <= MAX_LINK;
  const button = { type: 'button', text: { type: 'plain_text', text: 'Open dashboard' }, url: dashboardUrl };
  const heading = alert === null ? message.text : `${name(tenantLabel(tenant))}: ${message.text}`;
  return JSON.stringify({
    text: mrkdwn(heading, MAX_SECTION),
    blocks: [
      {
        type: 'section',
        text: textObject(mrkdwn(`${markOf(message)}${message.text}`, MAX_SECTION)),
      },
      ...(fields.length === 0 ? [] : [{ type: 'section', fields }]),
      ...(isLinked ? [{ type: 'actions', elements: [button] }] : []),
      { type: 'context', elements: [textObject(`Spanmeter ${mrkdwn(message.id, 100)}`)] },
    ],
    unfurl_links: false,
  });
}

/** Posts to an incoming webhook of Slack. */
export function openSlack(id: string, options: SlackOptions): Channel {
  const url = new URL(options.url.reveal());
  const scrub = createScrubber(urlSecrets(url));
  return {
    id,
    type: 'slack',
    timeoutMs: options.timeout,
    // Slack takes about one a second of a webhook.
    atOnce: 1,
    send: (message, signal) =>
      attemptPost(
        {
          url,
          headers: { 'content-type': 'application/json', 'user-agent': `spanmeter/${VERSION}` },
          body: slackBody(message),
          timeoutMs: options.timeout,
          caFile: options.tls.ca_file ?? null,
        },
        signal,
        scrub,
      ),
    close: () => undefined,
  };
}
