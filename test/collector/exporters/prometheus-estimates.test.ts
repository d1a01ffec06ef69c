import assert from 'node:assert/strict';
import { createPrometheusExporter, prometheus } from '@spanmeter/collector/dist/exporters/prometheus.js';
import { SILENT_LOG, SILENT_METRICS } from '@spanmeter/collector/dist/pipeline/silent.js';
import { buildCall, COMMITTED_UNIX_MS } from '../../support/call-builder.ts';
import { parseExposition, sumOf } from '../../support/exposition-parser.ts';

describe('the prometheus exporter, of estimates', () => {
  it('counts estimated calls and their cost apart, as parts of the whole', async () => {
    const options = prometheus.options.parse({ endpoint: '127.0.0.1:0' });
    const host = { id: 'prometheus', log: SILENT_LOG, metrics: SILENT_METRICS };
    const exporter = createPrometheusExporter(options, host, {});
    const estimated = { usageSource: 'estimated' } as const;
    exporter.committed(
      [
        buildCall(),
        buildCall(estimated),
        buildCall({ ...estimated, startedAtMicros: 0n }),
        buildCall({ ...estimated, costStatus: 'unpriced_model', costPicoUsd: null }),
        buildCall({ ...estimated, costStatus: 'duplicate', costPicoUsd: null }),
      ],
      COMMITTED_UNIX_MS,
    );
    const families = parseExposition(await exporter.render());
    assert.equal(sumOf(families, 'genai_calls_total'), 4);
    assert.equal(sumOf(families, 'genai_estimated_calls_total'), 3);
    assert.equal(sumOf(families, 'genai_cost_usd_total'), 0.0027);
    assert.equal(sumOf(families, 'genai_late_cost_usd_total'), 0.00135);
    assert.equal(sumOf(families, 'genai_estimated_cost_usd_total'), 0.0027);
  });
});
