import { monitorEventLoopDelay } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { SelfMetrics } from '../pipeline/component.ts';
import { VERSION } from './version.ts';

/** Milliseconds between two looks at the event loop: finer costs more CPU than it tells. */
const LAG_RESOLUTION_MS = 20;
const NANOS_PER_SECOND = 1e9;

/** Metrics with counters that something else counts. */
export interface ObservedMetrics extends SelfMetrics {
  /** Registers a counter whose total is read at each scrape. */
  observedCounter(name: string, help: string, read: () => number): void;
}

type Reader = Parameters<SelfMetrics['gauge']>[2];

/** What one thread knows of itself: names as prom-client's default metrics, with the thread as a label. */
function registerThreadMetrics(metrics: SelfMetrics, thread: string): void {
  const lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  lag.enable();
  const labels = { thread };
  const gauge = (name: string, help: string, read: () => number): void => {
    const reader: Reader = () => [{ labels, value: read() }];
    metrics.gauge(name, help, reader, ['thread']);
  };
  // The delay that is measured includes the pause between two looks; before the first look it is NaN.
  const seconds = (nanos: number): number =>
    Number.isFinite(nanos) ? Math.max(0, nanos / NANOS_PER_SECOND - LAG_RESOLUTION_MS / 1_000) : 0;
  gauge('nodejs_eventloop_lag_p50_seconds', 'Median event loop delay since the last scrape.', () =>
    seconds(lag.percentile(50)),
  );
  gauge(
    'nodejs_eventloop_lag_p99_seconds',
    '99th percentile of event loop delay since the last scrape.',
    () => seconds(lag.percentile(99)),
  );
  gauge('nodejs_eventloop_lag_max_seconds', 'Longest event loop delay since the last scrape.', () => {
    const longest = lag.count === 0 ? 0 : seconds(lag.max);
    lag.reset();
    return longest;
  });
  gauge('nodejs_heap_size_used_bytes', 'JavaScript heap in use.', () => getHeapStatistics().used_heap_size);
}

/** What the operating system knows of the process: names as the Go collector's. */
function registerWholeProcess(metrics: ObservedMetrics): void {
  metrics.observedCounter('otelcol_process_uptime', 'Seconds since the process started.', () =>
    process.uptime(),
  );
  metrics.observedCounter(
    'otelcol_process_cpu_seconds',
    'CPU seconds of the process, user and system.',
    () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    },
  );
  metrics.gauge('otelcol_process_memory_rss', 'Resident memory of the process in bytes.', () =>
    process.memoryUsage.rss(),
  );
  const labels = { version: VERSION, node: process.versions.node };
  const help = 'Constant 1 with the versions of the collector and of Node.';
  metrics.gauge('spanmeter_build_info', help, () => [{ labels, value: 1 }], ['version', 'node']);
}

/** Registers event loop and heap of this thread and, in the main thread, uptime, CPU, memory and version. */
export function registerProcessMetrics(metrics: ObservedMetrics, thread: string): void {
  registerThreadMetrics(metrics, thread);
  if (thread === 'main') registerWholeProcess(metrics);
}
