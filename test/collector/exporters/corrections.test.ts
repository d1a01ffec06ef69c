import assert from 'node:assert/strict';
import { Pool } from 'pg';
import { createPrometheusExporter, prometheus } from '@spanmeter/collector/dist/exporters/prometheus.js';
import type { CorrectionTotal } from '@spanmeter/collector/dist/exporters/prometheus.js';
import { SILENT_LOG, SILENT_METRICS } from '@spanmeter/collector/dist/pipeline/silent.js';
import { rememberGauges } from '@spanmeter/collector/dist/service/remembered.js';
import { GPT_4O, groupOf, NOW_MS, spanOf } from '../../processors/spans.ts';
import { correctionOf } from '../../support/call-builder.ts';
import { type FreshDatabase, freshDatabase } from '../../support/database.ts';
import { parseExposition, sumOf, valueOf } from '../../support/exposition-parser.ts';
import { callsOf, LedgerWriter, pricingOf, repriceIn } from '../../support/reprice-lab.ts';
import { until } from '../../support/until.ts';

type Families = ReturnType<typeof parseExposition>;

const NAME = 'genai_cost_corrections_usd_total';

function scraper(corrections: () => readonly CorrectionTotal[], input: object = {}): () => Promise<Families> {
  const options = prometheus.options.parse({ endpoint: '127.0.0.1:0', ...input });
  const host = { id: 'prometheus', log: SILENT_LOG, metrics: SILENT_METRICS };
  const exporter = createPrometheusExporter(options, host, { corrections });
  return async () => parseExposition(await exporter.render());
}

describe('the totals of corrections', () => {
  it('are counters by direction, added up over labels that are not shown', async () => {
    const totals = [correctionOf('a', 'up', 1_500_000_000_000n), correctionOf('a', 'down', 250_000_000_000n)];
    const other = correctionOf('a', 'up', 500_000_000_000n);
    const families = await scraper(() => [...totals, { ...other, labels: { ...other.labels, team: 'x' } }])();
    assert.equal(families.get(NAME)?.type, 'counter');
    assert.equal(valueOf(families, NAME, { model: 'a', direction: 'up' }), 2);
    assert.equal(valueOf(families, NAME, { model: 'a', direction: 'down' }), 0.25);
    assert.equal(families.get('genai_cost_usd_total')?.samples.length, 0);
  });

  it('are folded under the cap, always the same ones, and counted once as folded', async () => {
    let totals = Array.from({ length: 300 }, (_, index) => correctionOf(`model-${index}`, 'up', 10n ** 12n));
    const scraped = scraper(() => totals, { max_series: 100 });
    const first = await scraped();
    assert.ok(first.get(NAME)!.samples.length <= 100);
    assert.equal(sumOf(first, NAME), 300);
    totals = totals.map((total) => ({ ...total, picoUsd: total.picoUsd * 2n }));
    const second = await scraped();
    const labelsIn = (families: Families): string[] =>
      families.get(NAME)!.samples.map((one) => JSON.stringify(one.labels));
    assert.deepEqual(labelsIn(second), labelsIn(first));
    assert.equal(sumOf(second, NAME), 600);
    const overflow = 'genai_metrics_label_overflow_total';
    assert.equal(
      valueOf(await scraped(), overflow, { metric: NAME }),
      valueOf(second, overflow, { metric: NAME }),
    );
  });

  it('have no samples where they cannot be read', async () => {
    const families = await scraper(() => {
      throw new Error('away');
    })();
    assert.equal(families.get(NAME)?.samples.length ?? 0, 0);
  });

  describe('in the store', function () {
    let database: FreshDatabase;
    before(async () => {
      database = await freshDatabase();
    });
    after(() => database.drop());

    it('grow with each reprice and are read by every collector', async () => {
      const pool = new Pool({ connectionString: database.url });
      const ledger = new LedgerWriter(database.url, () => NOW_MS);
      await ledger.write(callsOf([groupOf([spanOf(GPT_4O)], { declaredTenant: 'acme' })], pricingOf()));
      await ledger.close();
      const price = (mtok: string): object => ({
        prices: [{ provider: 'openai', model: 'gpt-4o', input_mtok: mtok, output_mtok: mtok }],
      });
      for (const mtok of ['10', '1', '2']) await repriceIn(database.url, pricingOf(price(mtok)));
      const remembered = rememberGauges(pool, SILENT_LOG, { capacityBytes: undefined, folder: null });
      remembered.start();
      const read = () => Promise.resolve(remembered.sources.corrections?.() ?? []);
      const totals = await until(read, (found) => found.length > 0);
      remembered.stop();
      await pool.end();
      // 0.0075 -> 0.015 -> 0.0015 -> 0.003
      assert.deepEqual(
        totals.map(({ direction, picoUsd, labels }) => [
          labels.tenant,
          labels.model,
          labels.environment,
          direction,
          picoUsd,
        ]),
        [
          ['acme', 'gpt-4o', '', 'up', 9_000_000_000n],
          ['acme', 'gpt-4o', '', 'down', 13_500_000_000n],
        ],
      );
    });
  });
});
