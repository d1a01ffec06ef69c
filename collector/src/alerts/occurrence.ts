import { storableText } from '@spanmeter/processors';
import type { AlertSignal } from './alert.ts';

const MAX_SUMMARY_BYTES = 1024;
const MAX_SUBJECT_BYTES = 1024;
/** Longest value of the figures: a tenant's id is the longest name there is. */
const MAX_FIGURE_BYTES = 512;

/** A signal with what the store has to know besides: when it ends by itself, and what it stands in for. */
export interface Occurrence extends AlertSignal {
  /** When the occasion is over; null where only an event ends it. */
  readonly endsAtMs: number | null;
  /** Of alerts of one series and tenant only the one of the highest rank stands; null: it stands by itself. */
  readonly series: { readonly key: string; readonly rank: number } | null;
}

/** What is the same on every occasion: `<kind>/<subject>`. */
export function alertName({ kind, subject }: Pick<AlertSignal, 'kind' | 'subject'>): string {
  return `${kind}/${storableText(subject, MAX_SUBJECT_BYTES)}`;
}

/** Tells one alert of a tenant from every other. */
export function fingerprintOf(signal: Pick<AlertSignal, 'kind' | 'subject' | 'occasion'>): string {
  return `${alertName(signal)} ${signal.occasion}`;
}

/** One line that neither ends early nor turns a terminal, a mail or a chat message into something else. */
export function oneLine(text: string, maxBytes: number = MAX_SUMMARY_BYTES): string {
  return storableText(text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' '), maxBytes);
}

/** An occurrence as the store's statements read it. */
export interface GivenRow {
  readonly tenant_id: string;
  readonly kind: string;
  readonly subject: string;
  readonly name: string;
  readonly fingerprint: string;
  readonly severity: string;
  readonly summary: string;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly series: string | null;
  readonly rank: number | null;
  readonly ends_at: string | null;
}

function figureOf(value: string | number | boolean | null): string | number | boolean | null {
  return typeof value === 'string' ? storableText(value, MAX_FIGURE_BYTES) : value;
}

/** Makes an occurrence storable, whatever its text. */
export function givenRow(occurrence: Occurrence): GivenRow {
  const { tenantId, kind, subject, severity, summary, detail, series, endsAtMs } = occurrence;
  return {
    tenant_id: tenantId,
    kind,
    subject: storableText(subject, MAX_SUBJECT_BYTES),
    name: alertName(occurrence),
    fingerprint: fingerprintOf(occurrence),
    severity,
    summary: oneLine(summary),
    detail: Object.fromEntries(Object.entries(detail).map(([name, value]) => [name, figureOf(value)])),
    series: series?.key ?? null,
    rank: series?.rank ?? null,
    ends_at: endsAtMs === null ? null : new Date(endsAtMs).toISOString(),
  };
}
