import type { MetricName } from '@spanmeter/processors';
import type { BoardName, UIDS } from '../links.ts';
import { highest } from './series.ts';

/** `critical` pages somebody, `warning` is a ticket, `info` is for those who look. */
export type Severity = 'critical' | 'warning' | 'info';

/** How a figure is written in a text. */
export type Unit = 'usd' | 'percent' | 'duration' | 'count' | 'factor';

/**
 * A text with placeholders: `{tenant}` is a label of the alert, `{tenant|all tenants}` one that may be empty, `{$value}`
 * and `{$bound}` its figures, `{$period}` the period of a budget as an adjective. One syntax, since Prometheus and
 * Grafana write templates differently.
 */
export type Text = string;

/** An alert, from which the rule of Prometheus, the one of Grafana and a line of docs/alert-rules.md are built. */
export interface AlertRule {
  /** CamelCase, `GenAI` first; also the name of its runbook. */
  readonly name: string;
  readonly severity: Severity;
  /** PromQL whose result has the labels of `labels` and no other. Floors on volume are part of it. */
  readonly value: string;
  readonly comparison: '>' | '>=' | '<';
  /** A number, or a gauge with the same labels. */
  readonly bound: number | MetricName;
  /** Labels of our own that the alert has, and that its texts may name. Never one that a scrape adds. */
  readonly labels: readonly string[];
  readonly unit: Unit;
  /** How long it must hold, such as `5m`; `0s` is at once. */
  readonly for: string;
  readonly keepFiringFor?: string;
  /** One line that is the same for every occasion. */
  readonly summary: string;
  readonly description: Text;
  readonly dashboard: Dashboard;
  /** What it says in a sentence, for docs/alert-rules.md. */
  readonly meaning: string;
}

/** Where a look at the matter starts: a dashboard of ours, with variables from labels. */
export interface Dashboard {
  readonly uid: (typeof UIDS)[BoardName];
  /** Variable of the dashboard to label of the alert. */
  readonly variables?: Readonly<Record<string, string>>;
}

export interface RecordingRule {
  /** `level:metric:operations`. */
  readonly record: string;
  readonly expr: string;
}

/** Rules that are evaluated together, in this order. */
export interface RuleGroup<Rule> {
  readonly name: string;
  /** Between evaluations; without it the one of Prometheus' configuration. */
  readonly interval?: string;
  readonly rules: readonly Rule[];
}

/** Where the links of alerts lead. Replace them by one `sed` over the built files. */
export const LINKS = {
  runbooks: 'https://github.com/spanmeter/spanmeter/blob/main/docs/runbooks',
  grafana: 'http://localhost:3000',
} as const;

/** PromQL of what a rule's value is compared with. */
export function boundOf({ bound, labels }: Pick<AlertRule, 'bound' | 'labels'>): string {
  return typeof bound === 'number' ? String(bound) : highest(labels, bound);
}

/** The condition of a rule as one PromQL expression that has a result exactly while it holds. */
export function expressionOf(rule: AlertRule): string {
  return `(\n${rule.value.replaceAll(/^/gm, '  ')}\n) ${rule.comparison} ${boundOf(rule)}`;
}
