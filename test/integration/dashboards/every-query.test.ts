import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { METRIC_NAMES, OWN_METRIC_NAMES } from '@spanmeter/processors';
import { DASHBOARDS } from '@spanmeter/dashboards';
import { ALERT_RULES } from '@spanmeter/dashboards/dist/rules/all-rules.js';
import { expressionOf } from '@spanmeter/dashboards/dist/rules/rule.js';
import { panelsOf, type BoardJson } from '@spanmeter/dashboards/dist/expand/board-json.js';
import { rowCount } from '@spanmeter/dashboards/dist/preview/frame.js';
import { REPOSITORY } from '../../support/collector-process.ts';
import { PrometheusSource } from '../../support/grafana/prometheus-source.ts';
import { runBoard, type BoardRun, type Sources, type TargetRun } from '../../support/grafana/run-board.ts';
import { SqlSource } from '../../support/grafana/sql-source.ts';
import { needProgram } from '../../support/programs.ts';
import { ownMetrics } from '../../support/running-collector.ts';
import { evidenceTable, ruleTable, type EvidenceRow } from './evidence.ts';
import { AWAITED, EXPECTED, QUIET } from './expected/index.ts';
import { holds, PROOF_SCRAPE_INTERVAL, type Check, type Seen } from './measure.ts';
import { ORGANISATIONS } from './organisations.ts';
import { seedStack, type SeededStack } from './seed.ts';

/** So that the last step of a series has the whole live traffic in its rate interval. */
const METRIC_RANGE = { from: 'now-20m', to: 'now+2m' };
const QUARTER_MS = 900_000;
const ROLE = 'spanmeter_grafana';

const BOARDS = DASHBOARDS.map((board) => JSON.parse(JSON.stringify(board.build())) as BoardJson);

/** Of things that the proof's collector has none of, or that have a series from their first occurrence on. */
const NOT_CONFIGURED = /^spanmeter_price_files_/;
/** Of parts that this collector does not have. */
const NOT_SERVED: ReadonlySet<string> = new Set<string>(['genai_spend_anomaly_usd']);
/** What the traffic of the proof must set off. */
const FIRING: ReadonlySet<string> = new Set([
  'GenAIBudgetExhausted',
  'GenAIBudgetExceeded',
  'GenAIUnpricedModel',
  'GenAIUnattributedSpendHigh',
  'GenAILabelsCollapsed',
  'GenAIDeadLetters',
  'GenAIWatchdog',
]);

interface Ran {
  /** With the range that the board has. */
  readonly own: BoardRun;
  /** The same queries around the live traffic, for Prometheus. */
  readonly metrics: BoardRun;
  readonly nowMs: number;
  readonly growth: number;
}

