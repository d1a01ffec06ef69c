import assert from 'node:assert/strict';
import { Client, credentials, status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { readStatus } from '../collector/receivers/wire.ts';
import { pickPorts, startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { ExactLoad, totalsOf } from '../support/exact-load.ts';
import { assertQuiet, healthOf, ownMetric, statusOf } from '../support/observe.ts';
import { useTempDir } from '../support/temp-dir.ts';
import { startStoppableDatabase, type StoppableDatabase } from '../support/stoppable-database.ts';
import { until } from '../support/until.ts';

const EXPORT = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const same = (bytes: Buffer): Buffer => bytes;

function exportOverGrpc(port: number, body: Buffer): Promise<ServiceError | null> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  return new Promise((resolve) => {
    client.makeUnaryRequest(EXPORT, same, same, body, (error) => {
      client.close();
      resolve(error);
    });
  });
}

function post(port: number, body: Buffer): Promise<Response> {
  const headers = { 'content-type': 'application/x-protobuf' };
  return fetch(`http://127.0.0.1:${port}/v1/traces`, { method: 'POST', headers, body: new Uint8Array(body) });
}

describe("a collector with an operator's PostgreSQL", function () {
  const directory = useTempDir();
  let database: StoppableDatabase;
  /** Everything that this file sends, so that totals stay comparable. */
  let load: ExactLoad;
  let collector: CollectorProcess | undefined;

  before(async () => {
    database = await startStoppableDatabase();
    load = new ExactLoad();
  });
  // Whatever the case before left behind.
  beforeEach(() => database.start());
  afterEach(async () => {
    await load.abandon();
    await collector?.dispose();
    collector = undefined;
  });
  after(() => database?.dispose());

  const password = (): string => new URL(database.url).password;
  const postgresIs = (wanted: string) =>
    until(
      () => healthOf(collector!),
      ({ postgres }) => postgres.state === wanted,
    );

  it('acknowledges while it is away, says so, and catches up to the last digit by itself', async () => {
    collector = await startCollector({ env: { DATABASE_URL: database.url } });
    load.start(collector.ports.http);
    await load.more(1_000);
    await database.stop();
    const { code, status: word, postgres, journal } = await postgresIs('unavailable');
    assert.deepEqual([code, word, journal.state], [200, 'ok', 'ok']);
    assert.match(postgres.message ?? '', /PostgreSQL/);
    await load.more(3_000);
    assert.ok((await ownMetric(collector, 'spanmeter_journal_pending_spans', 'postgres')) >= 3_000);
    const oldest = 'spanmeter_journal_oldest_pending_timestamp_seconds';
    assert.ok((await ownMetric(collector, oldest, 'postgres')) > 1e9);
    assert.ok((await ownMetric(collector, 'spanmeter_ledger_retries_total', 'postgres')) >= 1);
    assert.ok((await statusOf(collector)).exporters[0]!.pending_records > 0);

    await database.start();
    await load.more(500);
    await load.stop();
    assert.deepEqual([...load.answers.keys()], [200], 'no sender noticed anything');
    await load.assertStored(database.url);
    await postgresIs('ok');
    await until(
      () => ownMetric(collector!, 'spanmeter_journal_pending_spans', 'postgres'),
      (pending) => pending === 0,
    );
    assertQuiet(collector, [password()]);
  });

  it('stores everything it acknowledged before it exits with 0 on SIGTERM under load', async () => {
    const ports = await pickPorts();
    const options = { dataDir: directory.path, ports, env: { DATABASE_URL: database.url } };
    collector = await startCollector(options);
    load.start(ports.http);
    await load.more(3_000);
    assert.equal(await collector.end('SIGTERM'), 0);
    const stored = (await totalsOf(database.url)).calls;
    assert.ok(stored >= load.acknowledged, `${stored} of ${load.acknowledged} acknowledged calls are stored`);
    assertQuiet(collector, [password()]);

    collector = await startCollector(options);
    await load.stop();
    await load.assertStored(database.url);
  });

  it('refuses at the bound of its journal, with when to come back, and goes on once there is room', async () => {
    await database.stop();
    const args = ['--set', 'extensions.journal.max_bytes=1MiB'];
    collector = await startCollector({ args, env: { DATABASE_URL: database.url } });
    const { http, grpc } = collector.ports;
    let refused: Response;
    for (;;) {
      refused = await post(http, load.render());
      if (refused.status !== 200) break;
      load.count();
    }
    assert.equal(refused.status, 503);
    assert.ok(Number(refused.headers.get('retry-after')) >= 1);
    const error = await exportOverGrpc(grpc, load.render());
    assert.equal(error?.code, status.UNAVAILABLE);
    const details = readStatus(error.metadata.get('grpc-status-details-bin')[0] as Buffer);
    assert.ok((details.retryAfterMs ?? 0) >= 1_000, JSON.stringify(details));
    const health = await healthOf(collector);
    assert.deepEqual([health.code, health.journal.state], [503, 'full']);
    assert.ok((await ownMetric(collector, 'spanmeter_journal_refused_total', 'reason="full"')) >= 2);
    const { journal } = await statusOf(collector);
    assert.ok(journal.size_bytes <= journal.max_bytes && journal.max_bytes === 1024 * 1024);

    await database.start();
    await until(
      () => post(http, load.render()),
      ({ status: code }) => code === 200,
    );
    load.count();
    assert.equal((await healthOf(collector)).code, 200);
    await load.assertStored(database.url);
    assertQuiet(collector, [password()]);
  });
});
