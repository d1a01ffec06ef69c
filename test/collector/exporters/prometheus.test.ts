import assert from 'node:assert/strict';
import { get } from 'node:http';
import { createPrometheusExporter, prometheus } from '@spanmeter/collector/dist/exporters/prometheus.js';
import type { PrometheusOptions } from '@spanmeter/collector/dist/exporters/prometheus.js';
import { SILENT_LOG, SILENT_METRICS } from '@spanmeter/collector/dist/pipeline/silent.js';
import { COST_STATUSES, METRIC_CATALOGUE } from '@spanmeter/processors';
import { buildState } from '../../support/budget-builder.ts';
import { buildCall, COMMITTED_UNIX_MS, correctionOf } from '../../support/call-builder.ts';
import { parseExposition, sumOf, valueOf } from '../../support/exposition-parser.ts';

const HOST = { id: 'prometheus', log: SILENT_LOG, metrics: SILENT_METRICS };

function parseOptions(input: Record<string, unknown> = {}): PrometheusOptions {
  return prometheus.options.parse({ endpoint: '127.0.0.1:0', ...input });
}

function makeExporter(
  input: Record<string, unknown> = {},
  sources: Parameters<typeof createPrometheusExporter>[2] = {},
) {
  const exporter = createPrometheusExporter(parseOptions(input), HOST, sources);
  const scraped = async () => parseExposition(await exporter.render());
  return { exporter, scraped };
}

