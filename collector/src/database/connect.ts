import type { Logger } from '../pipeline/component.ts';
import { startEmbedded, type EmbeddedOptions } from './embedded.ts';
import { externalServer } from './external.ts';
import { errorMessage, isUnavailable } from './failure.ts';
import { migrate } from './migrate.ts';
import type { DatabaseServer } from './server.ts';

/** A server together with the state of its schema. */
export interface Database extends DatabaseServer {
  readonly embedded: boolean;
  /**
   * Brings the schema up to date; rejects while the server cannot be reached. Worth asking before every new
   * connection: the server may be back with an older or an empty database.
   */
  ready(): Promise<void>;
}

export type DatabaseOptions =
  { readonly url: string; readonly log: Logger } | (EmbeddedOptions & { readonly url?: undefined });

/**
 * Opens an operator's server, or starts the embedded one, and migrates it. An operator's server that is down
 * does not fail this: the collector journals until `ready` resolves. Rejects where waiting does not help.
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { log } = options;
  const server = options.url === undefined ? await startEmbedded(options) : externalServer(options.url);
  let underWay: Promise<void> | null = null;
  const ready = (): Promise<void> => {
    underWay ??= migrate(server.ownerUrl, log).finally(() => (underWay = null));
    return underWay;
  };
  try {
    await ready();
  } catch (error) {
    if (options.url === undefined || !isUnavailable(error)) {
      await server.stop();
      throw error;
    }
    log.warn({ error: errorMessage(error) }, 'PostgreSQL cannot be reached: calls wait in the journal');
  }
  return { ...server, embedded: options.url === undefined, ready };
}
