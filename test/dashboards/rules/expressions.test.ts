import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { burnRate } from '@spanmeter/dashboards/dist/budget-gauges.js';
import { ALERT_RULES } from '@spanmeter/dashboards/dist/rules/all-rules.js';
import { stringify } from 'yaml';
import { needProgram } from '../../support/programs.ts';
import { useTempDir } from '../../support/temp-dir.ts';

const run = promisify(execFile);
const BUDGET = 'tenant="acme",budget="b",scope="tenant",period="day"';
const DAY = 86_400;
const TTFT = 'genai_time_to_first_token_seconds';
const CALL = 'tenant="acme",provider="openai",model="gpt"';

type Samples = readonly { readonly labels: string; readonly value: number }[];

describe('expressions, by promtool', function () {
  const folder = useTempDir();
  let promtool = '';
  before(async function () {
    promtool = await needProgram(this, 'promtool');
  });

  async function gives(
    series: Readonly<Record<string, string>>,
    at: string,
    expressions: Readonly<Record<string, Samples>>,
  ): Promise<void> {
    const file = join(folder.path, 'expressions.yml');
    const inputs = Object.entries(series).map(([name, values]) => ({ series: name, values }));
    const tests = Object.entries(expressions).map(([expr, samples]) => ({
      expr,
      eval_time: at,
      exp_samples: samples,
    }));
    await writeFile(
      file,
      stringify({ tests: [{ interval: '10m', input_series: inputs, promql_expr_test: tests }] }),
    );
    await run(promtool, ['test', 'rules', file]).catch((fault: { stdout: string; stderr: string }) => {
      assert.fail(`${fault.stdout}${fault.stderr}`);
    });
  }

  /** A panel's query where every tenant is chosen. */
  const ofAll = (hours: number): string => burnRate(hours).text.replaceAll('${tenant:regex}', '.*');
  const burn = (value: number): Samples => [{ labels: `{${BUDGET}}`, value }];

  it('tell the burn of a day whose budget spent more yesterday than it has today', async () => {
    // $24 a day: yesterday $2 an hour, today $1 an hour since midnight, and six hours of it are over.
    const series = {
      [`genai_budget_limit_usd{${BUDGET}}`]: '24x200',
      [`genai_budget_spent_usd{${BUDGET}}`]: `0 0 0 0 0 0 12+12x11 ${'144 '.repeat(126)}0+0.25x36`,
      [`genai_budget_period_start_timestamp_seconds{${BUDGET}}`]: `0x143 ${DAY}x60`,
      [`genai_budget_period_end_timestamp_seconds{${BUDGET}}`]: `${DAY}x143 ${2 * DAY}x60`,
    };
    // Four minutes after a sample: whether a window has its first instant in it differs between 2 and 3.
    await gives(series, '30h4m', {
      [ofAll(1)]: burn(1.25 / 3_600 / (24 / DAY)),
      [ofAll(6)]: burn(8.75 / 21_600 / (24 / DAY)),
      [ofAll(24)]: burn(9 / DAY / (24 / DAY)),
    });
  });

  it('tell the burn of a budget that Prometheus has known for less than the window', async () => {
    const series = {
      [`genai_budget_limit_usd{${BUDGET}}`]: '24x200',
      [`genai_budget_spent_usd{${BUDGET}}`]: `${'_ '.repeat(60)}5 6x20`,
      [`genai_budget_period_start_timestamp_seconds{${BUDGET}}`]: '0x200',
      [`genai_budget_period_end_timestamp_seconds{${BUDGET}}`]: `${DAY}x200`,
    };
    await gives(series, '12h', { [ofAll(6)]: burn(1 / 6) });
  });

  it('give no figure where it would be none: to rules of Grafana that is as good as true', async () => {
    const rule = ALERT_RULES.find(({ name }) => name === 'GenAITTFTDegraded');
    // Streams of days ago, none in this hour of yesterday, and slow ones now.
    const buckets = (values: string): Record<string, string> =>
      Object.fromEntries(
        ['_bucket{le="5.12",', '_bucket{le="+Inf",', '_count{'].map((part) => [
          `${TTFT}${part}${CALL}}`,
          values,
        ]),
      );
    await gives(buckets('50x280 50+100x20'), '48h', { [rule!.value]: [] });
  });
});
