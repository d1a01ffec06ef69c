import { Client, type ClientBase } from 'pg';
import type { Config } from '../config/config.ts';
import { API_KEY_AUTH, type ApiKeyAuthOptions } from '../extensions/api-key-auth.ts';
import { createKeyAuthenticator, type KeyAuthenticator } from '../keys/authenticator.ts';
import { KeysFileError, readKeysFile, storeFirstKeys } from '../keys/keys-file.ts';
import type { Logger } from '../pipeline/component.ts';
import { componentOf } from './processing.ts';

export interface AuthenticatorParts {
  readonly options: ApiKeyAuthOptions;
  readonly ownerUrl: string;
  /** Resolves once the schema is up to date. */
  ready(): Promise<void>;
  readonly snapshotPath: string;
  readonly log: Logger;
}

/** Why the configured keys file cannot be used, in one sentence without a key; null where it can or none is named. */
export async function keysFileFault(config: Config): Promise<string | null> {
  const found = componentOf(config.service.extensions, config.extensions, API_KEY_AUTH);
  if (found === null || found.options.keys_file === '') return null;
  try {
    await readKeysFile(found.options.keys_file);
    return null;
  } catch (error) {
    if (error instanceof KeysFileError) return error.message;
    throw error;
  }
}

/** The file was fine at the start: where it no longer is, the keys that are stored stay in force. */
async function storeConfigured(client: ClientBase, path: string, log: Logger): Promise<void> {
  try {
    const { added, different } = await storeFirstKeys(client, await readKeysFile(path));
    if (added.length > 0) log.info({ keys: added }, 'first keys were stored');
    if (different.length > 0)
      log.warn({ keys: different }, 'first keys differ from the stored ones, which stay');
  } catch (error) {
    if (!(error instanceof KeysFileError)) throw error;
    log.error({}, error.message);
  }
}

/** Makes the authenticator of `api_key_auth`; first keys of the keys file are stored before the first load. */
export function openAuthenticator(parts: AuthenticatorParts): KeyAuthenticator {
  const { options, ownerUrl, snapshotPath, log } = parts;
  return createKeyAuthenticator({
    async connect() {
      await parts.ready();
      const client = new Client({ connectionString: ownerUrl, application_name: 'spanmeter-keys' });
      await client.connect();
      return client;
    },
    async prepare(client) {
      if (options.keys_file === '') return;
      await storeConfigured(client, options.keys_file, log);
    },
    snapshotPath,
    log,
    clock: () => Date.now(),
    pollMs: options.poll_interval_ms,
  });
}