describe('the prometheus exporter', () => {
  it('counts a priced call with the labels of its row', async () => {
    const { exporter, scraped } = makeExporter();
    exporter.committed([buildCall()], COMMITTED_UNIX_MS);
    const families = await scraped();
    assert.deepEqual(families.get('genai_cost_usd_total')?.samples, [
      {
        name: 'genai_cost_usd_total',
        labels: {
          tenant: 'acme',
          provider: 'openai',
          model: 'gpt-4o',
          operation: 'chat',
          service_name: 'checkout',
          environment: 'production',
        },
        value: 0.00135,
        exemplar: null,
      },
    ]);
    assert.equal(valueOf(families, 'genai_tokens_total', { token_type: 'input' }), 450);
    assert.equal(valueOf(families, 'genai_tokens_total', { token_type: 'output' }), 180);
    assert.equal(valueOf(families, 'genai_calls_total', { outcome: 'ok' }), 1);
    assert.equal(valueOf(families, 'genai_calls_total', { outcome: 'error' }), 0);
    assert.equal(valueOf(families, 'genai_spans_total', { cost_status: 'priced' }), 1);
    assert.equal(valueOf(families, 'genai_call_duration_seconds_bucket', { le: '1.28' }), 0);
    assert.equal(valueOf(families, 'genai_call_duration_seconds_bucket', { le: '2.56' }), 1);
    assert.equal(valueOf(families, 'genai_call_duration_seconds_sum'), 1.5);
    assert.equal(families.get('genai_time_to_first_token_seconds')?.samples.length, 0);
  });

  it('has the buckets of the catalogue', async () => {
    const { exporter, scraped } = makeExporter();
    exporter.committed([buildCall({ ttftNanos: 10_000_000n })], COMMITTED_UNIX_MS);
    const samples = (await scraped()).get('genai_time_to_first_token_seconds')!.samples;
    const bounds = samples.filter((one) => one.labels['le'] !== undefined).map((one) => one.labels['le']);
    const expected =
      '0.01 0.02 0.04 0.08 0.16 0.32 0.64 1.28 2.56 5.12 10.24 20.48 40.96 81.92 163.84 327.68 655.36 +Inf';
    assert.equal(bounds.join(' '), expected);
    assert.equal(samples[0]!.value, 1, 'a bound belongs to its bucket');
  });

  it('is exact after a million additions of an amount that floats cannot hold', async () => {
    const { exporter, scraped } = makeExporter();
    const calls = Array.from({ length: 1_000 }, () =>
      buildCall({ costPicoUsd: 50_000n, durationNanos: null }),
    );
    let naive = 0;
    for (let round = 0; round < 1_000; round++) {
      exporter.committed(calls, COMMITTED_UNIX_MS);
      for (let index = 0; index < 1_000; index++) naive += 5e-8;
    }
    assert.notEqual(naive, 0.05, 'a float sum would pass this test too');
    assert.equal(valueOf(await scraped(), 'genai_cost_usd_total'), 0.05);
  });

  it('keeps token types disjoint, so that their sum is all tokens', async () => {
    const { exporter, scraped } = makeExporter();
    const usage = {
      input: '1',
      cache_read: '2',
      cache_write_5m: '4',
      cache_write_1h: '8',
      input_audio: '16',
      cache_read_audio: '32',
      input_image: '64',
      output: '128',
      reasoning: '256',
      output_audio: '512',
      output_image: '1024',
      audio_seconds: '2.5',
      duration_seconds: '3',
      input_characters: '5000',
      images: '7',
      requests: '1',
      web_search_requests: '2',
    };
    exporter.committed([buildCall({ usage })], COMMITTED_UNIX_MS);
    const families = await scraped();
    const byType = Object.fromEntries(
      families.get('genai_tokens_total')!.samples.map((one) => [one.labels['token_type'], one.value]),
    );
    assert.deepEqual(byType, {
      input: 1,
      cache_read: 34,
      cache_write: 12,
      audio_input: 16,
      image: 1088,
      output: 128,
      reasoning: 256,
      audio_output: 512,
    });
    assert.equal(sumOf(families, 'genai_tokens_total'), 2_047);
  });

  it('counts duplicates and what is not billable as spans only', async () => {
    const { exporter, scraped } = makeExporter();
    const statuses = ['duplicate', 'not_billable'] as const;
    exporter.committed(
      statuses.map((costStatus) => buildCall({ costStatus, costPicoUsd: null })),
      COMMITTED_UNIX_MS,
    );
    const families = await scraped();
    assert.equal(sumOf(families, 'genai_spans_total'), 2);
    for (const name of ['genai_calls_total', 'genai_tokens_total', 'genai_cost_usd_total']) {
      assert.equal(families.get(name)?.samples.length, 0, name);
    }
    assert.equal(families.get('genai_tenant_last_call_timestamp_seconds')?.samples.length, 0);
  });

  it('counts every call without a price by its status, with its tokens', async () => {
    const { exporter, scraped } = makeExporter();
    exporter.committed(
      COST_STATUSES.map((costStatus) => buildCall({ costStatus, costPicoUsd: null })),
      COMMITTED_UNIX_MS,
    );
    const families = await scraped();
    const reasons = families.get('genai_unpriced_calls_total')!.samples.map((one) => one.labels['reason']);
    assert.deepEqual(reasons, ['unpriced_model', 'unpriced_dimension', 'invalid_usage', 'missing_usage']);
    assert.equal(sumOf(families, 'genai_unpriced_calls_total'), 4);
    assert.equal(sumOf(families, 'genai_unpriced_tokens_total'), 4 * 630);
    assert.equal(sumOf(families, 'genai_calls_total'), 6);
    assert.equal(sumOf(families, 'genai_spans_total'), 8);
  });

  it('counts errors of calls, also of those that cost nothing, but not of the agents around them', async () => {
    const { exporter, scraped } = makeExporter();
    const failed = { costStatus: 'not_billable', costPicoUsd: null, usage: {}, errorType: '429' } as const;
    exporter.committed(
      [buildCall(failed), buildCall({ ...failed, operation: 'invoke_agent' })],
      COMMITTED_UNIX_MS,
    );
    exporter.committed([buildCall({ errorType: '429' })], COMMITTED_UNIX_MS);
    const families = await scraped();
    assert.equal(valueOf(families, 'genai_call_errors_total', { error_type: '429' }), 2);
    assert.equal(valueOf(families, 'genai_calls_total', { outcome: 'error', operation: 'chat' }), 1);
  });

  it('bounds error types, and folds free text', async () => {
    const { exporter, scraped } = makeExporter();
    const types = [
      ...Array.from({ length: 200 }, (_, index) => `Error${index}`),
      'Could not reach "x"\n at line 4',
    ];
    exporter.committed(
      types.map((errorType) => buildCall({ errorType })),
      COMMITTED_UNIX_MS,
    );
    const families = await scraped();
    assert.equal(families.get('genai_call_errors_total')?.samples.length, 51);
    assert.equal(valueOf(families, 'genai_call_errors_total', { error_type: 'other' }), 151);
    assert.equal(sumOf(families, 'genai_call_errors_total'), 201);
  });

  it('counts the cost of a call that started over 15 minutes before its commit as late', async () => {
    const { exporter, scraped } = makeExporter();
    const startedUnixMs = Number(buildCall().startedAtMicros / 1_000n);
    exporter.committed([buildCall({ costPicoUsd: 1_000_000_000_000n })], startedUnixMs + 15 * 60_000);
    exporter.committed([buildCall({ costPicoUsd: 2_000_000_000_000n })], startedUnixMs + 15 * 60_000 + 1);
    const families = await scraped();
    assert.equal(valueOf(families, 'genai_cost_usd_total'), 1);
    assert.equal(valueOf(families, 'genai_late_cost_usd_total'), 2);
    assert.equal(valueOf(families, 'genai_calls_total', { outcome: 'ok' }), 2);
  });

  it('counts cost without a team, difference to the reported cost, and sampled calls', async () => {
    const { exporter, scraped } = makeExporter();
    const usd = 1_000_000_000_000n;
    exporter.committed(
      [
        buildCall({ team: null, costPicoUsd: usd }),
        buildCall({ costPicoUsd: 3n * usd, reportedCostPicoUsd: 2n * usd, samplingRatio: 0.1 }),
        buildCall({ costPicoUsd: 3n * usd, reportedCostPicoUsd: 5n * usd, samplingRatio: 1 }),
      ],
      COMMITTED_UNIX_MS,
    );
    const families = await scraped();
    assert.equal(valueOf(families, 'genai_unattributed_cost_usd_total'), 1);
    assert.equal(sumOf(families, 'genai_cost_difference_usd_total'), 3);
    assert.equal(valueOf(families, 'genai_sampled_calls_total'), 1);
  });

  it('measures the difference also where the emitter has the word, and only where there are two figures', async () => {
    const { exporter, scraped } = makeExporter();
    const usd = 1_000_000_000_000n;
    const theirs = { costStatus: 'reported', costPicoUsd: 5n * usd, reportedCostPicoUsd: 5n * usd } as const;
    exporter.committed(
      [
        buildCall({ ...theirs, computedCostPicoUsd: 3n * usd }),
        buildCall({ ...theirs, computedCostPicoUsd: 6n * usd }),
        buildCall({ ...theirs, computedCostPicoUsd: null }),
        buildCall({ costPicoUsd: 3n * usd, computedCostPicoUsd: 3n * usd }),
      ],
      COMMITTED_UNIX_MS,
    );
    assert.equal(sumOf(await scraped(), 'genai_cost_difference_usd_total'), 3);
  });

  it('shows when each tenant last called, never later than the call arrived', async () => {
    const { exporter, scraped } = makeExporter();
    const call = buildCall();
    const ahead = call.startedAtMicros + 86_400_000_000n;
    exporter.committed([call, buildCall({ tenantId: 'beta', startedAtMicros: ahead })], COMMITTED_UNIX_MS);
    const families = await scraped();
    const name = 'genai_tenant_last_call_timestamp_seconds';
    assert.equal(valueOf(families, name, { tenant: 'acme' }), Number(call.startedAtMicros) / 1e6);
    assert.equal(valueOf(families, name, { tenant: 'beta' }), call.receivedUnixMs / 1e3);
  });

  it('escapes labels so that a reader gets back the value of the column', async () => {
    const { exporter, scraped } = makeExporter({ labels: ['team', 'feature'] });
    const odd = 'back\\slash "quote"\nnew line\\n {} , = ü 🦊';
    exporter.committed(
      [buildCall({ model: odd, team: odd, feature: odd, environment: null })],
      COMMITTED_UNIX_MS,
    );
    const { labels } = (await scraped()).get('genai_cost_usd_total')!.samples[0]!;
    assert.deepEqual(
      [labels['model'], labels['team'], labels['feature'], labels['environment']],
      [odd, odd, odd, ''],
    );
  });

  it('gives two labels that differ only in lone surrogates one series', async () => {
    const { exporter } = makeExporter();
    exporter.committed([buildCall({ model: 'm\ud800' }), buildCall({ model: 'm\udbff' })], COMMITTED_UNIX_MS);
    const asRead = Buffer.from(await exporter.render(), 'utf8').toString('utf8');
    assert.equal(sumOf(parseExposition(asRead), 'genai_calls_total', { model: 'm\ufffd' }), 2);
  });

  it('has team and feature only where configured', async () => {
    for (const labels of [[], ['team'], ['feature', 'team']]) {
      const { exporter, scraped } = makeExporter({ labels });
      exporter.committed([buildCall()], COMMITTED_UNIX_MS);
      const found = Object.keys((await scraped()).get('genai_spans_total')!.samples[0]!.labels);
      assert.deepEqual(found.slice(6, -1).toSorted(), labels.toSorted());
    }
  });

  it('starts the counters of known label sets at 0', async () => {
    const { exporter, scraped } = makeExporter();
    exporter.seed([{ tenant: 'acme', provider: 'openai', model: 'gpt-4o', operation: 'chat' }]);
    const families = await scraped();
    assert.equal(valueOf(families, 'genai_cost_usd_total', { tenant: 'acme' }), 0);
    assert.equal(families.get('genai_tokens_total')?.samples.length, 8);
    assert.equal(families.get('genai_calls_total')?.samples.length, 2);
  });

  it('reads gauges at the scrape, and leaves out those that cannot be read', async () => {
    let spentPicoUsd = 0n;
    const { scraped } = makeExporter(
      {},
      {
        spend: () => [{ tenant: 'acme', period: 'day', spentPicoUsd }],
        keys: () => [{ tenant: 'acme', keyId: 'k1', createdUnixMs: 1_500 }],
        priceBooks: () => [{ version: 'book-1', madeUnixMs: 2_500 }],
        oldestPendingUnixMs: () => null,
        databaseSizeBytes: () => {
          throw new Error('the database is away');
        },
      },
    );
    spentPicoUsd = 12_345_000_000_000n;
    const families = await scraped();
    assert.equal(valueOf(families, 'genai_spend_usd', { tenant: 'acme', period: 'day' }), 12.345);
    assert.equal(valueOf(families, 'genai_key_created_timestamp_seconds', { key_id: 'k1' }), 1.5);
    assert.equal(valueOf(families, 'genai_price_book_timestamp_seconds'), 2.5);
    assert.equal(valueOf(families, 'genai_ledger_oldest_pending_timestamp_seconds'), 0);
    assert.equal(families.get('genai_database_size_bytes')?.samples.length, 0);
    assert.equal(valueOf(families, 'spanmeter_build_info'), 1);
  });

  it('gives latencies the trace id of a call where OpenMetrics is asked for, and is then well formed', async () => {
    const { exporter } = makeExporter();
    exporter.committed([buildCall({ traceId: 'ab'.repeat(16) })], COMMITTED_UNIX_MS);
    exporter.committed([buildCall({ model: 'other-model' })], COMMITTED_UNIX_MS);
    const families = parseExposition(await exporter.render('openmetrics'), 'openmetrics');
    const exemplars = families
      .get('genai_call_duration_seconds')!
      .samples.flatMap((one) => one.exemplar ?? []);
    assert.equal(exemplars.length, 2);
    assert.match(exemplars[0]!, new RegExp(`^\\{trace_id="${'ab'.repeat(16)}"\\} 1.5 \\d+\\.?\\d*$`));
    assert.equal(valueOf(families, 'genai_cost_usd_total', { model: 'gpt-4o' }), 0.00135);
    assert.equal(families.get('genai_cost_usd')?.type, 'counter');
  });
});

