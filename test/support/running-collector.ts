import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { REPOSITORY, type CollectorProcess } from './collector-process.ts';
import { parseExposition, sumOf, type ParsedFamily } from './exposition-parser.ts';
import { query } from './query.ts';
import { until } from './until.ts';

export type Families = ReadonlyMap<string, ParsedFamily>;

async function scrape(port: number): Promise<Families> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  assert.equal(response.status, 200);
  return parseExposition(await response.text());
}

/** What 8888 says now. */
export const ownMetrics = ({ ports }: CollectorProcess): Promise<Families> => scrape(ports.telemetry);

/** What 8889 says now. */
export const genAiMetrics = ({ ports }: CollectorProcess): Promise<Families> => scrape(ports.prometheus);

/** Resolves once everything that was acknowledged so far is in PostgreSQL and in the metrics. */
export async function settled(collector: CollectorProcess): Promise<void> {
  const own = await ownMetrics(collector);
  const sent = sumOf(own, 'spanmeter_journal_appended_spans_total');
  if (sent === 0) return;
  const text = 'SELECT coalesce(sum(spans_done), 0)::text AS done FROM spanmeter.journal_cursors';
  await until(
    () => query<{ done: string }>(collector.databaseUrl(), text),
    ([row]) => Number(row?.done ?? 0) >= sent,
  );
  // The cursor is visible before the collector has heard of its commit, and counts what it stored.
  await until(
    () => ownMetrics(collector),
    (now) => sumOf(now, 'spanmeter_journal_pending_spans') === 0,
  );
}

/** GETs a path of the query API; fails unless it is answered with `status`. */
export async function getApi<T>(
  { ports }: CollectorProcess,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  status = 200,
): Promise<T> {
  const response = await fetch(`http://127.0.0.1:${ports.api}${path}`, { headers });
  const text = await response.text();
  assert.equal(response.status, status, `${path}: ${text}`);
  return JSON.parse(text) as T;
}

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a `spanmeter` command of its own process beside the running collector. */
export function spanmeterBeside(
  collector: CollectorProcess,
  ...args: readonly string[]
): Promise<CommandResult> {
  return spanmeterWith(collector, { DATABASE_URL: '' }, ...args);
}

/** As `spanmeterBeside`, with other variables. */
export async function spanmeterWith(
  { dataDir }: CollectorProcess,
  env: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<CommandResult> {
  const main = join(REPOSITORY, 'collector', 'dist', 'main.js');
  const child = spawn(process.execPath, [main, ...args], {
    cwd: dataDir,
    env: { ...process.env, SPANMETER_DATA: dataDir, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}
