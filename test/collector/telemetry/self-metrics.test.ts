import assert from 'node:assert/strict';
import { createSelfMetrics } from '@spanmeter/collector/dist/telemetry/self-metrics.js';
import { parseExposition, valueOf } from '../../support/exposition-parser.ts';

describe('the metrics of the collector itself', () => {
  it('are rendered as Prometheus text with the process metrics of the Go collector', async () => {
    const families = parseExposition(await createSelfMetrics().render());
    assert.ok(valueOf(families, 'otelcol_process_uptime') > 0);
    assert.ok(valueOf(families, 'otelcol_process_cpu_seconds') > 0);
    assert.ok(valueOf(families, 'otelcol_process_memory_rss') > 1e6);
    assert.equal(families.get('otelcol_process_cpu_seconds')?.type, 'counter');
    assert.ok(valueOf(families, 'nodejs_eventloop_lag_p99_seconds', { thread: 'main' }) >= 0);
    assert.equal(valueOf(families, 'spanmeter_build_info', { node: process.versions.node }), 1);
  });

  it('start at 0 without labels, and add up by label values', async () => {
    const metrics = createSelfMetrics();
    metrics.counter('plain_total', 'Plain.');
    const spans = metrics.counter('otelcol_receiver_accepted_spans', 'Accepted.', ['receiver', 'transport']);
    spans.add(3, { receiver: 'otlp', transport: 'grpc' });
    spans.add(4, { transport: 'grpc', receiver: 'otlp' });
    spans.add(1, { receiver: 'otlp' });
    const families = parseExposition(await metrics.render());
    assert.equal(valueOf(families, 'plain_total'), 0);
    assert.equal(valueOf(families, 'otelcol_receiver_accepted_spans', { transport: 'grpc' }), 7);
    assert.equal(valueOf(families, 'otelcol_receiver_accepted_spans', { transport: '' }), 1);
  });

  it('never take a counter down, nor up by what is no number', async () => {
    const metrics = createSelfMetrics();
    const counter = metrics.counter('steps_total', 'Steps.');
    for (const amount of [5, -3, Number.NaN, Infinity]) counter.add(amount);
    assert.equal(valueOf(parseExposition(await metrics.render()), 'steps_total'), 5);
  });

  it('count observations in cumulative buckets', async () => {
    const metrics = createSelfMetrics();
    const histogram = metrics.histogram('wait_seconds', 'Wait.', [0.1, 1], ['route']);
    for (const value of [0.1, 0.5, 7]) histogram.observe(value, { route: 'a' });
    const families = parseExposition(await metrics.render());
    assert.equal(valueOf(families, 'wait_seconds_bucket', { le: '0.1' }), 1);
    assert.equal(valueOf(families, 'wait_seconds_bucket', { le: '1' }), 2);
    assert.equal(valueOf(families, 'wait_seconds_bucket', { le: '+Inf' }), 3);
    assert.equal(valueOf(families, 'wait_seconds_sum'), 7.6);
  });

  it('give the same counter to a second component that asks for it, and refuse another shape', async () => {
    const metrics = createSelfMetrics();
    metrics.counter('shared_total', 'Shared.', ['exporter']).add(1, { exporter: 'a' });
    metrics.counter('shared_total', 'Shared.', ['exporter']).add(2, { exporter: 'a' });
    assert.equal(valueOf(parseExposition(await metrics.render()), 'shared_total', { exporter: 'a' }), 3);
    assert.throws(() => metrics.counter('shared_total', 'Shared.', ['other']), /shared_total is already/);
    assert.throws(() => metrics.gauge('shared_total', 'Shared.', () => 1), /shared_total is already/);
    assert.throws(() => metrics.counter('bad-name', 'Bad.'), /bad-name/);
    assert.throws(() => metrics.counter('bad_label_total', 'Bad.', ['a-b']), /a-b/);
  });

  it('read gauges at the scrape, from every component that registered one', async () => {
    const metrics = createSelfMetrics();
    let size = 1;
    const register = (exporter: string): void =>
      metrics.gauge('otelcol_exporter_queue_size', 'Queue.', () => [{ labels: { exporter }, value: size }], [
        'exporter',
      ]);
    register('a');
    register('b');
    size = 9;
    const families = parseExposition(await metrics.render());
    assert.equal(valueOf(families, 'otelcol_exporter_queue_size', { exporter: 'a' }), 9);
    assert.equal(valueOf(families, 'otelcol_exporter_queue_size', { exporter: 'b' }), 9);
  });

  it('survive a gauge that cannot be read, and count it', async () => {
    const metrics = createSelfMetrics();
    metrics.gauge('broken', 'Broken.', () => {
      throw new Error('not now');
    });
    await metrics.render();
    const families = parseExposition(await metrics.render());
    assert.ok(valueOf(families, 'spanmeter_metric_read_errors_total', { metric: 'broken' }) >= 1);
  });

  it('fold label sets beyond the bound', async () => {
    const metrics = createSelfMetrics({ maxSeries: 10 });
    const counter = metrics.counter('many_total', 'Many.', ['what']);
    for (let index = 0; index < 1_000; index++) counter.add(1, { what: `w${index}` });
    const families = parseExposition(await metrics.render());
    assert.equal(families.get('many_total')?.samples.length, 11);
    assert.equal(valueOf(families, 'many_total', { what: 'other' }), 990);
  });

  it('escape labels so that a reader gets back what was counted', async () => {
    const metrics = createSelfMetrics();
    const odd = 'back\\slash "quote"\nline';
    metrics.counter('odd_total', 'With \\ and\nline.', ['what']).add(1, { what: odd });
    assert.equal(valueOf(parseExposition(await metrics.render()), 'odd_total', { what: odd }), 1);
  });

  it('of another thread are merged from a clone: sums added, gauges side by side', async () => {
    const main = createSelfMetrics();
    const worker = createSelfMetrics({ thread: 'worker' });
    for (const metrics of [main, worker]) {
      metrics.counter('both_total', 'Both.', ['part']).add(2, { part: 'x' });
      metrics.histogram('both_seconds', 'Both.', [1]).observe(0.5);
    }
    worker.counter('only_worker_total', 'Worker.').add(7);
    const families = parseExposition(await main.render([structuredClone(worker.snapshot())]));
    assert.equal(valueOf(families, 'both_total', { part: 'x' }), 4);
    assert.equal(valueOf(families, 'both_seconds_count'), 2);
    assert.equal(valueOf(families, 'both_seconds_sum'), 1);
    assert.equal(valueOf(families, 'only_worker_total'), 7);
    valueOf(families, 'nodejs_eventloop_lag_p99_seconds', { thread: 'main' });
    valueOf(families, 'nodejs_eventloop_lag_p99_seconds', { thread: 'worker' });
    valueOf(families, 'otelcol_process_uptime');
  });
});
