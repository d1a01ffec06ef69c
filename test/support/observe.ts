import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CollectorProcess } from './collector-process.ts';

export interface Health {
  readonly code: number;
  readonly status: string;
  readonly journal: { readonly state: string; readonly message?: string };
  readonly postgres: { readonly state: string; readonly message?: string };
  readonly exporters: readonly {
    readonly id: string;
    readonly state: string;
    readonly message?: string;
    readonly pending_spans: number;
    readonly lag_seconds: number;
  }[];
}

export async function healthOf({ ports }: CollectorProcess): Promise<Health> {
  const response = await fetch(`http://127.0.0.1:${ports.health}/`);
  return { ...((await response.json()) as Omit<Health, 'code'>), code: response.status };
}

export interface Status {
  readonly journal: {
    readonly id: string;
    readonly oldest_sequence: number;
    readonly last_sequence: number;
    readonly size_bytes: number;
    readonly max_bytes: number;
    readonly damage: Readonly<Record<string, number>>;
  };
  readonly exporters: readonly {
    readonly exporter: string;
    readonly pending_records: number;
    readonly gaps: readonly {
      readonly first_sequence: number;
      readonly last_sequence: number;
      readonly reason: string;
    }[];
  }[];
}

export async function statusOf({ ports }: CollectorProcess): Promise<Status> {
  return (await (await fetch(`http://127.0.0.1:${ports.api}/api/v1/status`)).json()) as Status;
}

/** The sum of a metric of the collector's own over the series whose labels contain all of `labels`. */
export async function ownMetric(
  { ports }: CollectorProcess,
  name: string,
  ...labels: readonly string[]
): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${ports.telemetry}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    .filter((line) => labels.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

/** What no line of a log may hold: passwords of the embedded server, and what the test names. */
export function assertQuiet(collector: CollectorProcess, secrets: readonly string[] = []): void {
  const log = collector.lines.join('\n');
  for (const wrong of ['rejected unheard', 'worker thread', 'unforeseen', 'unexpected database error']) {
    assert.ok(!log.includes(wrong), `the log says "${wrong}":\n${log}`);
  }
  for (const secret of [...secrets, ...passwordsOf(collector.dataDir)]) {
    assert.ok(!log.includes(secret), 'the log holds a secret');
  }
}

function passwordsOf(dataDir: string): string[] {
  const folder = join(dataDir, 'postgres', 'passwords');
  try {
    return readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8').trim());
  } catch {
    return [];
  }
}
