import type { AlertRule, RuleGroup } from './rule.ts';
import { boundOf, expressionOf } from './rule.ts';

/** docs/alert-rules.md: what each alert says, when it fires, and where its runbook is. */
export function alertRulesPage(groups: readonly RuleGroup<AlertRule>[]): string {
  return [
    '# Alert rules',
    '',
    'Built from `dashboards/src/rules`, as `dashboards/rules/spanmeter.alerts.yml` for Prometheus and',
    '`dashboards/grafana/alerting-opt-in/spanmeter.yaml` for Grafana. `critical` pages somebody, `warning` is a ticket,',
    '`info` is for those who look. Alerts have labels of ours alone, so that labels which a scrape adds change nothing.',
    '',
    ...groups.flatMap((group) => [
      `## ${group.name}`,
      '',
      '| alert | severity | for | fires when | labels | runbook |',
      '| --- | --- | --- | --- | --- | --- |',
      ...group.rules.map(row),
      '',
    ]),
    '## Expressions',
    '',
    ...groups.flatMap(({ rules }) => rules.flatMap(expression)),
  ].join('\n');
}

function row(rule: AlertRule): string {
  const labels = rule.labels.map((label) => `\`${label}\``).join(' ');
  const held = rule.keepFiringFor === undefined ? rule.for : `${rule.for}, kept ${rule.keepFiringFor}`;
  const runbook = `[runbook](runbooks/${rule.name}.md)`;
  return `| \`${rule.name}\` | ${rule.severity} | ${held} | ${rule.meaning} | ${labels || '-'} | ${runbook} |`;
}

function expression(rule: AlertRule): string[] {
  return [
    `### ${rule.name}`,
    '',
    `Compared with \`${boundOf(rule)}\`.`,
    '',
    '```promql',
    expressionOf(rule),
    '```',
    '',
  ];
}
