import { readFileSync } from 'node:fs';
import { errorMessage } from './failure.ts';
import type { DatabaseServer } from './server.ts';

const DEFAULT_PORT = 5432;

/**
 * An operator's server, reached by URL (`postgres://user:password@host:port/database?sslmode=verify-full`).
 * Throws on what is not such a URL, without repeating it: it holds a password.
 */
export function externalServer(url: string): DatabaseServer {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw new Error('DATABASE_URL is not a URL: expected postgres://user:password@host:port/database');
  }
  if (parsed.protocol !== 'postgres:' && parsed.protocol !== 'postgresql:') {
    throw new Error(`DATABASE_URL begins with ${parsed.protocol}// where postgres:// is expected`);
  }
  return {
    adminUrl: url,
    ownerUrl: url,
    readOnlyUrl: null,
    port: parsed.port === '' ? DEFAULT_PORT : Number(parsed.port),
    stop: () => Promise.resolve(),
  };
}

/**
 * The operator's server by the environment: `DATABASE_URL`, else what is in the file that `DATABASE_URL_FILE` names,
 * as containers hand secrets over; null where neither is set. Throws where the file cannot be read.
 */
export function environmentUrl(env: Readonly<Record<string, string | undefined>>): string | null {
  const given = env['DATABASE_URL'];
  if (given !== undefined && given !== '') return given;
  const file = env['DATABASE_URL_FILE'];
  if (file === undefined || file === '') return null;
  try {
    return readFileSync(file, 'utf8').trim() || null;
  } catch (cause) {
    throw new Error(`DATABASE_URL_FILE names a file that cannot be read: ${errorMessage(cause)}`, { cause });
  }
}
