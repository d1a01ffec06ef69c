/** What an alert is about. */
export const ALERT_KINDS = ['budget', 'spend_anomaly', 'unpriced_model', 'silent_tenant'] as const;
export type AlertKind = (typeof ALERT_KINDS)[number];

export const ALERT_SEVERITIES = ['info', 'warning', 'critical'] as const;
export type AlertSeverity = (typeof ALERT_SEVERITIES)[number];

/** `acknowledged`: somebody is at it; `ignored`: not to be told of until `ignoredUntil`, or at all. */
export const ALERT_STATES = ['firing', 'acknowledged', 'ignored', 'resolved'] as const;
export type AlertState = (typeof ALERT_STATES)[number];

/** Something to tell of, as whoever notices it says it; the same signal again changes nothing but the time. */
export interface AlertSignal {
  /** '' for the operator's. */
  readonly tenantId: string;
  readonly kind: AlertKind;
  /** What, within the kind: `<budget id>/<percent>`, `<provider>/<model>`. With the kind it is the alert's name. */
  readonly subject: string;
  /** Tells occasions of one name apart: a period's start, an hour. */
  readonly occasion: string;
  readonly severity: AlertSeverity;
  /** One line for people: `Daily cost threshold exceeded: $12.50 > $10.00`. */
  readonly summary: string;
  /** Figures behind the summary; money as exact decimal strings. */
  readonly detail: Readonly<Record<string, string | number | boolean | null>>;
}

/** A stored alert. */
export interface Alert extends AlertSignal {
  readonly id: string;
  /** `<kind>/<subject>`. */
  readonly name: string;
  readonly state: AlertState;
  readonly startedAtMs: number;
  readonly lastSeenAtMs: number;
  readonly resolvedAtMs: number | null;
  readonly ignoredUntilMs: number | null;
  readonly stateChangedBy: string | null;
  readonly note: string | null;
}
