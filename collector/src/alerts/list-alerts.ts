import type { AlertKind, AlertSeverity, AlertState } from './alert.ts';

/** An alert for people and programs; instants are ISO 8601 UTC with microseconds. */
export interface ListedAlert {
  readonly id: string;
  /** '' for the operator's. */
  readonly tenant: string;
  readonly name: string;
  readonly kind: AlertKind;
  readonly subject: string;
  readonly severity: AlertSeverity;
  readonly state: AlertState;
  readonly summary: string;
  /** Figures behind the summary; money as exact decimal strings. */
  readonly detail: Readonly<Record<string, unknown>>;
  readonly started_at: string;
  readonly last_seen_at: string;
  readonly ends_at: string | null;
  readonly resolved_at: string | null;
  readonly ignored_until: string | null;
  readonly state_changed_at: string;
  /** Null where nobody but the collector itself did. */
  readonly state_changed_by: string | null;
  readonly note: string | null;
}

/** The place of an alert in the list. */
export interface AlertPlace {
  readonly startedAt: string;
  readonly id: string;
}

export interface AlertFilter {
  /** Null is all tenants and the operator's. */
  readonly tenant: string | null;
  readonly states: readonly AlertState[] | null;
  readonly severities: readonly AlertSeverity[] | null;
  readonly kinds: readonly AlertKind[] | null;
  /** The last alert of the page before. */
  readonly after: AlertPlace | null;
  readonly limit: number;
}

type Query = <R extends object>(text: string, values: readonly unknown[]) => Promise<R[]>;

function iso(column: string): string {
  return `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}

/** The columns of a `ListedAlert`. */
export const ALERT_COLUMNS: string = `a.id::text, a.tenant_id AS tenant, a.name, a.kind, a.subject, a.severity, a.state,
  a.summary, coalesce(a.detail, '{}') AS detail, ${iso('a.started_at')} AS started_at,
  ${iso('a.last_seen_at')} AS last_seen_at, ${iso('a.ends_at')} AS ends_at, ${iso('a.resolved_at')} AS resolved_at,
  ${iso('a.ignored_until')} AS ignored_until, ${iso('a.state_changed_at')} AS state_changed_at, a.state_changed_by,
  a.note`;

/** One page of alerts, the newest first, and where the next begins. Rejects with the driver's error. */
export async function listAlerts(
  query: Query,
  filter: AlertFilter,
): Promise<{ readonly alerts: readonly ListedAlert[]; readonly next: AlertPlace | null }> {
  const values: unknown[] = [filter.limit + 1];
  const place = (value: unknown): string => `$${values.push(value)}`;
  const conditions: string[] = ['true'];
  if (filter.tenant !== null) conditions.push(`tenant_id = ${place(filter.tenant)}`);
  if (filter.states !== null) conditions.push(`state = ANY (${place(filter.states)}::text[])`);
  if (filter.severities !== null) conditions.push(`severity = ANY (${place(filter.severities)}::text[])`);
  if (filter.kinds !== null) conditions.push(`kind = ANY (${place(filter.kinds)}::text[])`);
  if (filter.after !== null) {
    const { startedAt, id } = filter.after;
    conditions.push(`(started_at, id) < (${place(startedAt)}::timestamptz, ${place(id)}::bigint)`);
  }
  const rows = await query<ListedAlert>(
    `SELECT ${ALERT_COLUMNS} FROM (
       SELECT * FROM spanmeter.alerts WHERE ${conditions.join(' AND ')}
       ORDER BY started_at DESC, id DESC LIMIT $1::int
     ) AS a ORDER BY a.started_at DESC, a.id DESC`,
    values,
  );
  const alerts = rows.slice(0, filter.limit);
  const last = alerts.at(-1);
  const more = rows.length > filter.limit && last !== undefined;
  return { alerts, next: more ? { startedAt: last.started_at, id: last.id } : null };
}
