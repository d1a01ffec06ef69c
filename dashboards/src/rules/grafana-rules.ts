import { DATASOURCES } from '../provisioning/datasources.ts';
import { annotationsOf } from './prometheus-rules.ts';
import type { AlertRule, RuleGroup } from './rule.ts';
import { boundOf } from './rule.ts';
import { descriptionOf, GRAFANA_TEMPLATES } from './texts.ts';

const EXPRESSION_UID = '__expr__';
/** Grafana keeps a uid to 40 characters. */
const MAX_UID = 40;

/** Stable from version to version, so that Grafana changes a rule instead of adding another. */
export function grafanaUid({ name }: AlertRule): string {
  const uid = `spanmeter-${name
    .replace(/^GenAI/, '')
    .replaceAll(/(?<=[a-z])(?=[A-Z])/g, '-')
    .toLowerCase()}`;
  if (uid.length > MAX_UID) throw new Error(`uid ${uid} is longer than ${MAX_UID}`);
  return uid;
}

function query(refId: string, expr: string): object {
  return {
    refId,
    queryType: '',
    relativeTimeRange: { from: 600, to: 0 },
    datasourceUid: DATASOURCES.prometheus,
    model: { refId, expr, instant: true, range: false, editorMode: 'code', legendFormat: '__auto' },
  };
}

/** What the rule holds on: 1 for every series of A that is beyond the bound. */
function condition(expression: string): object {
  return {
    refId: 'C',
    queryType: '',
    relativeTimeRange: { from: 0, to: 0 },
    datasourceUid: EXPRESSION_UID,
    model: {
      refId: 'C',
      type: 'math',
      expression,
      datasource: { type: EXPRESSION_UID, uid: EXPRESSION_UID },
    },
  };
}

function grafanaRule(rule: AlertRule): object {
  const isNumber = typeof rule.bound === 'number';
  return {
    uid: grafanaUid(rule),
    title: rule.name,
    condition: 'C',
    data: [
      query('A', rule.value),
      ...(isNumber ? [] : [query('B', boundOf(rule))]),
      condition(`$A ${rule.comparison} ${isNumber ? rule.bound : '$B'}`),
    ],
    // The queries have results only where there is something to compare: none is the healthy state.
    noDataState: 'OK',
    execErrState: 'Error',
    for: rule.for,
    ...(rule.keepFiringFor !== undefined && { keepFiringFor: rule.keepFiringFor }),
    annotations: annotationsOf(rule, descriptionOf(rule, GRAFANA_TEMPLATES)),
    // Grafana adds the labels of the result. A template here would need `$$labels`: labels of files expand `$`.
    labels: { severity: rule.severity },
    isPaused: false,
  };
}

/** The same alerts as rules that Grafana evaluates, for sites without Alertmanager. */
export function grafanaRuleFile(groups: readonly RuleGroup<AlertRule>[]): object {
  return {
    apiVersion: 1,
    groups: groups.map(({ name, interval, rules }) => ({
      orgId: 1,
      name,
      folder: 'Spanmeter alerts',
      // Grafana evaluates in multiples of 10 s.
      interval: interval ?? '10s',
      rules: rules.map(grafanaRule),
    })),
  };
}
