import assert from 'node:assert/strict';
import { cp, mkdtemp, open, readdir, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { freshDatabase, type FreshDatabase } from '../support/database.ts';
import { ExactLoad } from '../support/exact-load.ts';
import { freePorts } from '../support/free-port.ts';
import { assertQuiet, ownMetric, statusOf } from '../support/observe.ts';
import { query } from '../support/query.ts';

const REQUESTS = 12;

interface Letter {
  readonly reason: string;
  readonly detail: string;
  readonly bytes: number;
}

describe('a journal that was damaged while its collector was down', function () {
  /** Twelve requests of a collector that never reached its database and was killed. */
  let original: string;
  let dataDir: string;
  let database: FreshDatabase;
  let collector: CollectorProcess | undefined;

  before(async () => {
    original = await mkdtemp(join(tmpdir(), 'spanmeter-original-'));
    const [nobody] = await freePorts(1);
    const writer = await startCollector({
      dataDir: original,
      args: ['--set', 'extensions.journal.segment_bytes=32KiB'],
      env: { DATABASE_URL: `postgres://nobody@127.0.0.1:${nobody}/none` },
    });
    await new ExactLoad(16).send(writer.ports.http, REQUESTS);
    await writer.end('SIGKILL');
  });
  after(() => rm(original, { recursive: true, force: true }));

  beforeEach(async () => {
    database = await freshDatabase();
    dataDir = await mkdtemp(join(tmpdir(), 'spanmeter-damaged-'));
    await cp(original, dataDir, { recursive: true, filter: (path) => !path.endsWith('.sock') });
  });
  afterEach(async () => {
    await collector?.dispose();
    collector = undefined;
    await database.drop();
    await rm(dataDir, { recursive: true, force: true });
  });

  async function segments(): Promise<string[]> {
    const names = await readdir(join(dataDir, 'journal'));
    return names
      .filter((name) => name.endsWith('.seg'))
      .toSorted()
      .map((name) => join(dataDir, 'journal', name));
  }

  /** Starts over the damage, sends one request more, and compares what is stored with so many requests. */
  async function storedAfterStart(requests: number): Promise<CollectorProcess> {
    collector = await startCollector({ dataDir, env: { DATABASE_URL: database.url } });
    const load = new ExactLoad(16);
    for (let i = 0; i < requests; i++) load.count();
    await load.send(collector.ports.http, 1);
    await load.assertStored(database.url);
    assertQuiet(collector);
    return collector;
  }

  const letters = (): Promise<Letter[]> =>
    query<Letter>(
      database.url,
      'SELECT reason, detail, octet_length(payload) AS bytes FROM spanmeter.dead_letters',
    );

  it('is read up to where it was cut off, and says so', async () => {
    const last = (await segments()).at(-1)!;
    await truncate(last, (await stat(last)).size - 100);
    const running = await storedAfterStart(REQUESTS - 1);
    assert.deepEqual((await statusOf(running)).journal.damage, { torn_tail: 1 });
    assert.equal(await ownMetric(running, 'spanmeter_journal_damaged_total', 'reason="torn_tail"'), 1);
    assert.match(await running.seen('were cut'), /"level":"warn".*"offset":\d+/);
  });

  it('keeps a request with a flipped bit as a dead letter, and stores all others', async () => {
    const second = await open((await segments())[1]!, 'r+');
    const byte = Buffer.alloc(1);
    await second.read(byte, 0, 1, 3_000);
    await second.write(Buffer.of(byte[0]! ^ 4), 0, 1, 3_000);
    await second.close();

    const running = await storedAfterStart(REQUESTS - 1);
    const [letter, ...more] = await letters();
    assert.equal(more.length, 0);
    assert.equal(letter?.reason, 'journal_damaged');
    assert.ok(letter.bytes > 3_000, 'its bytes are kept');
    assert.match(letter.detail, /^Record \d+ of journal .*\.seg at byte \d+ .*not what was written/);
    const [exporter] = (await statusOf(running)).exporters;
    assert.deepEqual(
      exporter?.gaps.map(({ reason, first_sequence: firstSequence, last_sequence: lastSequence }) => [
        reason,
        lastSequence - firstSequence,
      ]),
      [['body', 0]],
    );
    assert.equal(await ownMetric(running, 'spanmeter_journal_gap_records_total', 'reason="body"'), 1);
    assert.equal(await ownMetric(running, 'spanmeter_ledger_dead_letters_total', 'journal_damaged'), 1);
  });

  it('reports what is gone with half of its files, and stores what the other half holds', async () => {
    const files = await segments();
    const kept = files.slice(files.length / 2);
    const gone = Number(/(\d+)\.seg$/.exec(kept[0]!)![1]) - 1;
    assert.ok(gone > 0 && gone < REQUESTS);
    for (const file of files.slice(0, files.length / 2)) await rm(file);

    const running = await storedAfterStart(REQUESTS - gone);
    const { journal, exporters } = await statusOf(running);
    assert.deepEqual([journal.oldest_sequence, journal.last_sequence], [gone + 1, REQUESTS + 1]);
    assert.deepEqual(
      exporters[0]?.gaps.map(({ reason, first_sequence: firstSequence, last_sequence: lastSequence }) => [
        reason,
        firstSequence,
        lastSequence,
      ]),
      [['gone', 1, gone]],
    );
    assert.equal(await ownMetric(running, 'spanmeter_journal_gap_records_total', 'reason="gone"'), gone);
  });

  it('goes on without a file in its middle, whose requests become a dead letter', async () => {
    const files = await segments();
    const middle = files[Math.floor(files.length / 2)]!;
    const sequenceOf = (file: string): number => Number(/(\d+)\.seg$/.exec(file)![1]);
    const next = sequenceOf(files[Math.floor(files.length / 2) + 1]!);
    const missing = next - sequenceOf(middle);
    await rm(middle);

    const running = await storedAfterStart(REQUESTS - missing);
    const { journal, exporters } = await statusOf(running);
    assert.deepEqual(journal.damage, { missing_segment: 1 });
    assert.deepEqual(exporters[0]?.gaps[0]?.reason, 'missing');
    assert.match((await letters())[0]?.detail ?? '', /no file has it/);
    assert.equal(await ownMetric(running, 'spanmeter_journal_gap_records_total', 'missing'), missing);
  });
});
