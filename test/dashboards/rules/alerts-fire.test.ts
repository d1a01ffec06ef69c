import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { annotationsOf } from '@spanmeter/dashboards/dist/rules/prometheus-rules.js';
import { ALERT_RULES } from '@spanmeter/dashboards/dist/rules/all-rules.js';
import type { AlertRule } from '@spanmeter/dashboards/dist/rules/rule.js';
import { parse, stringify } from 'yaml';
import { REPOSITORY } from '../../support/collector-process.ts';
import { needProgram } from '../../support/programs.ts';
import { useTempDir } from '../../support/temp-dir.ts';
import { BUDGET_CASES } from './budget-cases.ts';
import { COLLECTOR_CASES } from './collector-cases.ts';
import { DATA_CASES } from './data-cases.ts';
import { PROVIDER_CASES } from './provider-cases.ts';
import { promtoolFiles } from './rule-case.ts';
import type { RuleCase, RuleCases } from './rule-case.ts';

const CASES: RuleCases = { ...BUDGET_CASES, ...DATA_CASES, ...PROVIDER_CASES, ...COLLECTOR_CASES };
const RULES = join(REPOSITORY, 'dashboards', 'rules');
const run = promisify(execFile);

interface BuiltRule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
}

function builtRules(file: string): BuiltRule[] {
  const { groups } = parse(readFileSync(join(RULES, file), 'utf8')) as { groups: { rules: BuiltRule[] }[] };
  return groups.flatMap(({ rules }) => rules);
}

/** The built alert with the records that it reads, and these read: all others would only make promtool slow. */
function ruleFileOf(name: string): string {
  const records = builtRules('spanmeter.recording.yml');
  const wanted = builtRules('spanmeter.alerts.yml').filter(({ alert }) => alert === name);
  for (const { expr } of wanted) {
    const read = records.filter(({ record = '' }) => expr.includes(record));
    wanted.push(...read.filter((one) => !wanted.includes(one)));
  }
  const [alert, ...read] = wanted;
  const recording = records.filter((one) => read.includes(one));
  return stringify({
    groups: [
      { name: 'records', rules: recording },
      { name: 'alerts', rules: [alert] },
    ],
  });
}

/** The annotations as they are once templates are filled in, for an alert with these labels. */
function filledIn(rule: AlertRule, one: RuleCase): (description: string) => Record<string, string> {
  return (description) => {
    const annotations = { ...annotationsOf(rule, description) };
    const labels = one.fires[0] ?? {};
    annotations['dashboard_url'] = annotations['dashboard_url']!.replaceAll(
      /\{\{ \$labels\.(\w+) \| urlquery \}\}/g,
      (_, label: string) => new URLSearchParams({ '': labels[label] ?? '' }).toString().slice(1),
    );
    return annotations;
  };
}

describe('the alerts, by promtool', function () {
  const folder = useTempDir();
  let promtool = '';
  before(async function () {
    promtool = await needProgram(this, 'promtool');
  });

  for (const rule of ALERT_RULES) {
    const cases = CASES[rule.name] ?? [];
    it(`${rule.name} fires and is silent as it should, whatever labels a scrape adds`, async () => {
      assert.ok(cases.some(({ fires }) => fires.length > 0));
      assert.ok(rule.name === 'GenAIWatchdog' || cases.some(({ fires }) => fires.length === 0));
      await writeFile(join(folder.path, 'rules.yml'), ruleFileOf(rule.name));
      for (const [index, one] of cases.entries()) {
        const said = { severity: rule.severity, annotations: filledIn(rule, one) };
        const [file] = promtoolFiles(rule.name, [one], said, ['rules.yml']);
        await writeFile(join(folder.path, `${index}.yml`), stringify(file));
      }
      const files = cases.map((_, index) => join(folder.path, `${index}.yml`));
      // Its garbage collector takes a quarter of the time otherwise.
      const env = { ...process.env, GOGC: '800' };
      await run(promtool, ['test', 'rules', ...files], { env }).catch(
        (fault: { stdout: string; stderr: string }) => {
          assert.fail(`${fault.stdout}${fault.stderr}`);
        },
      );
    });
  }
});
