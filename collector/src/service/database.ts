import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { openDatabase, type Database } from '../database/connect.ts';
import { environmentUrl } from '../database/external.ts';
import { postgres, type PostgresOptions } from '../exporters/postgres/index.ts';
import type { Logger } from '../pipeline/component.ts';
import type { DatabaseAddress } from './messages.ts';
import { componentOf, tracesPipeline } from './processing.ts';
import type { Room } from './remembered.ts';

/** The file in the data directory that holds the read-only URL of the embedded server. */
export const READ_ONLY_URL_FILE = 'postgres-readonly-url';

/** The options of the pipeline's postgres exporter, or null where it has none. */
export function postgresOptions(config: Config): { id: string; options: PostgresOptions } | null {
  return componentOf(tracesPipeline(config).exporters, config.exporters, postgres);
}

/** The URL of the operator's server: the configured one, else the environment's; null where neither says anything. */
export function operatorUrl(
  options: Pick<PostgresOptions, 'url'>,
  env: Readonly<Record<string, string | undefined>>,
): string | null {
  return options.url?.reveal() || environmentUrl(env);
}

function embeddedFolder({ embedded }: PostgresOptions, dataDir: string): string {
  return embedded.data_dir ?? join(dataDir, 'postgres');
}

/** Where the room that the database has can be seen. */
export function roomOf(options: PostgresOptions, dataDir: string, database: Database): Room {
  return {
    capacityBytes: options.capacity,
    folder: database.embedded ? embeddedFolder(options, dataDir) : null,
  };
}

/** Opens the operator's server where the configuration names one, else starts the embedded one. */
export async function openLedgerDatabase(
  options: PostgresOptions,
  dataDir: string,
  log: Logger,
): Promise<Database> {
  const url = operatorUrl(options, process.env);
  if (url !== null) return openDatabase({ url, log });
  const { port } = options.embedded;
  return openDatabase({
    dataDir: embeddedFolder(options, dataDir),
    log,
    ...(port === undefined ? {} : { port }),
  });
}

/** What a person needs to look into the database. */
export function databaseAddress(database: Database, dataDir: string): DatabaseAddress {
  const { embedded, readOnlyUrl } = database;
  return {
    embedded,
    readOnlyUrl,
    readOnlyUrlFile: readOnlyUrl === null ? null : join(dataDir, READ_ONLY_URL_FILE),
  };
}