describe('the families of the prometheus exporter', () => {
  const sources = {
    spend: () => [{ tenant: 'acme', period: 'day' as const, spentPicoUsd: 1n }],
    keys: () => [{ tenant: 'acme', keyId: 'k1', createdUnixMs: 1 }],
    priceBooks: () => [{ version: 'book-1', madeUnixMs: 1 }],
    oldestPendingUnixMs: () => 1,
    databaseSizeBytes: () => 1,
    anomalies: () => [{ tenantId: 'acme', model: 'm', serviceName: 's', excessPicoUsd: 1n }],
    databaseCapacityBytes: () => 1,
    budgets: () => ({ states: [buildState('acme')], forecastOf: () => 1n }),
    corrections: () => [correctionOf('model-1', 'up', 1n), correctionOf('model-1', 'down', 2n)],
    notifications: () => [{ channel: 'ops', outcome: 'sent', value: 1 }],
  };
  const fold = Array.from({ length: 200 }, (_, index) => buildCall({ model: `model-${index}` }));
  const late = buildCall({
    startedAtMicros: 0n,
    team: null,
    errorType: '500',
    ttftNanos: 1n,
    samplingRatio: 0.5,
  });
  const different = buildCall({ reportedCostPicoUsd: 1n });
  const unpriced = buildCall({ costStatus: 'unpriced_model', costPicoUsd: null });
  const estimated = buildCall({ usageSource: 'estimated' });

  it('are those of the catalogue: type, help, labels, their values and the buckets', async () => {
    const { exporter, scraped } = makeExporter({ max_series: 100, labels: ['team', 'feature'] }, sources);
    exporter.committed([late, different, unpriced, estimated, ...fold], COMMITTED_UNIX_MS);
    for (const { name, type, help, samples } of (await scraped()).values()) {
      const metric = METRIC_CATALOGUE.find((one) => one.name === name);
      assert.ok(metric, `${name} is not in the catalogue`);
      assert.deepEqual([type, help], [metric.type, metric.help], name);
      assert.ok(samples.length > 0, `${name} has no samples`);
      const labels = [...metric.labels, ...(metric.optionalLabels ?? [])].toSorted();
      for (const { labels: found } of samples) {
        assert.deepEqual(
          Object.keys(found)
            .filter((label) => label !== 'le')
            .toSorted(),
          labels,
          name,
        );
        for (const [label, values] of Object.entries(metric.values ?? {})) {
          assert.ok(values.includes(found[label]!), `${name}: ${label}="${found[label]}"`);
        }
      }
      if (metric.buckets === undefined) continue;
      const bounds = new Set(
        samples.flatMap(({ labels: { le } }) => (le === undefined || le === '+Inf' ? [] : [Number(le)])),
      );
      assert.deepEqual([...bounds], metric.buckets, name);
    }
  });

  it('are all of the catalogue that follow calls', async () => {
    const { scraped } = makeExporter();
    const families = await scraped();
    const missing = METRIC_CATALOGUE.filter(({ name, source }) => source === 'calls' && !families.has(name));
    assert.deepEqual(missing, []);
  });
});

