import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CALL_COLUMNS, encodeCalls } from '@spanmeter/collector/dist/exporters/postgres/call-rows.js';
import { createPostgresLedger } from '@spanmeter/collector/dist/exporters/postgres/ledger.js';
import { copyInto, Session } from '@spanmeter/collector/dist/exporters/postgres/session.js';
import { openDatabase } from '@spanmeter/collector/dist/database/connect.js';
import type { PreparedBatch } from '@spanmeter/collector/dist/pipeline/ledger.js';
import { SILENT_LOG, SILENT_METRICS } from '@spanmeter/collector/dist/pipeline/silent.js';
import type { Call } from '@spanmeter/processors';
import { sampleCall } from '../collector/postgres/sample-call.ts';

const BATCH_ROWS = 8_192;
const BATCHES = 40;
const WARM_UP_BATCHES = 5;
const ROUNDS = 3;
const TENANTS = 100;
const MODELS = 20;
const SERVICES = 40;
const EXPORTER = 'postgres';

/** Calls as a busy hour has them: every tenant uses a few services, every service a few models. */
function makeCalls(batch: number, salt: string): Call[] {
  const startedAtMs = Date.now() - 60_000;
  return Array.from({ length: BATCH_ROWS }, (_, i) => {
    const ids = createHash('sha256').update(`${salt} ${batch} ${i}`).digest('hex');
    const tenant = parseInt(ids.slice(48, 52), 16) % TENANTS;
    const service = (tenant * 7 + (parseInt(ids.slice(52, 56), 16) % 4)) % SERVICES;
    const model = (service * 3 + (parseInt(ids.slice(56, 60), 16) % 3)) % MODELS;
    return sampleCall(startedAtMs + (i % 1_000), {
      traceId: ids.slice(0, 32),
      spanId: ids.slice(32, 48),
      tenantId: `tenant-${tenant}`,
      serviceName: `service-${service}`,
      model: `model-${model}`,
      requestModel: `model-${model}`,
      responseModel: `model-${model}-2026-01-01`,
      responseId: `chatcmpl-${ids.slice(0, 24)}`,
      userId: `user-${i % 997}`,
      team: `team-${tenant % 7}`,
      costPicoUsd: BigInt(1_000_000 + i * 1_000),
    });
  });
}

/**
 * Rows per second of raw COPY into a copy of `calls` with its indexes, and of the ledger's whole transaction.
 */
export async function benchCopy(): Promise<Record<string, unknown>> {
  const folder = await mkdtemp(join(tmpdir(), 'spanmeter-bench-'));
  const database = await openDatabase({ dataDir: join(folder, 'postgres'), log: SILENT_LOG });
  try {
    const raw: number[] = [];
    const ledger: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      raw.push(await benchRawCopy(database.ownerUrl, round));
      ledger.push(await benchLedger(database.ownerUrl, round));
    }
    const encode = benchEncode();
    return {
      batch_rows: BATCH_ROWS,
      rows_per_measurement: BATCH_ROWS * BATCHES,
      raw_copy_rows_per_second: spread(raw),
      ledger_rows_per_second: spread(ledger),
      ledger_to_raw: round2(median(ledger) / median(raw)),
      encode_rows_per_second: encode,
    };
  } finally {
    await database.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function benchRawCopy(url: string, round: number): Promise<number> {
  const session = await Session.open(url);
  try {
    await session.run([
      'DROP TABLE IF EXISTS spanmeter.calls_raw',
      'CREATE TABLE spanmeter.calls_raw (LIKE spanmeter.calls INCLUDING ALL)',
    ]);
    let elapsedMs = 0;
    for (let batch = 0; batch < WARM_UP_BATCHES + BATCHES; batch++) {
      const payload = encodeCalls(makeCalls(batch, `raw ${round}`)).copy.payload();
      const startedMs = performance.now();
      await session.run([copyInto('spanmeter.calls_raw', CALL_COLUMNS, payload)]);
      if (batch >= WARM_UP_BATCHES) elapsedMs += performance.now() - startedMs;
    }
    await session.run(['DROP TABLE spanmeter.calls_raw']);
    return (BATCHES * BATCH_ROWS * 1000) / elapsedMs;
  } finally {
    session.close();
  }
}

async function benchLedger(url: string, round: number): Promise<number> {
  const ledger = createPostgresLedger({
    connectionString: url,
    log: SILENT_LOG,
    metrics: SILENT_METRICS,
    retentionDays: 90,
  });
  try {
    const journalId = randomUUID();
    await ledger.createCursor(journalId, EXPORTER, { sequence: 0, spansDone: 0 });
    const prepare = (i: number, calls: readonly Call[]): PreparedBatch =>
      ledger.prepare({
        journalId,
        exporter: EXPORTER,
        from: { sequence: i, spansDone: i * BATCH_ROWS },
        to: { sequence: i + 1, spansDone: (i + 1) * BATCH_ROWS },
        calls,
        deadLetters: [],
        books: [],
      });
    let elapsedMs = 0;
    let next = prepare(0, makeCalls(0, `ledger ${round}`));
    for (let i = 0; i < WARM_UP_BATCHES + BATCHES; i++) {
      const calls = makeCalls(i + 1, `ledger ${round}`);
      const startedMs = performance.now();
      // As the collector does it: the next batch is encoded while this one commits.
      const committing = ledger.commit(next);
      next = prepare(i + 1, calls);
      const result = await committing;
      if (i >= WARM_UP_BATCHES) elapsedMs += performance.now() - startedMs;
      if (result.inserted.length !== BATCH_ROWS) throw new Error('rows were lost');
    }
    return (BATCHES * BATCH_ROWS * 1000) / elapsedMs;
  } finally {
    await ledger.close();
  }
}

function benchEncode(): number {
  const calls = makeCalls(0, 'encode');
  encodeCalls(calls);
  const startedMs = performance.now();
  for (let i = 0; i < 10; i++) encodeCalls(calls);
  return Math.round((10 * BATCH_ROWS * 1000) / (performance.now() - startedMs));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function spread(values: readonly number[]): Record<string, number> {
  return {
    median: Math.round(median(values)),
    min: Math.round(Math.min(...values)),
    max: Math.round(Math.max(...values)),
  };
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}
