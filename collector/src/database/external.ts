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
