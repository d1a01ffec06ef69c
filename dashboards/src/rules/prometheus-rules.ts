import type { AlertRule, RecordingRule, RuleGroup } from './rule.ts';
import { expressionOf, LINKS } from './rule.ts';
import { dashboardLink, descriptionOf, PROMETHEUS_TEMPLATES } from './texts.ts';

interface RuleFile {
  readonly groups: readonly object[];
}

/** Annotations that every alert has, whoever evaluates it. */
export function annotationsOf(rule: AlertRule, description: string): Readonly<Record<string, string>> {
  return {
    summary: rule.summary,
    description,
    runbook_url: `${LINKS.runbooks}/${rule.name}.md`,
    dashboard_url: dashboardLink(LINKS.grafana, rule.dashboard),
  };
}

function group<Rule>({ name, interval }: RuleGroup<Rule>, rules: readonly object[]): object {
  return { name, ...(interval !== undefined && { interval }), rules };
}

/** The rule file of alerts, as Prometheus reads it. */
export function alertRuleFile(groups: readonly RuleGroup<AlertRule>[]): RuleFile {
  const one = (rule: AlertRule): object => ({
    alert: rule.name,
    expr: expressionOf(rule),
    for: rule.for,
    ...(rule.keepFiringFor !== undefined && { keep_firing_for: rule.keepFiringFor }),
    labels: { severity: rule.severity },
    annotations: annotationsOf(rule, descriptionOf(rule, PROMETHEUS_TEMPLATES)),
  });
  return { groups: groups.map((each) => group(each, each.rules.map(one))) };
}

/** The rule file of what is recorded. */
export function recordingRuleFile(groups: readonly RuleGroup<RecordingRule>[]): RuleFile {
  return { groups: groups.map((each) => group(each, [...each.rules])) };
}
