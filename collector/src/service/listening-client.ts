import { Client } from 'pg';
import type { Database } from '../database/connect.ts';

const CONNECT_LIMIT_MS = 10_000;
const QUERY_LIMIT_MS = 60_000;

/**
 * A connection of its own to a database that is ready: it listens, so it can't come from a pool. Rejects where that
 * takes too long.
 */
export async function connectWhenReady(
  database: Pick<Database, 'ownerUrl' | 'ready'>,
  applicationName: string,
): Promise<Client> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('the database is not ready yet')), CONNECT_LIMIT_MS);
  });
  try {
    await Promise.race([database.ready(), late]);
  } finally {
    clearTimeout(timer);
  }
  const client = new Client({
    connectionString: database.ownerUrl,
    application_name: applicationName,
    connectionTimeoutMillis: CONNECT_LIMIT_MS,
    query_timeout: QUERY_LIMIT_MS,
    keepAlive: true,
  });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
