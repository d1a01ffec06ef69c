import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openDatabase } from '@spanmeter/collector/dist/database/connect.js';
import { SILENT_LOG } from '@spanmeter/collector/dist/pipeline/silent.js';

/** Folder of the cluster that scripts/test.mjs has made; without one every first start makes its own. */
const VARIABLE = 'SPANMETER_TEST_CLUSTER';
const PARTS = ['cluster', 'passwords'];
const run = promisify(execFile);

/** Makes an embedded server's data in `folder`, as a first start and its migrations leave them, for all to copy. */
export async function makeCluster(folder: string): Promise<void> {
  const settings = { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' };
  const database = await openDatabase({ dataDir: folder, log: SILENT_LOG, settings });
  await database.stop();
}

/** Gives a server that is about to start for the first time the data that a first start makes: that takes seconds. */
export async function layCluster(dataDir: string): Promise<void> {
  const made = process.env[VARIABLE] ?? '';
  if (made === '' || !PARTS.every((part) => existsSync(join(made, part)))) return;
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  for (const part of PARTS) {
    if (existsSync(join(dataDir, part))) continue;
    // Far cheaper than file by file here, and a clone where the file system can.
    if (process.platform !== 'win32') await run('cp', ['-a', join(made, part), join(dataDir, part)]);
    else await cp(join(made, part), join(dataDir, part), { recursive: true });
  }
}
