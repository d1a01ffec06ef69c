import { get } from 'node:http';
import { Counter, Registry } from 'prom-client';
import { createPrometheusExporter, prometheus } from '@spanmeter/collector/dist/exporters/prometheus.js';
import { SILENT_LOG, SILENT_METRICS } from '@spanmeter/collector/dist/pipeline/silent.js';
import { buildCall, COMMITTED_UNIX_MS } from '../support/call-builder.ts';

/** Series that one label set of the calls below has: cost, span, both outcomes, input and output tokens. */
const SERIES_PER_LABEL_SET = 6;
const ROUNDS = 7;

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Reads a page; gives its size and the longest time in which the event loop had no turn meanwhile. */
async function readWhileWatching(
  url: string,
): Promise<{ bytes: number; blockedMs: number; totalMs: number }> {
  let watching = true;
  let blockedMs = 0;
  let last = performance.now();
  const watch = (): void => {
    const now = performance.now();
    blockedMs = Math.max(blockedMs, now - last);
    last = now;
    if (watching) setImmediate(watch);
  };
  setImmediate(watch);
  const start = performance.now();
  const bytes = await new Promise<number>((resolve, reject) => {
    get(url, (response) => {
      let size = 0;
      response.on('data', (chunk: Buffer) => (size += chunk.length));
      response.on('end', () => resolve(size));
      response.on('error', reject);
    }).on('error', reject);
  });
  watching = false;
  return { bytes, blockedMs, totalMs: performance.now() - start };
}

async function measureOurs(series: number): Promise<Record<string, unknown>> {
  const options = prometheus.options.parse({ endpoint: '127.0.0.1:0', max_series: 1_000_000 });
  const host = { id: 'prometheus', log: SILENT_LOG, metrics: SILENT_METRICS };
  const exporter = createPrometheusExporter(options, host);
  const labelSets = Math.ceil(series / SERIES_PER_LABEL_SET);
  const calls = Array.from({ length: labelSets }, (_, index) =>
    buildCall({
      tenantId: `tenant-${index % 100}`,
      model: `model-${Math.floor(index / 100)}`,
      durationNanos: null,
      costPicoUsd: BigInt(index) * 1_234_567n,
    }),
  );
  exporter.committed(calls, COMMITTED_UNIX_MS);
  const started = performance.now();
  for (let round = 0; round < ROUNDS; round++) exporter.committed(calls, COMMITTED_UNIX_MS);
  const nanosPerCall = ((performance.now() - started) * 1e6) / (ROUNDS * labelSets);
  await exporter.start();
  const url = `http://127.0.0.1:${exporter.address.port}/metrics`;
  const reads = [];
  for (let round = 0; round < ROUNDS; round++) {
    exporter.committed(calls, COMMITTED_UNIX_MS);
    reads.push(await readWhileWatching(url));
  }
  const wholeMs = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    await exporter.render();
    wholeMs.push(performance.now() - start);
  }
  await exporter.stop(AbortSignal.timeout(1_000));
  return {
    series: labelSets * SERIES_PER_LABEL_SET,
    longest_blocked_ms: median(reads.map(({ blockedMs }) => blockedMs)),
    scrape_over_http_ms: median(reads.map(({ totalMs }) => totalMs)),
    render_ms: median(wholeMs),
    bytes: reads[0]?.bytes,
    count_one_call_ns: Math.round(nanosPerCall),
  };
}

async function measurePromClient(series: number): Promise<Record<string, unknown>> {
  const registry = new Registry();
  const labelNames = ['tenant', 'provider', 'model', 'operation', 'service_name', 'environment'] as const;
  const counter = new Counter({ name: 'rival_total', help: 'rival', labelNames, registers: [registry] });
  for (let index = 0; index < series; index++) {
    const labels = {
      provider: 'openai',
      operation: 'chat',
      service_name: 'checkout',
      environment: 'production',
    };
    counter.inc(
      { ...labels, tenant: `tenant-${index % 100}`, model: `model-${Math.floor(index / 100)}` },
      index / 7,
    );
  }
  const times = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    await registry.metrics();
    times.push(performance.now() - start);
  }
  return { series, blocked_ms: median(times) };
}

/** How long a scrape of 10,000 and 100,000 series blocks the event loop; prom-client's own beside it. */
export async function benchScrape(): Promise<Record<string, unknown>> {
  return {
    scrape_10k: await measureOurs(10_000),
    scrape_100k: await measureOurs(100_000),
    prom_client_10k: await measurePromClient(10_000),
    prom_client_100k: await measurePromClient(100_000),
  };
}
