import { OWN_METRICS } from '@spanmeter/processors';

/** One situation, and the alerts of one name that it raises. */
export interface RuleCase {
  /** What happens, as the end of "fires when" or "is silent when". */
  readonly when: string;
  /** Samples by selector, in promtool's notation; `{}` labels are those of the metric alone. */
  readonly series: Readonly<Record<string, string>>;
  /** When the alerts are looked at, since the first sample. */
  readonly at: string;
  /** Between samples and between evaluations; 1m where not given. */
  readonly every?: string;
  /** Labels of the alerts that fire then, without name and severity; none is silence. */
  readonly fires: readonly Readonly<Record<string, string>>[];
  /** The description of the first. */
  readonly says?: string;
  /** Whether a second collector that tells the same changes something, since floors count both. */
  readonly oneCollectorOnly?: true;
}

/** Cases of alerts by their names. */
export type RuleCases = Readonly<Record<string, readonly RuleCase[]>>;

/** Labels that a scrape or an operator adds to every series of a target. */
export type TargetLabels = Readonly<Record<string, string>>;

/** Each case of promtool names its variant in what it prints. */
interface PromtoolTest {
  readonly interval: string;
  readonly name: string;
  readonly input_series: readonly { readonly series: string; readonly values: string }[];
  readonly promql_expr_test?: readonly object[];
  readonly alert_rule_test?: readonly object[];
}

/** A file of `promtool test rules`. */
export interface PromtoolFile {
  readonly rule_files: readonly string[];
  readonly evaluation_interval: string;
  readonly group_eval_order: readonly string[];
  readonly tests: readonly PromtoolTest[];
}

/** What an alert is expected to say besides its description. */
export interface Said {
  readonly severity: string;
  readonly annotations: (description: string) => Readonly<Record<string, string>>;
}

const SCRAPES: readonly TargetLabels[][] = [
  [{ job: 'spanmeter', instance: 'a:8889' }],
  [{ job: 'spanmeter', instance: 'a:8889', service: 'x', cluster: 'eu', namespace: 'llm', pod: 'p-0' }],
];
const SECOND: TargetLabels = { job: 'spanmeter', instance: 'b:8889' };

function withLabels(selector: string, labels: TargetLabels): string {
  const [, name = '', inside = ''] = /^([^{]+)(?:\{(.*)\})?$/.exec(selector) ?? [];
  const job = Object.hasOwn(OWN_METRICS, name) ? 'spanmeter-collector' : labels['job'];
  // A case that is about targets names job or instance itself.
  const added = Object.entries({ ...labels, job }).filter(
    ([label]) => !new RegExp(`(^|,)${label}=`).test(inside),
  );
  const parts = [...(inside === '' ? [] : [inside]), ...added.map(([label, value]) => `${label}="${value}"`)];
  return parts.length === 0 ? name : `${name}{${parts.join(',')}}`;
}

function testsOf(name: string, one: RuleCase, said: Said): PromtoolTest[] {
  const variants = one.oneCollectorOnly ? SCRAPES : [...SCRAPES, [SCRAPES[0]![0]!, SECOND]];
  const labels = one.fires.map((own) => ({ alertname: name, severity: said.severity, ...own }));
  return variants.map((targets, index) => ({
    interval: one.every ?? '1m',
    name: `${name} ${one.when} (${['plain', 'labels of a target', 'two collectors'][index]})`,
    input_series: targets.flatMap((target) =>
      Object.entries(one.series).map(([selector, values]) => ({
        series: withLabels(selector, target),
        values,
      })),
    ),
    promql_expr_test: [
      {
        expr: `ALERTS{alertname="${name}",alertstate="firing"}`,
        eval_time: one.at,
        exp_samples: labels.map((each) => ({
          labels: `ALERTS${JSON.stringify({ ...each, alertstate: 'firing' }).replaceAll(/"(\w+)":/g, '$1=')}`,
          value: 1,
        })),
      },
    ],
    ...(one.says !== undefined &&
      index === 0 && {
        alert_rule_test: [
          {
            eval_time: one.at,
            alertname: name,
            exp_alerts: [
              {
                exp_labels: { severity: said.severity, ...one.fires[0] },
                exp_annotations: said.annotations(one.says),
              },
            ],
          },
        ],
      }),
  }));
}

/** promtool's files for the cases of one alert, one for each interval between evaluations. */
export function promtoolFiles(
  name: string,
  cases: readonly RuleCase[],
  said: Said,
  ruleFiles: readonly string[],
): PromtoolFile[] {
  const intervals = new Set(cases.map(({ every = '1m' }) => every));
  return Array.from(intervals, (every) => ({
    rule_files: ruleFiles,
    evaluation_interval: every,
    // What is recorded first, or an alert reads what was recorded the time before.
    group_eval_order: ['records', 'alerts'],
    tests: cases.filter((one) => (one.every ?? '1m') === every).flatMap((one) => testsOf(name, one, said)),
  }));
}
