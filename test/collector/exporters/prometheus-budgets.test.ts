import assert from 'node:assert/strict';
import { createPrometheusExporter, prometheus } from '@spanmeter/collector/dist/exporters/prometheus.js';
import type { GaugeSources } from '@spanmeter/collector/dist/exporters/prometheus.js';
import { SILENT_LOG, SILENT_METRICS } from '@spanmeter/collector/dist/pipeline/silent.js';
import { METRIC_CATALOGUE } from '@spanmeter/processors';
import { buildState as stateOf } from '../../support/budget-builder.ts';
import { buildCall, COMMITTED_UNIX_MS } from '../../support/call-builder.ts';
import { parseExposition, type ParsedFamily } from '../../support/exposition-parser.ts';

const HOST = { id: 'prometheus', log: SILENT_LOG, metrics: SILENT_METRICS };
const USD = 1_000_000_000_000n;

function exporterOf(sources: GaugeSources) {
  const options = prometheus.options.parse({ endpoint: '127.0.0.1:0', max_series: 100 });
  return createPrometheusExporter(options, HOST, sources);
}

async function scrape(sources: GaugeSources): Promise<ReadonlyMap<string, ParsedFamily>> {
  return parseExposition(await exporterOf(sources).render());
}

describe('the gauges of budgets', () => {
  it('say limit, spend, steps, forecast and period of each, by the labels of the catalogue', async () => {
    const hard = stateOf(
      'a"b\n',
      { scope: 'team', spentPicoUsd: 0n, unpricedCalls: 0 },
      { id: 'own', scope: 'team', scopeValue: 'größe\\', hard: true },
    );
    const states = [stateOf('acme'), hard];
    const families = await scrape({
      budgets: () => ({ states, forecastOf: (state) => (state === hard ? null : 20n * USD) }),
    });
    const acme = { tenant: 'acme', budget: 'default', scope: 'tenant', scope_value: '', period: 'day' };
    const own = { tenant: 'a"b\n', budget: 'own', scope: 'team', scope_value: 'größe\\', period: 'day' };
    const of = (name: string): unknown[] =>
      (families.get(name)?.samples ?? []).map(({ labels, value }) => [labels, value]);
    assert.deepEqual(of('genai_budget_limit_usd'), [
      [acme, 10],
      [own, 10],
    ]);
    assert.deepEqual(of('genai_budget_spent_usd'), [
      [acme, 12.5],
      [own, 0],
    ]);
    assert.deepEqual(of('genai_budget_hard'), [
      [acme, 0],
      [own, 1],
    ]);
    assert.deepEqual(of('genai_budget_unpriced_calls'), [
      [acme, 3],
      [own, 0],
    ]);
    assert.deepEqual(of('genai_budget_forecast_usd'), [[acme, 20]]);
    assert.deepEqual(of('genai_budget_period_start_timestamp_seconds')[0], [acme, 1_790_000_000]);
    assert.deepEqual(of('genai_budget_period_end_timestamp_seconds')[0], [acme, 1_790_086_400]);
    assert.deepEqual(of('genai_budget_step_usd').slice(0, 2), [
      [{ ...acme, threshold: '62.5' }, 6.25],
      [{ ...acme, threshold: '100' }, 10],
    ]);
    for (const metric of METRIC_CATALOGUE.filter(({ name }) => name.startsWith('genai_budget_'))) {
      const family = families.get(metric.name);
      assert.equal(family?.type, metric.type, metric.name);
      assert.equal(family.help, metric.help);
      for (const { labels } of family.samples) {
        assert.deepEqual(Object.keys(labels).toSorted(), metric.labels.toSorted(), metric.name);
      }
    }
  });

  it('follow a budget whose scope or period is changed', async () => {
    let states = [stateOf('acme', { scope: 'team' }, { scope: 'team', scopeValue: 'a' })];
    const exporter = exporterOf({ budgets: () => ({ states, forecastOf: () => null }) });
    await exporter.render();
    states = [stateOf('acme', { scope: 'team' }, { scope: 'team', scopeValue: 'b', period: 'month' })];
    const families = parseExposition(await exporter.render());
    const [sample] = families.get('genai_budget_limit_usd')?.samples ?? [];
    assert.deepEqual([sample?.labels['scope_value'], sample?.labels['period']], ['b', 'month']);
  });

  it('are never folded, and 10,000 of them come in pieces that are short', async () => {
    const states = Array.from({ length: 10_000 }, (_, index) => stateOf(`tenant-${index}`));
    const exporter = exporterOf({ budgets: () => ({ states, forecastOf: () => USD }) });
    let text = '';
    const lines: number[] = [];
    for await (const piece of exporter.scrape('text')) {
      text += piece;
      lines.push(piece.split('\n').length);
    }
    assert.ok(Math.max(...lines) < 1_100, `${Math.max(...lines)} lines in one piece`);
    for (const name of ['genai_budget_spent_usd', 'genai_budget_forecast_usd']) {
      assert.equal(text.split(`\n${name}{`).length - 1, 10_000);
    }
    assert.equal(text.split('\ngenai_budget_step_usd{').length - 1, 20_000);
    assert.equal(text.includes('="other"'), false);
  });

  it('have no samples before the budgets were read, or where they cannot be', async () => {
    const failing = (): never => {
      throw new Error('not now');
    };
    for (const budgets of [() => null, failing]) {
      const families = await scrape({ budgets });
      assert.equal(families.get('genai_budget_limit_usd')?.samples.length, 0);
    }
  });
});

describe('the gauges of the store', () => {
  it('keep the last call of a tenant that was silent since the start, and go on with newer ones', async () => {
    const silentMs = COMMITTED_UNIX_MS - 8 * 86_400_000;
    const exporter = exporterOf({
      lastCalls: () => [
        { tenant: 'silent', startedUnixMs: silentMs },
        { tenant: 'acme', startedUnixMs: silentMs },
      ],
    });
    exporter.committed([buildCall()], COMMITTED_UNIX_MS);
    const samples = parseExposition(await exporter.render()).get(
      'genai_tenant_last_call_timestamp_seconds',
    )?.samples;
    assert.deepEqual(
      Object.fromEntries((samples ?? []).map(({ labels, value }) => [labels['tenant'], value])),
      {
        silent: silentMs / 1000,
        acme: Number(buildCall().startedAtMicros) / 1e6,
      },
    );
  });

  it('say the capacity of the database where it is known, and nothing where not', async () => {
    const capacity = async (bytes: number | null): Promise<unknown> =>
      (await scrape({ databaseCapacityBytes: () => bytes })).get('genai_database_capacity_bytes')?.samples[0]
        ?.value;
    assert.equal(await capacity(107_374_182_400), 107_374_182_400);
    assert.equal(await capacity(null), undefined);
  });
});