describe('the series cap of the prometheus exporter', () => {
  it('folds the model of 20,000 made-up models of one tenant, and leaves room for other tenants', async () => {
    const { exporter, scraped } = makeExporter({ labels: ['team'] });
    const madeUp = Array.from({ length: 20_000 }, (_, index) => buildCall({ model: `made-up-${index}` }));
    exporter.committed(madeUp, COMMITTED_UNIX_MS);
    exporter.committed([buildCall({ tenantId: 'beta' })], COMMITTED_UNIX_MS);
    const families = await scraped();
    for (const { name, samples } of families.values())
      assert.ok(samples.length <= 10_000, `${name}: ${samples.length}`);
    assert.equal(sumOf(families, 'genai_calls_total', { tenant: 'acme' }), 20_000);
    const { samples } = families.get('genai_cost_usd_total')!;
    const models = new Set(samples.map((one) => one.labels['model']));
    assert.ok(models.size > 4_000 && models.has('other'));
    assert.ok(Math.abs(sumOf(families, 'genai_cost_usd_total', { tenant: 'acme' }) - 27) < 1e-9);
    const folded = valueOf(families, 'genai_cost_usd_total', { tenant: 'acme', model: 'other' });
    assert.equal(folded, 15_000 * 0.00135);
    assert.equal(samples.find((one) => one.labels['tenant'] === 'beta')!.labels['model'], 'gpt-4o');
    const cost = { metric: 'genai_cost_usd_total' };
    assert.equal(valueOf(families, 'genai_metrics_label_overflow_total', cost), 15_000);
  });

  it('folds service, then team, then the rest, and never the tenant', async () => {
    const { exporter, scraped } = makeExporter({ max_series: 100, labels: ['team'] });
    const calls = Array.from({ length: 3_000 }, (_, index) =>
      buildCall({
        tenantId: `tenant-${index % 3}`,
        model: `model-${index}`,
        serviceName: `service-${index}`,
        team: `team-${index}`,
        operation: `operation-${index}`,
      }),
    );
    exporter.committed(calls, COMMITTED_UNIX_MS);
    const families = await scraped();
    const { samples } = families.get('genai_cost_usd_total')!;
    assert.ok(samples.length <= 103, String(samples.length));
    assert.deepEqual(
      new Set(samples.map((one) => one.labels['tenant'])),
      new Set(['tenant-0', 'tenant-1', 'tenant-2']),
    );
    const foldings = ['model', 'service_name', 'team', 'operation'].map(
      (label) => samples.filter((one) => one.labels[label] === 'other').length,
    );
    assert.deepEqual(
      foldings,
      foldings.toSorted((a, b) => b - a),
    );
    assert.ok(foldings.every((count) => count >= 3));
    for (const tenant of ['tenant-0', 'tenant-1', 'tenant-2']) {
      assert.equal(sumOf(families, 'genai_calls_total', { tenant }), 1_000);
    }
  });

  it('gives every one of more tenants than series its own', async () => {
    const { exporter, scraped } = makeExporter({ max_series: 100 });
    const calls = Array.from({ length: 1_000 }, (_, index) => buildCall({ tenantId: `tenant-${index}` }));
    exporter.committed(calls, COMMITTED_UNIX_MS);
    const families = await scraped();
    assert.equal(families.get('genai_cost_usd_total')?.samples.length, 1_000);
  });
});

