import { createHash } from 'node:crypto';
import type { AlertKind, AlertSeverity, AlertState } from '../alert.ts';
import type { DailySummary } from '../summary/daily-summary.ts';

export const MESSAGE_KINDS = ['firing', 'resolved', 'summary', 'test'] as const;
export type MessageKind = (typeof MESSAGE_KINDS)[number];

/** An alert as receivers are told of it. */
export interface NotifiedAlert {
  readonly id: string;
  /** '' for the operator's. */
  readonly tenant: string;
  readonly name: string;
  readonly kind: AlertKind;
  readonly subject: string;
  readonly severity: AlertSeverity;
  /** As it is when the message is sent. */
  readonly state: AlertState;
  readonly summary: string;
  readonly detail: Readonly<Record<string, unknown>>;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly resolvedAt: string | null;
}

/** What a channel is given to send. */
export interface Message {
  /** The same on every attempt and on every collector: what receivers tell repeats by. */
  readonly id: string;
  readonly kind: MessageKind;
  /** '' for the operator's. */
  readonly tenant: string;
  /** Of `firing` and `resolved`. */
  readonly alert: NotifiedAlert | null;
  /** Of `summary`. */
  readonly summary: DailySummary | null;
  readonly dashboardUrl: string | null;
  /** The whole in plain words; one line, but for a summary. */
  readonly text: string;
}

/** Makes an id of what identifies a notification in its database; the time keeps databases apart. */
export function messageId(parts: readonly string[]): string {
  return `msg_${createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 32)}`;
}

/** The line that people read: the alert's own summary, and whether it is over. */
export function alertText(kind: MessageKind, alert: Pick<NotifiedAlert, 'summary'>): string {
  return kind === 'resolved' ? `Resolved: ${alert.summary}` : alert.summary;
}

/** How the one that it is about is called in messages. */
export function tenantLabel(tenant: string): string {
  return tenant === '' ? 'all tenants' : tenant;
}

/** At most `limit` characters, cut between code points; what is cut ends in an ellipsis. */
export function bounded(text: string, limit: number): string {
  if (text.length <= limit) return text;
  let out = '';
  for (const character of text) {
    if (out.length + character.length > limit - 1) break;
    out += character;
  }
  return `${out}…`;
}

/** Cf turns the direction of what follows, so that a name reads as another. */
const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;

/** One line without control and format characters. Texts come from PostgreSQL, so they hold no lone surrogates. */
export function oneLine(text: string): string {
  return text.replace(CONTROL, ' ').trim();
}
