import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '@spanmeter/collector/dist/database/connect.js';
import { SILENT_LOG } from '@spanmeter/collector/dist/pipeline/silent.js';
import { createCost, type Call, type Usage } from '@spanmeter/processors';
import { sampleCall } from '../collector/postgres/sample-call.ts';
import { REPOSITORY } from '../support/collector-process.ts';
import { query as sql } from '../support/query.ts';
import { disagreements, LedgerWriter } from '../support/reprice-lab.ts';

const CALLS = Number(process.env['SPANMETER_BENCH_CALLS'] ?? 1_000_000);
const BATCH = 8_192;
const TENANTS = 100;
const SERVICES = 40;
const DAYS = 3;
const DAY_MS = 86_400_000;
const WATCH_MS = 20;

const MODELS: readonly (readonly [provider: string, model: string])[] = [
  ['openai', 'gpt-4o'],
  ['openai', 'gpt-4o-mini'],
  ['openai', 'gpt-4.1'],
  ['openai', 'gpt-4.1-mini'],
  ['openai', 'gpt-4.1-nano'],
  ['openai', 'gpt-5'],
  ['openai', 'gpt-5-mini'],
  ['openai', 'o3'],
  ['openai', 'o4-mini'],
  ['openai', 'text-embedding-3-large'],
  ['anthropic', 'claude-haiku-4-5'],
  ['anthropic', 'claude-sonnet-4-5'],
  ['anthropic', 'claude-opus-4-5'],
  ['gcp.gemini', 'gemini-2.5-flash'],
  ['gcp.gemini', 'gemini-2.5-pro'],
  ['mistral_ai', 'mistral-large-2411'],
  ['groq', 'llama-3.3-70b-versatile'],
  ['openai', 'in-house-large'],
  ['openai', 'in-house-small'],
  ['vllm', 'in-house-own'],
];

/** A change that touches every call: a discount or a raise for each provider, and prices for what had none. */
const PRICES = {
  prices: [
    {
      provider: 'openai',
      model: 'in-house-large',
      input_mtok: '1.5',
      output_mtok: '6',
      cache_read_mtok: '0.3',
    },
    { provider: 'openai', model: 'in-house-small', free: true },
    { provider: 'vllm', model: 'in-house-own', per_second: '0.00042' },
  ],
  discounts: ['openai', 'anthropic', 'gcp.gemini', 'mistral_ai', 'groq'].map((provider, index) => ({
    provider,
    multiply: `0.9${index}`,
  })),
};

function usageOf(seed: number, embeds: boolean): Usage {
  const input = 50 + (seed % 4_000);
  if (embeds) return { input: String(input) };
  const cached = seed % 3 === 0 ? { cache_read: String(seed % 1_500) } : {};
  return { input: String(input), output: String(10 + (seed % 900)), ...cached };
}

function makeCall(index: number, startMs: number): Call {
  const ids = createHash('sha256').update(String(index)).digest('hex');
  const seed = parseInt(ids.slice(48, 55), 16);
  // Every tenant uses a few services, every service a few models; some tenants have most of the calls.
  const tenant = Math.floor(((seed % 9_973) / 9_973) ** 2 * TENANTS);
  const service = (tenant * 7 + ((seed >>> 4) % 4)) % SERVICES;
  const [provider, model] = MODELS[(service * 3 + ((seed >>> 8) % 3)) % MODELS.length]!;
  const embeds = model.startsWith('text-embedding');
  const usage = usageOf(seed, embeds);
  return sampleCall(startMs + Math.floor((index / CALLS) * DAYS * DAY_MS), {
    traceId: ids.slice(0, 32),
    spanId: ids.slice(32, 48),
    tenantId: `tenant-${tenant}`,
    serviceName: `service-${service}`,
    operation: embeds ? 'embeddings' : 'chat',
    provider,
    model,
    requestModel: model,
    responseModel: model,
    responseId: `chatcmpl-${ids.slice(0, 24)}`,
    userId: `user-${seed % 997}`,
    team: `team-${tenant % 7}`,
    usage,
    inputTokens: Number(usage.input) + Number(usage.cache_read ?? 0),
    cacheReadTokens: usage.cache_read === undefined ? null : Number(usage.cache_read),
    outputTokens: usage.output === undefined ? null : Number(usage.output),
    reasoningTokens: null,
    conditions: seed % 5 === 0 ? { serviceTier: 'default' } : {},
    costStatus: 'unpriced_model',
    costPicoUsd: null,
    priceVersion: null,
    errorType: seed % 53 === 0 ? 'timeout' : null,
  });
}

async function store(url: string, startMs: number): Promise<number> {
  const ledger = new LedgerWriter(url);
  const price = createCost();
  const startedMs = performance.now();
  for (let from = 0; from < CALLS; from += BATCH) {
    const size = Math.min(BATCH, CALLS - from);
    const calls = Array.from({ length: size }, (_, i) => makeCall(from + i, startMs));
    const context = {
      receivedUnixMs: 0,
      role: 'open' as const,
      tenant: null,
      declaredTenant: null,
      keyId: null,
      team: null,
    };
    price([{ context, spans: [], calls, rejections: [] }]);
    await ledger.write(calls);
  }
  await ledger.close();
  return (performance.now() - startedMs) / 1000;
}