describe('the options of the prometheus exporter', () => {
  it('are valid when empty, and strict', () => {
    const defaults = prometheus.options.parse({});
    assert.equal(defaults.endpoint, '127.0.0.1:8889');
    assert.equal(defaults.max_series, 10_000);
    for (const wrong of [
      { endpoint: 'x' },
      { labels: ['user'] },
      { max_series: 0 },
      { unknown: 1 },
      { auth: {} },
    ]) {
      assert.equal(prometheus.options.safeParse(wrong).success, false, JSON.stringify(wrong));
    }
  });

  it('refuse an address that other machines reach without a token or a written insecure', () => {
    for (const endpoint of ['0.0.0.0:8889', ':8889', '10.0.0.1:8889', '[::]:8889']) {
      const refused = prometheus.options.safeParse({ endpoint });
      assert.match(refused.error?.message ?? '', /insecure: true/, endpoint);
      assert.ok(prometheus.options.safeParse({ endpoint, insecure: true }).success);
      assert.ok(prometheus.options.safeParse({ endpoint, auth: { bearer_token: 'x' } }).success);
    }
    assert.ok(prometheus.options.safeParse({ endpoint: 'localhost:1' }).success);
  });

  it('keep the token out of what is printed, and ask for it at the door', async () => {
    const options = parseOptions({ auth: { bearer_token: 'open-sesame' } });
    assert.ok(!JSON.stringify(options).includes('open-sesame'));
    const exporter = createPrometheusExporter(options, HOST);
    await exporter.start();
    const statusWith = (headers: Record<string, string>): Promise<number> =>
      new Promise((resolve, reject) => {
        get({ host: '127.0.0.1', port: exporter.address.port, path: '/metrics', headers }, (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        }).on('error', reject);
      });
    assert.equal(await statusWith({}), 401);
    const authorization = 'Bearer open-sesame';
    for (const host of ['localhost', 'spend.example.com'])
      assert.equal(await statusWith({ authorization, host }), 200);
    await exporter.stop(AbortSignal.timeout(1_000));
  });

  it('without a token, answer only requests that name this machine, unless insecure is written', async () => {
    for (const insecure of [false, true]) {
      const exporter = createPrometheusExporter(parseOptions({ insecure }), HOST);
      await exporter.start();
      const { port } = exporter.address;
      const statusFor = (host: string): Promise<number> =>
        new Promise((resolve, reject) => {
          get({ host: '127.0.0.1', port, path: '/metrics', headers: { host } }, (response) => {
            response.resume();
            resolve(response.statusCode ?? 0);
          }).on('error', reject);
        });
      assert.equal(await statusFor('rebound.evil.test'), insecure ? 200 : 403);
      assert.equal(await statusFor(`localhost:${port}`), 200);
      await exporter.stop(AbortSignal.timeout(1_000));
    }
  });
});
