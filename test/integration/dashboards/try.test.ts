import { writeFile } from 'node:fs/promises';
import { readdirSync } from 'node:fs';
import { needProgram } from '../../support/programs.ts';
import { REPOSITORY } from '../../support/collector-process.ts';
import { seedStack, SCRAPE_INTERVAL, type SeededStack } from './seed.ts';
import { SqlSource } from '../../support/grafana/sql-source.ts';
import { PrometheusSource } from '../../support/grafana/prometheus-source.ts';
import { runBoard } from '../../support/grafana/run-board.ts';
import { previewPage } from '@spanmeter/dashboards/dist/preview/page.js';
import { rowCount, rowsOf } from '@spanmeter/dashboards/dist/preview/frame.js';
import { photograph } from '../../support/picture/photograph.ts';

describe('try', function () {
  this.timeout(240_000);
  let stack: SeededStack;
  before(async function () {
    console.time('seed');
    stack = await seedStack({ prometheus: await needProgram(this, 'prometheus') });
    console.timeEnd('seed');
  });
  after(() => stack.dispose());
  it('x', async function () {
    const chromium = await needProgram(this, 'chromium');
    const sources = { sql: await SqlSource.open(stack.database.adminUrl, 'spanmeter_grafana'), prometheus: new PrometheusSource(stack.prometheus.url), scrapeInterval: SCRAPE_INTERVAL };
    const dir = `${REPOSITORY}/dashboards/dist/boards`;
    for (const file of readdirSync(dir).filter((f) => f.endsWith('.js'))) {
      const mod = await import(`${dir}/${file}`);
      const made = Object.values(mod).find((v: any) => v?.build !== undefined) as any;
      if (!made) continue;
      const board = JSON.parse(JSON.stringify(made.build()));
      const nowMs = Date.now();
      const t0 = performance.now();
      const run = await runBoard(board, sources, { nowMs });
      console.log('#', board.uid, run.targets.length, Math.round(performance.now() - t0), 'ms');
      for (const v of run.variables) console.log('   var', v.variable.name, v.options.length, JSON.stringify(v.chosen.value).slice(0, 80));
      const answers = new Map<number, any[]>();
      const short = await runBoard(board, sources, { nowMs, time: { from: 'now-5m', to: 'now' } });
      for (const [i, t] of run.targets.entries()) {
        const use = t.kind === 'prometheus' ? short.targets[i]! : t;
        const f = use.frame;
        const row = f === null ? null : rowsOf(f).at(-1);
        console.log('  ', t.key, t.panel.type, t.panel.title, use.error ?? `${rowCount(f!)} rows ${f!.fields.length} cols ${(JSON.stringify(row) ?? "").slice(0, 160)}`);
        answers.set(t.panel.id, [...(answers.get(t.panel.id) ?? []), ...(use.frame ? [use.frame] : [])]);
      }
      try {
      const page = previewPage({ board, range: run.range, nowMs, answers, choices: run.variables.filter(v=>v.variable.hide !== 2 && v.variable.hide !== 1 && v.variable.type==='query').map(v=>({label: v.variable.label ?? '', text: v.chosen.all ? 'All' : String(v.chosen.value)})), widthPx: 1600 });
      await writeFile(`/tmp/pic-${board.uid}.html`, page.html);
      await writeFile(`/tmp/pic-${board.uid}.png`, await photograph(chromium, page));
      } catch (e) { console.log('PREVIEW', e); }
    }
  });
});
