import { BUDGET_ALERTS } from './budget-alerts.ts';
import { COLLECTOR_ALERTS } from './collector-alerts.ts';
import { DATA_ALERTS } from './data-alerts.ts';
import { PROVIDER_ALERTS } from './provider-alerts.ts';
import type { AlertRule, RuleGroup } from './rule.ts';

/** Every alert, in groups. From this one list come Prometheus' rules, Grafana's pack, and docs/alert-rules.md. */
export const ALERT_GROUPS: readonly RuleGroup<AlertRule>[] = [
  BUDGET_ALERTS,
  DATA_ALERTS,
  PROVIDER_ALERTS,
  COLLECTOR_ALERTS,
];

/** Every alert. */
export const ALERT_RULES: readonly AlertRule[] = ALERT_GROUPS.flatMap(({ rules }) => rules);
