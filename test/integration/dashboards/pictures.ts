import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DASHBOARDS, type Board } from '@spanmeter/dashboards';
import type { BoardJson } from '@spanmeter/dashboards/dist/expand/board-json.js';
import type { Frame } from '@spanmeter/dashboards/dist/preview/frame.js';
import { previewPage } from '@spanmeter/dashboards/dist/preview/page.js';
import { REPOSITORY } from '../../support/collector-process.ts';
import { PrometheusSource } from '../../support/grafana/prometheus-source.ts';
import { runBoard, type BoardRun } from '../../support/grafana/run-board.ts';
import { SqlSource } from '../../support/grafana/sql-source.ts';
import { photograph } from '../../support/picture/photograph.ts';
import { needProgram } from '../../support/programs.ts';
import { backfill } from './backfill.ts';
import { PICTURED } from './organisations.ts';
import { seedStack, type SeededStack } from './seed.ts';

const FOLDER = join(REPOSITORY, 'docs', 'images');
const WIDTH = 1_480;
/** Boards about the collector itself show what Prometheus has seen of it. */
const LIVE = { from: 'now-2m', to: 'now' };
const LIVE_BOARD = 'spanmeter-collector';
const HOURS = 26;
const PICTURED_LIMITS = { 'acme-month': 300, 'acme-platform': 120, 'globex-day': 15 };

function answersOf(run: BoardRun): ReadonlyMap<number, readonly Frame[]> {
  const answers = new Map<number, Frame[]>();
  for (const { panel, frame, error, key } of run.targets) {
    if (frame === null) throw new Error(`${key}: ${error}`);
    answers.set(panel.id, [...(answers.get(panel.id) ?? []), frame]);
  }
  return answers;
}

/** Takes docs/images; run by scripts/dashboards-preview.mjs. */
describe('pictures of the dashboards', function () {
  this.timeout(600_000);
  let stack: SeededStack;

  after(() => stack?.dispose());

  it('are taken of real answers', async function () {
    const chromium = await needProgram(this, 'chromium');
    const promtool = await needProgram(this, 'promtool');
    const size = { historyDays: 32, callsADay: 1_200, callsToday: 5_000, quietMs: 0 };
    stack = await seedStack({
      prometheus: await needProgram(this, 'prometheus'),
      organisations: PICTURED,
      size,
      limits: PICTURED_LIMITS,
      rounds: 40,
      callsARound: 1,
    });
    const sql = await SqlSource.open(stack.database.adminUrl, 'spanmeter_grafana');
    const prometheus = new PrometheusSource(stack.prometheus.url);
    async function picture(made: Board, time: BoardJson['time'], scrapeInterval: string): Promise<void> {
      const built = JSON.parse(JSON.stringify(made.build())) as BoardJson;
      const board = time === undefined ? built : { ...built, time };
      const nowMs = Date.now();
      const run = await runBoard(board, { sql, prometheus, scrapeInterval }, { nowMs });
      const choices = run.variables
        .filter(({ variable }) => variable.type === 'query' && (variable.hide ?? 0) === 0)
        .map(({ variable, chosen }) => ({
          label: variable.label ?? variable.name,
          text: chosen.all ? 'All' : [chosen.value].flat().join(' + '),
        }));
      const answers = answersOf(run);
      const page = previewPage({ board, range: run.range, nowMs, answers, choices, widthPx: WIDTH });
      const png = await photograph(chromium, page);
      await writeFile(join(FOLDER, `${board.uid}.png`), png);
      console.log(`      docs/images/${board.uid}.png ${page.widthPx}x${page.heightPx} ${png.length} bytes`);
    }
    const live = DASHBOARDS.filter(({ uid }) => uid === LIVE_BOARD);
    for (const made of live) await picture(made, LIVE, '1s');
    const history = stack.sent.calls.filter(({ live }) => !live);
    await backfill(promtool, stack.prometheus, history, HOURS, PICTURED_LIMITS['acme-month']);
    for (const made of DASHBOARDS) if (!live.includes(made)) await picture(made, undefined, '5m');
    await sql.close();
  });
});
