import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbedded } from '@spanmeter/collector/dist/database/embedded.js';
import { SILENT_LOG } from '@spanmeter/collector/dist/pipeline/silent.js';
import { layCluster } from './made-cluster.ts';

/** An operator's server, as a collector sees it by `DATABASE_URL`, that can be stopped and started again. */
export interface StoppableDatabase {
  /** The same before and after. */
  readonly url: string;
  stop(): Promise<void>;
  /** Does nothing where it runs. */
  start(): Promise<void>;
  dispose(): Promise<void>;
}

export async function startStoppableDatabase(): Promise<StoppableDatabase> {
  const dataDir = await mkdtemp(join(tmpdir(), 'spanmeter-database-'));
  // Stopped in good order here, so that only its absence is tested: the flushes of a test are saved.
  const settings = { fsync: 'off', full_page_writes: 'off' };
  await layCluster(dataDir);
  let server = await startEmbedded({ dataDir, log: SILENT_LOG, settings });
  const { ownerUrl: url, port } = server;
  let isRunning = true;
  return {
    url,
    async stop() {
      isRunning = false;
      await server.stop();
    },
    async start() {
      if (isRunning) return;
      isRunning = true;
      server = await startEmbedded({ dataDir, log: SILENT_LOG, settings, port });
    },
    async dispose() {
      await server.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
