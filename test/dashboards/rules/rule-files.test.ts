import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parser } from '@prometheus-io/lezer-promql';
import { builtRules } from '@spanmeter/dashboards/dist/built-rules.js';
import { definitionOf, KNOWN_METRICS } from '@spanmeter/dashboards/dist/promql.js';
import type { KnownMetric } from '@spanmeter/dashboards/dist/promql.js';
import { ALERT_RULES } from '@spanmeter/dashboards/dist/rules/all-rules.js';
import { LINKS } from '@spanmeter/dashboards/dist/rules/rule.js';
import { parse } from 'yaml';
import { REPOSITORY } from '../../support/collector-process.ts';
import { needProgram } from '../../support/programs.ts';

interface PrometheusRule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

interface GrafanaRule {
  readonly uid: string;
  readonly title: string;
  readonly condition: string;
  readonly for: string;
  readonly data: readonly {
    readonly refId: string;
    readonly datasourceUid: string;
    readonly model: { readonly expr?: string; readonly expression?: string };
  }[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const run = promisify(execFile);
const RULES = join(REPOSITORY, 'dashboards', 'rules');
const RUNBOOKS = join(REPOSITORY, 'docs', 'runbooks');

function read(path: string): string {
  return readFileSync(join(REPOSITORY, path), 'utf8');
}

function rulesOf<Rule>(path: string): Rule[] {
  return (parse(read(path)) as { groups: { rules: Rule[] }[] }).groups.flatMap(({ rules }) => rules);
}

/** Texts of the nodes of that name in an expression. */
function nodes(expr: string, name: string): string[] {
  const found: string[] = [];
  parser.parse(expr).iterate({
    enter: (node) => {
      if (node.name === name) found.push(expr.slice(node.from, node.to));
    },
  });
  return found;
}

const alerts = rulesOf<PrometheusRule>('dashboards/rules/spanmeter.alerts.yml');
const records = rulesOf<PrometheusRule>('dashboards/rules/spanmeter.recording.yml');
const grafana = rulesOf<GrafanaRule>('dashboards/grafana/alerting-opt-in/spanmeter.yaml');

describe('the rule files', () => {
  it('are what the sources say', () => {
    for (const [file, content] of Object.entries(builtRules())) {
      if (file.endsWith('.md')) continue;
      assert.deepEqual(parse(read(file)), parse(content), file);
    }
  });

  it('pass promtool with every lint, as does the configuration that loads them', async function () {
    const promtool = await needProgram(this, 'promtool');
    const files = readdirSync(RULES).map((file) => join(RULES, file));
    assert.equal(files.length, 2);
    await run(promtool, ['check', 'rules', '--lint=all', '--lint-fatal', ...files]);
    const folder = join(REPOSITORY, 'dashboards', 'prometheus');
    const { stdout } = await run(promtool, ['check', 'config', join(folder, 'prometheus.native.yml')]);
    assert.match(stdout, /2 rule files found/);
    await run(promtool, ['check', 'config', '--syntax-only', join(folder, 'prometheus.yml')]);
  });

  it('read only metrics that exist, by labels that these have', () => {
    const recorded = records.map(({ record }) => record);
    for (const { alert, record, expr } of [...alerts, ...records]) {
      for (const selector of nodes(expr, 'VectorSelector')) {
        const name = nodes(selector, 'Identifier')[0] ?? '';
        if (recorded.includes(name)) continue;
        const metric = KNOWN_METRICS.find((known) => name.replace(/_(bucket|count|sum)$/, '') === known);
        assert.ok(metric ?? KNOWN_METRICS.includes(name as KnownMetric), `${alert ?? record} reads ${name}`);
        const labels = [...definitionOf(metric ?? (name as KnownMetric)).labels, 'job'];
        for (const label of nodes(selector, 'LabelName'))
          assert.ok(labels.includes(label), `${name} by ${label}`);
      }
    }
  });

  it('never go by labels that a scrape adds, apart from the job of a target that is down', () => {
    for (const { alert, record, expr } of [...alerts, ...records]) {
      const grouped = nodes(expr, 'GroupingLabels').flatMap((labels) => labels.match(/\w+/g) ?? []);
      assert.ok(!grouped.includes('instance') && !grouped.includes('service'), alert ?? record);
      if (alert === undefined || !/Collector(Instance)?Down$/.test(alert))
        assert.ok(!grouped.includes('job'), alert);
    }
  });

  it('parse, and every alert compares', () => {
    for (const { alert, record, expr } of [...alerts, ...records]) {
      assert.deepEqual(nodes(expr, '⚠'), [], alert ?? record);
      const top = parser.parse(expr).topNode.firstChild;
      if (alert === undefined) continue;
      assert.equal(top?.name, 'BinaryExpr', alert);
      assert.ok(
        ['Gtr', 'Gte', 'Lss', 'Lte'].some((operator) => top?.getChild(operator)),
        alert,
      );
    }
  });

  it('name, grade, explain and link every alert', () => {
    assert.equal(new Set(alerts.map(({ alert }) => alert)).size, alerts.length);
    for (const { alert = '', labels, annotations } of alerts) {
      assert.match(alert, /^GenAI[A-Z]\w+$/);
      assert.match(labels['severity'] ?? '', /^(critical|warning|info)$/);
      assert.doesNotMatch(
        annotations['summary'] ?? '{{',
        /\{\{/,
        `${alert}: the summary is the same each time`,
      );
      assert.ok((annotations['description'] ?? '').length > 20, alert);
      assert.equal(annotations['runbook_url'], `${LINKS.runbooks}/${alert}.md`);
      assert.match(annotations['dashboard_url'] ?? '', /\/d\/spanmeter-[a-z-]+(\?var-\w+=.+)?$/);
    }
  });

  it('lead to dashboards that are shipped, by variables that these have', () => {
    for (const { name, labels, dashboard } of ALERT_RULES) {
      const board = JSON.parse(read(`dashboards/grafana/dashboards/${dashboard.uid}.json`)) as {
        uid: string;
        templating: { list: { name: string }[] };
      };
      assert.equal(board.uid, dashboard.uid);
      for (const [variable, label] of Object.entries(dashboard.variables ?? {})) {
        assert.ok(
          board.templating.list.some((one) => one.name === variable),
          `${name}: ${variable}`,
        );
        assert.ok(labels.includes(label), `${name}: ${label}`);
      }
    }
  });

  it('have a runbook for every alert that says what to look at and what to do, and none for another', () => {
    const names = ALERT_RULES.map(({ name }) => `${name}.md`);
    assert.deepEqual(readdirSync(RUNBOOKS).toSorted(), names.toSorted());
    for (const name of names) {
      const text = readFileSync(join(RUNBOOKS, name), 'utf8');
      const headings = text.match(/^#+ .+$/gm);
      const wanted = ['What it means', 'What to look at', 'What to do', 'False alarms'].map(
        (each) => `## ${each}`,
      );
      assert.deepEqual(headings, [`# ${name.replace('.md', '')}`, ...wanted]);
      for (const section of text.split(/^## .+$/m).slice(1)) assert.ok(section.trim().length > 30, name);
      for (const [, link = ''] of text.matchAll(/\]\((\w+\.md)\)/g))
        assert.ok(names.includes(link), `${name}: ${link}`);
    }
  });
});

describe("Grafana's pack", () => {
  it("holds the same alerts as Prometheus' files, with the same bounds, patience and links", () => {
    assert.deepEqual(
      grafana.map(({ title }) => title),
      alerts.map(({ alert }) => alert),
    );
    for (const [index, rule] of grafana.entries()) {
      const twin = alerts[index]!;
      const [a, ...others] = rule.data;
      const condition = others.at(-1)!.model.expression!;
      const [, comparison, bound] = /^\$A (>=|>|<) (.+)$/.exec(condition) ?? [];
      const compared = bound === '$B' ? others[0]!.model.expr : bound;
      const indented = a!.model.expr!.replaceAll(/^/gm, '  ');
      assert.equal(twin.expr, `(\n${indented}\n) ${comparison} ${compared}`);
      assert.equal(rule.for, (twin as unknown as { for: string }).for);
      assert.deepEqual(rule.labels, twin.labels);
      for (const link of ['summary', 'runbook_url', 'dashboard_url']) {
        assert.equal(rule.annotations[link], twin.annotations[link]);
      }
    }
  });

  it('asks the provisioned datasource, and has stable ids that Grafana takes', () => {
    assert.equal(new Set(grafana.map(({ uid }) => uid)).size, grafana.length);
    for (const { uid, data, condition } of grafana) {
      assert.match(uid, /^[a-z0-9-]{1,40}$/);
      assert.ok(data.some(({ refId }) => refId === condition));
      for (const { datasourceUid } of data)
        assert.ok(['spanmeter-prometheus', '__expr__'].includes(datasourceUid));
    }
  });

  it('has nothing that Grafana would take for a variable of its environment', () => {
    for (const { title, labels, annotations } of grafana) {
      assert.doesNotMatch(JSON.stringify(annotations), /\$\{/, title);
      assert.doesNotMatch(JSON.stringify(labels), /\$/, title);
    }
  });
});
