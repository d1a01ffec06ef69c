import { join } from 'node:path';
import {
  isAlive,
  mayBeServerOf,
  readPidFile,
  readPlace,
} from '@spanmeter/collector/dist/database/cluster.js';
import { until } from './until.ts';

/** Process id of the embedded PostgreSQL of a collector's data directory, or null where none runs. */
export function serverPid(dataDir: string): number | null {
  const place = readPlace(join(dataDir, 'postgres'));
  // Before the first start is through, nothing but the cluster's usual place is known.
  const cluster = place?.cluster ?? join(dataDir, 'postgres', 'cluster');
  const file = readPidFile(cluster);
  return file !== null && mayBeServerOf(cluster, file.pid) ? file.pid : null;
}

/** Ends the embedded PostgreSQL that a killed collector left behind; resolves when it is gone. */
export async function endOrphanedServer(dataDir: string): Promise<void> {
  const pid = serverPid(dataDir);
  if (pid === null) return;
  // Stopped processes take no other signal than this one.
  process.kill(pid, 'SIGCONT');
  process.kill(pid, 'SIGQUIT');
  await until(
    () => Promise.resolve(isAlive(pid)),
    (alive) => !alive,
  );
}
