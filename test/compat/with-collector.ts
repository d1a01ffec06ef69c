import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCollector, type CollectorProcess } from '../support/collector-process.ts';

/** Runs `check` with a collector and an empty folder; both are gone afterwards. */
export async function withCollector(
  name: string,
  check: (collector: CollectorProcess, dir: string) => Promise<void>,
): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), `spanmeter-${name}-`));
  const collector = await startCollector();
  try {
    await check(collector, dir);
  } finally {
    await collector.dispose();
    await rm(dir, { recursive: true, force: true });
  }
}

/** The variables that have a sender of any language send to the collector, for a tenant. */
export function sendingTo(collector: CollectorProcess, tenant: string): Record<string, string> {
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.ports.http}`,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    OTEL_SERVICE_NAME: 'checkout',
    OTEL_RESOURCE_ATTRIBUTES: `tenant.id=${encodeURIComponent(tenant)}`,
  };
}