describe('every query of every dashboard', function () {
  this.timeout(600_000);
  let stack: SeededStack;
  let sources: Sources;
  const runs = new Map<string, Ran>();
  const evidence: EvidenceRow[] = [];
  const firingRules = new Map<string, number>();

  before(async function () {
    const ruleFiles = ['spanmeter.recording.yml', 'spanmeter.alerts.yml'];
    const rules = ruleFiles.map((file) => [
      file,
      readFileSync(join(REPOSITORY, 'dashboards', 'rules', file), 'utf8'),
    ]);
    stack = await seedStack({
      prometheus: await needProgram(this, 'prometheus'),
      files: Object.fromEntries(rules) as Record<string, string>,
      ruleFiles,
    });
    sources = {
      sql: await SqlSource.open(stack.database.adminUrl, ROLE),
      prometheus: new PrometheusSource(stack.prometheus.url),
      scrapeInterval: PROOF_SCRAPE_INTERVAL,
    };
    for (const board of BOARDS) {
      const nowMs = await scraped();
      const own = await runBoard(board, sources, { nowMs });
      const metrics = await runBoard(board, sources, { nowMs, time: METRIC_RANGE });
      const [samples] = await stack.prometheus.query(
        'count_over_time(up{job="spanmeter"}[8m])',
        nowMs / 1_000,
      );
      const seen = samples?.value ?? NaN;
      runs.set(board.uid, { own, metrics, nowMs, growth: seen / (seen - 1) });
    }
  });

  after(async () => {
    await sources?.sql.close();
    await stack?.dispose();
    const file = join(tmpdir(), 'spanmeter-dashboards-proof.md');
    await writeFile(file, `${evidenceTable(evidence)}\n${ruleTable(firingRules)}`);
    console.log(`      ${evidence.length} queries with their figures: ${file}`);
  });

  /** A time as of which both targets are there: a scrape that takes too long on a busy machine leaves none. */
  async function scraped(): Promise<number> {
    for (;;) {
      const nowMs = Date.now();
      const up = await stack.prometheus.query('up', nowMs / 1_000);
      if (up.filter(({ value }) => value === 1).length === 2) return nowMs;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  function seenBy(run: TargetRun, board: BoardRun, { nowMs, growth }: Ran): Seen {
    const { fromMs, toMs } = board.range;
    const from = Math.floor(fromMs / QUARTER_MS) * QUARTER_MS;
    const sent = stack.sent.between(from, toMs);
    const live = stack.live.where(({ service }) => !service.startsWith('new-'));
    return { run, frame: run.frame!, sent, all: stack.sent, live, growth, stack, nowMs, fromMs, toMs };
  }

  it('every own metric that boards and rules know is on 8888, but for those of parts that are not configured', async () => {
    const served = await ownMetrics(stack.collector);
    const missing = OWN_METRIC_NAMES.filter((name) => !served.has(name));
    const unserved = missing.filter((name) => !NOT_CONFIGURED.test(name));
    assert.deepEqual(unserved, []);
  });

  for (const rule of ALERT_RULES) {
    it(`the condition of ${rule.name} is evaluated without a fault, over series that are there`, async () => {
      const expression = expressionOf(rule);
      const firing = await stack.prometheus.query(expression, (await scraped()) / 1_000);
      const names = METRIC_NAMES.filter((name) =>
        new RegExp(`\\b${name}(_bucket|_count|_sum)?\\b`).test(expression),
      );
      const known = await sources.prometheus.metricNames();
      for (const name of names) {
        const isThere = [name, `${name}_bucket`].some((one) => known.has(one));
        assert.ok(isThere || NOT_SERVED.has(name), `${rule.name} reads ${name}, which has no series`);
      }
      if (FIRING.has(rule.name)) assert.ok(firing.length > 0, 'it should hold');
      for (const { labels } of firing) {
        for (const label of rule.labels) assert.ok(label in labels || labels[label] === undefined);
      }
      firingRules.set(rule.name, firing.length);
    });
  }

  for (const board of BOARDS) {
    it(`${board.uid}: its variables offer what was sent, under names that break queries`, () => {
      const { variables } = runs.get(board.uid)!.own;
      const options = (name: string): readonly string[] =>
        variables.find(({ variable }) => variable.name === name)!.options.map(({ value }) => value);
      assert.deepEqual(new Set(options('tenant')), new Set(ORGANISATIONS.map(({ tenant }) => tenant)));
      const week = stack.sent
        .between(Date.now() - 7 * 86_400_000, Infinity)
        .where((call) => call.status !== 'duplicate');
      for (const name of ['provider', 'model', 'team', 'environment'] as const) {
        const sent = new Set(week.calls.map((call) => call[name] ?? ''));
        for (const option of options(name)) assert.ok(sent.has(option), `${name} ${option} was never sent`);
      }
      assert.ok(options('model').length > 5);
    });

    for (const panel of panelsOf(board)) {
      it(`${board.uid}/${panel.id} ${panel.title} shows what was sent`, async () => {
        const ran = runs.get(board.uid)!;
        const checks: Check[] = [];
        for (const [index, target] of ran.own.targets.entries()) {
          if (target.panel.id !== panel.id) continue;
          assert.equal(target.error, null, `${target.error}\n${target.text}`);
          const isSql = target.kind === 'sql';
          const run = isSql ? target : ran.metrics.targets[index]!;
          assert.equal(run.error, null, `${run.error}\n${run.text}`);
          const expectation = EXPECTED[board.uid]?.[`${panel.id}/${target.target.refId}`];
          assert.ok(expectation, `nothing is expected of ${target.key}`);
          const found = await expectation(seenBy(run, isSql ? ran.own : ran.metrics, ran));
          evidence.push({ run, title: panel.title ?? '', rows: rowCount(run.frame!), checks: found });
          const wrong = found.filter((check) => !holds(check));
          assert.deepEqual(wrong, [], `${run.text}\n${rowCount(run.frame!)} rows`);
          checks.push(...found);
        }
        if (AWAITED.includes(`${board.uid}/${panel.id}`)) {
          assert.ok(
            checks.every(({ expected }) => expected === 0),
            'it has series now: expect something of it',
          );
          return;
        }
        const isThere = `${board.uid}/${panel.id}` in QUIET || checks.some(({ measured }) => measured !== 0);
        assert.ok(isThere, 'nothing but zeros');
      });
    }
  }
});
