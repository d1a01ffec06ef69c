import { join, resolve } from 'node:path';
import { Client, type Pool } from 'pg';
import { findRunning } from '../database/embedded.ts';
import { environmentUrl, externalServer } from '../database/external.ts';
import { errorCode, errorMessage, isUnavailable } from '../database/failure.ts';
import { openPool } from '../database/open-pool.ts';
import { Refusal } from '../pipeline/refusal.ts';
import { SILENT_LOG } from '../pipeline/silent.ts';
import { CliError, type CliContext } from './output.ts';

const CONNECT_TIMEOUT_MS = 10_000;

/** The folder of the embedded server in a data directory. */
export function embeddedFolder(env: CliContext['env']): string {
  return join(resolve(env['SPANMETER_DATA'] || './data'), 'postgres');
}

/** `DATABASE_URL` or the file of `DATABASE_URL_FILE`, else the running collector's own server; commands never start one. Rejects with CliError. */
export function databaseUrl(env: CliContext['env']): string {
  try {
    const given = environmentUrl(env);
    if (given !== null) return externalServer(given).ownerUrl;
  } catch (error) {
    throw new CliError(`${errorMessage(error)}.`, 2, { cause: error });
  }
  const folder = embeddedFolder(env);
  const running = findRunning(folder);
  if (running !== null) return running.ownerUrl;
  throw new CliError(
    `No PostgreSQL runs for the data directory ${resolve(env['SPANMETER_DATA'] || './data')}. Start the collector ` +
      '(npm start), point SPANMETER_DATA to its data directory, or set DATABASE_URL.',
  );
}

/** Says in words for an operator what a database error means; anything else is passed on. */
function explained(error: unknown): unknown {
  if (error instanceof CliError) return error;
  if (error instanceof Refusal && error.cause !== undefined) return explained(error.cause);
  const code = errorCode(error);
  if (code === '42P01' || code === '3F000') {
    const message = 'The database has no Spanmeter schema, or an older one: start the collector once.';
    return new CliError(message, 1, { cause: error });
  }
  if (code === '42501') {
    return new CliError(`The database role may not do this: ${errorMessage(error)}.`, 1, { cause: error });
  }
  if (isUnavailable(error)) {
    return new CliError(`The database cannot be reached: ${errorMessage(error)}.`, 1, { cause: error });
  }
  return error;
}

/** Runs `work` on one connection of the tables' owner. */
export async function withClient<T>(context: CliContext, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({
    connectionString: databaseUrl(context.env),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'spanmeter cli',
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work(client);
  } catch (error) {
    throw explained(error);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Runs `work` on a pool of one connection. */
export async function withPool<T>(context: CliContext, work: (pool: Pool) => Promise<T>): Promise<T> {
  const connection = {
    connectionString: databaseUrl(context.env),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'spanmeter cli',
    max: 1,
  };
  const pool = openPool(connection, SILENT_LOG);
  try {
    return await work(pool);
  } catch (error) {
    throw explained(error);
  } finally {
    await pool.end();
  }
}

/** Who the audit log says it was: the system's user. */
export function actor(env: CliContext['env']): string {
  return `cli:${env['USER'] ?? env['LOGNAME'] ?? 'unknown'}`;
}
