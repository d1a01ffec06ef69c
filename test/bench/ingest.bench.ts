import { performance } from 'node:perf_hooks';
import { startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { DEFAULT_SHAPE, loadTemplate, OtlpSender, type LoadTemplate } from '../support/load.ts';
import { query } from '../support/query.ts';

const SECONDS = Number(process.env['SPANMETER_BENCH_SECONDS'] ?? 60);
const LATENCY_SECONDS = Math.min(SECONDS, 15);
const SENDERS = 8;
const STEADY_SPANS_PER_SECOND = 10_000;

interface Stored {
  readonly calls: number;
  readonly cost: string;
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

async function stored(collector: CollectorProcess): Promise<Stored> {
  const [row] = await query<{ calls: string; cost: string }>(
    collector.databaseUrl(),
    `SELECT coalesce(sum(calls), 0) AS calls, coalesce(sum(cost_usd), 0)::text AS cost FROM spanmeter.spend_rollup`,
  );
  return { calls: Number(row?.calls ?? 0), cost: row?.cost ?? '0' };
}

async function storedAtLeast(collector: CollectorProcess, calls: number): Promise<Stored> {
  for (;;) {
    const found = await stored(collector);
    if (found.calls >= calls) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function sustained(collector: CollectorProcess, template: LoadTemplate): Promise<object> {
  const sender = new OtlpSender(collector.ports.http, SENDERS);
  const before = await stored(collector);
  const startedMs = performance.now();
  let requests = 0;
  let refused = 0;
  const loop = async (): Promise<void> => {
    while (performance.now() - startedMs < SECONDS * 1000) {
      const body = template.render(Date.now());
      while ((await sender.post(body)) !== 200) refused++;
      requests++;
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, loop));
  const sentMs = performance.now() - startedMs;
  const calls = requests * template.calls;
  const after = await storedAtLeast(collector, before.calls + calls);
  const elapsedSeconds = (performance.now() - startedMs) / 1000;
  sender.close();
  return {
    spans: calls,
    acknowledgedPerSecond: Math.round(calls / (sentMs / 1000)),
    committedPerSecond: Math.round(calls / elapsedSeconds),
    drainedAfterSeconds: Number((elapsedSeconds - sentMs / 1000).toFixed(2)),
    refused,
    countEqual: after.calls === before.calls + calls,
    costSentPicoUsd: String(template.costPicoUsd * BigInt(requests)),
    costStoredUsd: after.cost,
  };
}

/** Acks at a steady 10 k spans/s, and how long a call takes to be seen in SQL. */
async function steady(collector: CollectorProcess, template: LoadTemplate): Promise<object> {
  const sender = new OtlpSender(collector.ports.http, 32);
  const everyMs = (template.calls / STEADY_SPANS_PER_SECOND) * 1000;
  const acks: number[] = [];
  const visible: number[] = [];
  const waiting: Promise<void>[] = [];
  let total = (await stored(collector)).calls;
  const startedMs = performance.now();
  for (let sent = 0; performance.now() - startedMs < LATENCY_SECONDS * 1000; sent++) {
    const dueMs = startedMs + sent * everyMs;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const postedMs = performance.now();
    total += template.calls;
    const expected = total;
    waiting.push(
      sender.post(template.render(Date.now())).then(async () => {
        acks.push(performance.now() - postedMs);
        if (sent % 20 !== 0) return;
        const ackedMs = performance.now();
        await storedAtLeast(collector, expected);
        visible.push(performance.now() - ackedMs);
      }),
    );
  }
  await Promise.all(waiting);
  sender.close();
  return {
    ackP50Ms: Number(percentile(acks, 0.5).toFixed(1)),
    ackP95Ms: Number(percentile(acks, 0.95).toFixed(1)),
    ackP99Ms: Number(percentile(acks, 0.99).toFixed(1)),
    visibleP95Ms: Number(percentile(visible, 0.95).toFixed(0)),
  };
}

/** Hundred exporters at once, each on its own connection. */
async function hundred(collector: CollectorProcess): Promise<object> {
  const template = loadTemplate({ ...DEFAULT_SHAPE, spansPerRequest: 50 });
  const startedMs = performance.now();
  const before = (await stored(collector)).calls;
  const acks: number[] = [];
  const senders = Array.from({ length: 100 }, () => new OtlpSender(collector.ports.http, 1));
  await Promise.all(
    senders.map(async (sender) => {
      for (let request = 0; request < 20; request++) {
        const postedMs = performance.now();
        const status = await sender.post(template.render(Date.now()));
        if (status !== 200) throw new Error(`refused with ${status}`);
        acks.push(performance.now() - postedMs);
      }
    }),
  );
  for (const sender of senders) sender.close();
  const sentSeconds = (performance.now() - startedMs) / 1000;
  await storedAtLeast(collector, before + 100 * 20 * template.calls);
  return {
    spansPerSecond: Math.round((100 * 20 * template.calls) / sentSeconds),
    ackP95Ms: Number(percentile(acks, 0.95).toFixed(1)),
  };
}

/** Durable ingest, end to end: load generator, collector and embedded PostgreSQL on the same cores. */
export async function benchIngest(): Promise<Record<string, unknown>> {
  const startedMs = performance.now();
  const collector = await startCollector();
  const readySeconds = (performance.now() - startedMs) / 1000;
  try {
    const [durability] = await query<Record<string, string>>(
      collector.databaseUrl(),
      `SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit,
              current_setting('full_page_writes') AS full_page_writes`,
    );
    const template = loadTemplate();
    return {
      durability,
      readySeconds: Number(readySeconds.toFixed(2)),
      steady: await steady(collector, template),
      hundredExporters: await hundred(collector),
      sustained: await sustained(collector, template),
    };
  } finally {
    await collector.dispose();
  }
}
