import assert from 'node:assert/strict';
import { DASHBOARDS } from '@spanmeter/dashboards';
import { panelsOf, type BoardJson } from '@spanmeter/dashboards/dist/expand/board-json.js';
import { rowCount } from '@spanmeter/dashboards/dist/preview/frame.js';
import { needProgram } from '../../support/programs.ts';
import { PrometheusSource } from '../../support/grafana/prometheus-source.ts';
import { runBoard, type BoardRun, type Sources, type TargetRun } from '../../support/grafana/run-board.ts';
import { SqlSource } from '../../support/grafana/sql-source.ts';
import { EXPECTED } from './expected/index.ts';
import { holds, PROOF_SCRAPE_INTERVAL, type Check, type Seen } from './measure.ts';
import { seedStack, type SeededStack } from './seed.ts';

/** So that the last step of a series and the whole live traffic are in one rate interval. */
const METRIC_RANGE = { from: 'now-5m', to: 'now+30s' };
const QUARTER_MS = 900_000;

const BOARDS = DASHBOARDS.map((board) => JSON.parse(JSON.stringify(board.build())) as BoardJson);

describe('every query of every dashboard', function () {
  this.timeout(180_000);
  let stack: SeededStack;
  let sources: Sources;
  const runs = new Map<
    string,
    { readonly own: BoardRun; readonly metrics: BoardRun; readonly nowMs: number }
  >();

  before(async function () {
    stack = await seedStack({ prometheus: await needProgram(this, 'prometheus') });
    sources = {
      sql: await SqlSource.open(stack.database.adminUrl, 'spanmeter_grafana'),
      prometheus: new PrometheusSource(stack.prometheus.url),
      scrapeInterval: PROOF_SCRAPE_INTERVAL,
    };
    for (const board of BOARDS) {
      const nowMs = Date.now();
      const own = await runBoard(board, sources, { nowMs });
      runs.set(board.uid, {
        own,
        metrics: await runBoard(board, sources, { nowMs, time: METRIC_RANGE }),
        nowMs,
      });
    }
  });

  after(async () => {
    await sources?.sql.close();
    await stack?.dispose();
  });

  function seenBy(run: TargetRun, board: BoardRun, nowMs: number): Seen {
    const { fromMs, toMs } = board.range;
    assert.equal(run.error, null, `${run.error}\n${run.text}`);
    const from = Math.floor(fromMs / QUARTER_MS) * QUARTER_MS;
    const sent = stack.sent.between(from, toMs);
    return { run, frame: run.frame!, sent, all: stack.sent, live: stack.live, stack, nowMs, fromMs, toMs };
  }

  for (const board of BOARDS) {
    for (const panel of panelsOf(board)) {
      it(`${board.uid}/${panel.id} ${panel.title} shows what was sent`, async () => {
        const { own, metrics, nowMs } = runs.get(board.uid)!;
        const checks: Check[] = [];
        for (const [index, target] of own.targets.entries()) {
          if (target.panel.id !== panel.id) continue;
          assert.equal(target.error, null, `${target.error}\n${target.text}`);
          const run = target.kind === 'sql' ? target : metrics.targets[index]!;
          const expectation = EXPECTED[board.uid]?.[`${panel.id}/${target.target.refId}`];
          assert.ok(expectation, `nothing is expected of ${target.key}`);
          const found = await expectation(seenBy(run, target.kind === 'sql' ? own : metrics, nowMs));
          const wrong = found.filter((check) => !holds(check));
          assert.deepEqual(wrong, [], `${run.text}\n${rowCount(run.frame!)} rows`);
          checks.push(...found);
        }
        assert.ok(
          checks.some(({ measured }) => measured !== 0),
          'nothing but zeros',
        );
      });
    }
  }
});