interface CliRun {
  readonly child: ChildProcess;
  readonly lines: string[];
  /** Seconds since the start when each line came. */
  readonly atSeconds: number[];
  peakRssMb: number;
  cpuSeconds: number;
}

function startCli(url: string, args: readonly string[]): CliRun {
  const main = join(REPOSITORY, 'collector', 'dist', 'main.js');
  const child = spawn(process.execPath, [main, 'reprice', '--format', 'json', ...args], {
    env: { ...process.env, DATABASE_URL: url },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const run: CliRun = { child, lines: [], atSeconds: [], peakRssMb: 0, cpuSeconds: 0 };
  const startedMs = performance.now();
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) {
      run.lines.push(line);
      run.atSeconds.push((performance.now() - startedMs) / 1000);
    }
  });
  const watch = setInterval(() => {
    try {
      const high = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'));
      const times = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
      run.cpuSeconds = (Number(times[11]) + Number(times[12])) / 100;
      if (high !== null) run.peakRssMb = Math.max(run.peakRssMb, Math.round(Number(high[1]) / 1024));
    } catch {
      // The process is gone, or this system has no /proc: the peak stays as it is.
    }
  }, WATCH_MS);
  child.once('exit', () => clearInterval(watch));
  return run;
}

async function totals(url: string): Promise<Record<string, string>> {
  const [row] = await sql<Record<string, string>>(
    url,
    `SELECT sum(cost_usd)::text AS cost_usd, sum(calls)::text AS calls,
       sum(calls) FILTER (WHERE cost_status IN ('priced', 'reported'))::text AS calls_with_cost
     FROM spanmeter.spend_rollup`,
  );
  return row!;
}

async function killHalfway(url: string, run: CliRun): Promise<number> {
  for (;;) {
    const [row] = await sql<{ done: string }>(
      url,
      'SELECT sum(calls_looked_at)::text AS done FROM spanmeter.reprice_runs',
    );
    if (run.child.exitCode !== null) throw new Error('the reprice ended before it was killed');
    if (Number(row?.done ?? 0) >= CALLS / 2) break;
    await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
  }
  const exited = once(run.child, 'exit');
  run.child.kill('SIGKILL');
  await exited;
  const [row] = await sql<{ done: string }>(
    url,
    'SELECT sum(calls_looked_at)::text AS done FROM spanmeter.reprice_runs',
  );
  return Number(row!.done);
}

async function finished(run: CliRun): Promise<number> {
  const startedMs = performance.now();
  const [code] = (await once(run.child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`the reprice ended with ${code}`);
  return (performance.now() - startedMs) / 1000;
}

const rounded = (value: number): number => Math.round(value * 10) / 10;

/** A reprice that changes every stored call, killed by SIGKILL halfway and run again, and one without interruption. */
export async function benchReprice(): Promise<Record<string, unknown>> {
  const folder = await mkdtemp(join(tmpdir(), 'spanmeter-bench-'));
  const database = await openDatabase({ dataDir: join(folder, 'postgres'), log: SILENT_LOG });
  const url = database.ownerUrl;
  try {
    const startMs = Math.floor(Date.now() / DAY_MS) * DAY_MS - DAYS * DAY_MS;
    const storeSeconds = await store(url, startMs);
    const prices = join(folder, 'prices.yaml');
    await writeFile(prices, JSON.stringify(PRICES));
    const day = (offset: number): string => new Date(startMs + offset * DAY_MS).toISOString().slice(0, 10);
    const range = ['--from', day(0), '--to', day(DAYS)];
    const before = await totals(url);

    const first = startCli(url, [...range, '--prices', prices]);
    const doneAtKill = await killHalfway(url, first);
    const atKill = await disagreements(url);
    const second = startCli(url, [...range, '--prices', prices]);
    const resumeSeconds = await finished(second);
    const after = await totals(url);
    const wrong = await disagreements(url);

    // Said outright, since the command takes no list prices for own ones that it was not told of.
    const list = [...range, '--config', join(REPOSITORY, 'otel-config.yaml')];
    const back = startCli(url, list);
    const wholeSeconds = await finished(back);
    const again = startCli(url, list);
    const idleSeconds = await finished(again);
    const planSeconds = back.atSeconds[0] ?? 0;
    return {
      calls: CALLS,
      stored_in_seconds: rounded(storeSeconds),
      before,
      killed_after_calls: doneAtKill,
      disagreements_after_the_kill: atKill.length,
      resumed: JSON.parse(second.lines.at(-1) ?? '{}'),
      resume_seconds: rounded(resumeSeconds),
      after,
      disagreements_after: wrong.length,
      uninterrupted_back_to_list_prices: {
        seconds: rounded(wholeSeconds),
        cli_cpu_seconds: rounded(back.cpuSeconds),
        load_average: rounded(loadavg()[0] ?? 0),
        summary_seconds: rounded(planSeconds),
        correction_seconds: rounded(wholeSeconds - planSeconds),
        calls_per_second: Math.round(CALLS / wholeSeconds),
        corrections_per_second: Math.round(CALLS / (wholeSeconds - planSeconds)),
      },
      spend_is_as_before: (await totals(url))['cost_usd'] === before['cost_usd'],
      disagreements_at_the_end: (await disagreements(url)).length,
      nothing_to_do_seconds: rounded(idleSeconds),
      peak_rss_mb: Math.max(first.peakRssMb, second.peakRssMb, back.peakRssMb, again.peakRssMb),
    };
  } finally {
    await database.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
