import { Client } from 'pg';
import type { ApiKeyAuthOptions } from '../extensions/api-key-auth.ts';
import { createKeyAuthenticator, type KeyAuthenticator } from '../keys/authenticator.ts';
import { readKeysFile, storeFirstKeys } from '../keys/keys-file.ts';
import type { Logger } from '../pipeline/component.ts';

export interface AuthenticatorParts {
  readonly options: ApiKeyAuthOptions;
  readonly ownerUrl: string;
  /** Resolves once the schema is up to date. */
  ready(): Promise<void>;
  readonly snapshotPath: string;
  readonly log: Logger;
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
      const { added, different } = await storeFirstKeys(client, await readKeysFile(options.keys_file));
      if (added.length > 0) log.info({ keys: added }, 'first keys were stored');
      if (different.length > 0)
        log.warn({ keys: different }, 'first keys differ from the stored ones, which stay');
    },
    snapshotPath,
    log,
    clock: () => Date.now(),
    pollMs: options.poll_interval_ms,
  });
}
