import assert from 'node:assert/strict';
import { cp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Random } from '../simulator/random.ts';
import { useTempDir } from '../../support/temp-dir.ts';
import { bodies, countingMetrics, openTestJournal, readAll, recordOf } from './records.ts';

const COUNT = 40;

function bodyOf(sequence: number): string {
  return `body-${sequence}-${'.'.repeat(100 + sequence)}`;
}

/** Writes 40 records into several segments and closes the journal. */
async function fill(dir: string, segmentBytes = 2500): Promise<string> {
  const journal = await openTestJournal(dir, { segmentBytes });
  for (let i = 1; i <= COUNT; i += 1) await journal.append(recordOf(bodyOf(i)));
  await journal.close();
  return journal.id;
}

async function segments(dir: string): Promise<string[]> {
  return (await readdir(dir)).filter((name) => name.endsWith('.seg')).toSorted();
}

async function flip(path: string, offset: number, bit = 0): Promise<void> {
  const bytes = await readFile(path);
  bytes[offset] = (bytes[offset] as number) ^ (1 << bit);
  await writeFile(path, bytes);
}

describe('the recovery of a journal', () => {
  const dir = useTempDir();

  it('cuts a tail torn at any byte of the last record, says so, and goes on after the one before', async () => {
    await fill(dir.path, 1024 * 1024);
    const [name] = await segments(dir.path);
    const path = join(dir.path, name as string);
    const whole = await readFile(path);
    const lastFrame = whole.length - whole.lastIndexOf(Buffer.from('body-40-')) + 100;
    for (let cut = 1; cut < lastFrame; cut += 13) {
      await writeFile(path, whole.subarray(0, whole.length - cut));
      const { metrics, count } = countingMetrics();
      const journal = await openTestJournal(dir.path, { metrics });
      assert.equal(journal.lastSequence, 39, `cut by ${cut}`);
      assert.equal(count('spanmeter_journal_damaged_total', 'torn_tail'), 1);
      assert.equal(await journal.append(recordOf('again')), 40);
      await journal.close();
      assert.equal(bodies(await readAll(dir.path, 40)).get(40), 'again');
    }
  });

  it('accounts for every record whatever single bit is flipped', async () => {
    await fill(dir.path);
    const random = new Random(20_261_121);
    const copy = `${dir.path}-flipped`;
    for (let round = 0; round < 150; round += 1) {
      await rm(copy, { recursive: true, force: true });
      await cp(dir.path, copy, { recursive: true });
      const name = random.pick(await segments(copy));
      const { size } = await stat(join(copy, name));
      const offset = random.int(0, size - 1);
      await flip(join(copy, name), offset, random.int(0, 7));
      const { metrics, count } = countingMetrics();
      const journal = await openTestJournal(copy, { metrics });
      const read = await readAll(copy, journal.lastSequence);
      const found = bodies(read);
      const reported = new Set(
        read.damaged.flatMap(({ firstSequence, lastSequence }) =>
          Array.from({ length: lastSequence - firstSequence + 1 }, (_, i) => firstSequence + i),
        ),
      );
      const where = `${name} at ${offset}`;
      for (let sequence = 1; sequence <= journal.lastSequence; sequence += 1) {
        const body = found.get(sequence);
        const isGone = sequence < read.firstAvailable;
        assert.ok(body === undefined || body === bodyOf(sequence), `wrong body of ${sequence}, ${where}`);
        assert.ok(body !== undefined || reported.has(sequence) || isGone, `${sequence} vanished, ${where}`);
      }
      if (journal.lastSequence < COUNT || read.firstAvailable > 1) {
        assert.ok(count('spanmeter_journal_damaged_total') > 0, `an unreported loss, ${where}`);
      }
      const next = await journal.append(recordOf('goes on'));
      assert.equal(bodies(await readAll(copy, next, next - 1)).get(next), 'goes on');
      await journal.close();
    }
    await rm(copy, { recursive: true, force: true });
  });

  it('skips a record whose body was damaged, with its tenant and its place, and reads on behind it', async () => {
    await fill(dir.path);
    const [name] = await segments(dir.path);
    const path = join(dir.path, name as string);
    const offset = (await readFile(path)).indexOf('body-3-');
    await flip(path, offset);
    const journal = await openTestJournal(dir.path);
    const read = await readAll(dir.path, COUNT);
    assert.equal(read.entries.length, COUNT - 1);
    const [damaged] = read.damaged;
    assert.ok(damaged);
    assert.deepEqual(
      [damaged.reason, damaged.firstSequence, damaged.file, damaged.spans, damaged.context?.declaredTenant],
      ['body', 3, name, 1, 'käse'],
    );
    assert.ok(damaged.offset > 0 && damaged.offset < offset);
    await journal.close();
  });

  it('trusts nothing behind a length that makes no sense, and keeps a copy of it', async () => {
    await fill(dir.path);
    const [name] = await segments(dir.path);
    const path = join(dir.path, name as string);
    const first = (await readAll(dir.path, 1)).entries[0];
    const file = await open(path, 'r+');
    await file.write(Buffer.from([0xff, 0xff, 0xff, 0xff]), 0, 4, 80 + (first?.bytesThrough ?? 0));
    await file.close();
    const journal = await openTestJournal(dir.path);
    const read = await readAll(dir.path, COUNT);
    const [rest] = read.damaged;
    assert.deepEqual([rest?.reason, rest?.firstSequence], ['rest', 2]);
    assert.equal(read.entries.length, COUNT - ((rest?.lastSequence ?? 0) - 1));
    await journal.setAside(rest?.segmentFirst ?? 0, rest?.offset ?? 0);
    const bad = (await readdir(dir.path)).filter((file) => file.endsWith('.bad'));
    assert.equal(bad.length, 1);
    assert.ok((await readFile(join(dir.path, bad[0] as string))).includes('body-3-'));
    await journal.close();
  });

  it('sets a segment with a bad header aside and reports the records it had', async () => {
    await fill(dir.path);
    const name = (await segments(dir.path))[1] as string;
    await flip(join(dir.path, name), 20);
    const { metrics, count } = countingMetrics();
    const journal = await openTestJournal(dir.path, { metrics });
    assert.equal(count('spanmeter_journal_damaged_total', 'bad_segment'), 1);
    assert.ok((await readdir(dir.path)).includes(`${name}.bad`));
    const read = await readAll(dir.path, COUNT);
    assert.deepEqual(
      [read.damaged[0]?.reason, read.damaged[0]?.firstSequence],
      ['missing', Number.parseInt(name, 10)],
    );
    assert.equal(
      read.entries.length,
      COUNT - (read.damaged[0]!.lastSequence - read.damaged[0]!.firstSequence + 1),
    );
    await journal.close();
  });

  it('sets a segment of another journal aside', async () => {
    await fill(dir.path);
    const other = `${dir.path}-other`;
    await fill(other);
    const name = (await segments(dir.path))[2] as string;
    await cp(join(other, name), join(dir.path, name));
    const { metrics, count } = countingMetrics();
    const journal = await openTestJournal(dir.path, { metrics });
    assert.equal(count('spanmeter_journal_damaged_total', 'foreign_segment'), 1);
    await journal.close();
    await rm(other, { recursive: true, force: true });
  });

  it('reports segments that were deleted from its middle', async () => {
    await fill(dir.path);
    const names = await segments(dir.path);
    await rm(join(dir.path, names[1] as string));
    await rm(join(dir.path, names[2] as string));
    const { metrics, count } = countingMetrics();
    const journal = await openTestJournal(dir.path, { metrics });
    assert.equal(count('spanmeter_journal_damaged_total', 'missing_segment'), 1);
    const read = await readAll(dir.path, COUNT);
    assert.equal(read.damaged[0]?.reason, 'missing');
    assert.equal(read.lastSequence, COUNT);
    await journal.close();
  });

  it('opens what has lost its first half and says where it begins', async () => {
    await fill(dir.path);
    const names = await segments(dir.path);
    for (const name of names.slice(0, names.length / 2)) await rm(join(dir.path, name));
    const journal = await openTestJournal(dir.path);
    const first = Number.parseInt(names[Math.floor(names.length / 2)] as string, 10);
    assert.equal(journal.oldestSequence, first);
    assert.equal((await readAll(dir.path, COUNT)).firstAvailable, first);
    await journal.close();
  });

  it('is a new journal after its directory was emptied, and keeps its id only with its identity', async () => {
    const id = await fill(dir.path);
    await rm(join(dir.path, 'identity.json'));
    const renamed = await openTestJournal(dir.path);
    assert.notEqual(renamed.id, id);
    assert.equal(renamed.lastSequence, COUNT);
    await renamed.close();
    for (const name of await readdir(dir.path)) await rm(join(dir.path, name), { recursive: true });
    const fresh = await openTestJournal(dir.path);
    assert.notEqual(fresh.id, renamed.id);
    assert.equal(fresh.lastSequence, 0);
    await fresh.close();
  });

  it('gets a new identity where the old one is garbage, and says so', async () => {
    await fill(dir.path);
    await writeFile(join(dir.path, 'identity.json'), '{"version":1,"id":');
    const { metrics, count } = countingMetrics();
    const journal = await openTestJournal(dir.path, { metrics });
    assert.equal(count('spanmeter_journal_damaged_total', 'identity'), 1);
    assert.equal((await readAll(dir.path, COUNT)).entries.length, COUNT);
    await journal.close();
  });

  it('remembers its end at the first opening that no cursor was compared with', async () => {
    await fill(dir.path);
    const first = await openTestJournal(dir.path);
    assert.equal(first.unconfirmedEnd, 0);
    await first.append(recordOf('later'));
    await first.close();
    const second = await openTestJournal(dir.path);
    assert.equal(second.unconfirmedEnd, 0);
    await second.confirmCursor();
    await second.close();
    const third = await openTestJournal(dir.path);
    assert.equal(third.unconfirmedEnd, COUNT + 1);
    const renewed = await third.renewId();
    assert.equal(third.id, renewed);
    assert.equal(third.unconfirmedEnd, null);
    await third.append(recordOf('under the new id'));
    await third.close();
    const fourth = await openTestJournal(dir.path);
    assert.equal(fourth.id, renewed);
    assert.equal((await readAll(dir.path, COUNT + 2)).entries.length, COUNT + 2);
    await fourth.close();
  });

  it('says that records are missing where a file was shortened under a running journal, and goes on', async () => {
    const journal = await openTestJournal(dir.path);
    for (let i = 1; i <= 10; i += 1) await journal.append(recordOf(bodyOf(i)));
    const [name] = await segments(dir.path);
    await truncate(join(dir.path, name as string), 600);
    const read = await readAll(dir.path, 10);
    assert.equal(read.lastSequence, 10);
    const [rest] = read.damaged;
    assert.equal(rest?.lastSequence, 10);
    await journal.setAside(rest?.segmentFirst ?? 0, rest?.offset ?? 0);
    assert.equal(await journal.append(recordOf('in a new file')), 11);
    assert.equal(bodies(await readAll(dir.path, 11, 10)).get(11), 'in a new file');
    await journal.close();
  });
});
