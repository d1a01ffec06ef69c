import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { DirectoryHeld } from '@spanmeter/collector/dist/journal/directory-lock.js';
import { useTempDir } from '../../support/temp-dir.ts';
import { bodies, openTestJournal, readAll } from './records.ts';

const APPENDER = fileURLToPath(new URL('appender.js', import.meta.url));

/** Lets a process append until it has acknowledged `count` records, kills it, and resolves with all it acknowledged. */
async function appendAndKill(
  dir: string,
  count: number,
  whileAlive?: () => Promise<void>,
): Promise<Map<number, string>> {
  const child = spawn(process.execPath, [APPENDER, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const acknowledged = new Map<number, string>();
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const space = line.indexOf(' ');
      if (line.startsWith('from')) continue;
      acknowledged.set(Number(line.slice(0, space)), line.slice(space + 1));
      if (acknowledged.size === count) {
        await whileAlive?.();
        child.kill('SIGKILL');
      }
    }
  } finally {
    child.kill('SIGKILL');
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return acknowledged;
}

describe('the journal of a process that is killed', () => {
  const dir = useTempDir();

  it('has every acknowledged record, over and over, and its lock is taken over', async function () {
    const acknowledged = new Map<number, string>();
    for (let round = 0; round < 5; round += 1) {
      for (const [sequence, text] of await appendAndKill(dir.path, 60 + round * 37)) {
        assert.ok(!acknowledged.has(sequence), `sequence ${sequence} was given twice`);
        acknowledged.set(sequence, text);
      }
    }
    const journal = await openTestJournal(dir.path);
    const read = await readAll(dir.path, journal.lastSequence);
    assert.deepEqual(read.damaged, []);
    const found = bodies(read);
    for (const [sequence, text] of acknowledged)
      assert.ok(found.get(sequence)?.startsWith(text), `${sequence}`);
    assert.equal((await readdir(dir.path)).filter((name) => name.endsWith('.sock')).length, 1);
    await journal.close();
  });

  it('is refused to everybody else while that process lives', async function () {
    await appendAndKill(dir.path, 3, async () => {
      await assert.rejects(openTestJournal(dir.path), DirectoryHeld);
    });
    await (await openTestJournal(dir.path)).close();
  });
});
