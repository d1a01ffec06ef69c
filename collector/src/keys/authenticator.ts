import type { ClientBase } from 'pg';
import type { ListeningConnection } from '../database/listen-loop.ts';
import type { Component, Logger } from '../pipeline/component.ts';
import type { Authenticator, HeaderLookup, Identity } from '../pipeline/identity.ts';
import { Refusal } from '../pipeline/refusal.ts';
import { createKeyCache } from './key-cache.ts';
import { createKeySource } from './key-source.ts';
import { hashKey, isKey, keyFromHeaders } from './key.ts';
import { readSnapshot, writeSnapshot } from './snapshot.ts';
import type { StoredKey } from './stored-key.ts';

export interface KeyAuthenticatorOptions {
  /** Opens a connected client that the authenticator keeps for itself. */
  readonly connect: () => Promise<ListeningConnection>;
  /** File of hashes in the data directory, used while the store can't be reached at start. */
  readonly snapshotPath: string;
  readonly log: Logger;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Stores the first keys, once, before the first load. */
  readonly prepare?: (client: ClientBase) => Promise<void>;
  /** At most 10,000: how long a revocation whose NOTIFY got lost may go unseen. */
  readonly pollMs?: number;
}

/** Proves keys from memory; asks the store only for keys it has never seen. */
export interface KeyAuthenticator extends Authenticator, Component {
  /** Whether the store was reachable when last asked. */
  readonly reachable: boolean;
  /** Keys held in memory. */
  readonly size: number;
}

/** Between polls of `api_keys`; with the query's own limit this stays under the 10 s promised. */
const POLL_MS = 5_000;
const RETRY_MS = 1_000;
const QUERY_TIMEOUT_MS = 4_000;
const RETRY_AFTER_MS = 2_000;
const HOW = 'An API key is required: "Authorization: Bearer sm_…" or "x-api-key: sm_…".';

function identityOf(key: StoredKey, nowMs: number): Identity {
  if (key.expiresUnixMs !== null && key.expiresUnixMs <= nowMs) {
    throw new Refusal('unauthenticated', 'The API key has expired.');
  }
  return { role: key.role, tenant: key.tenant, team: key.team, keyId: key.id };
}

/** Writes the snapshot whenever the keys changed; one write at a time. */
function createSaver(options: KeyAuthenticatorOptions): {
  save(keys: readonly StoredKey[]): void;
  done(): Promise<void>;
} {
  const { log, clock, snapshotPath } = options;
  let saved = '';
  let saving: Promise<void> = Promise.resolve();
  return {
    save(keys) {
      const text = JSON.stringify(keys);
      if (text === saved) return;
      saved = text;
      saving = saving
        .then(() => writeSnapshot(snapshotPath, keys, new Date(clock())))
        .catch((error: unknown) => {
          saved = '';
          log.warn({ err: error, path: snapshotPath }, 'The key snapshot was not written.');
        });
    },
    done: () => saving,
  };
}

/**
 * Keys are compared by their SHA-256, so the time a comparison takes says nothing about a key. While the store
 * can't be reached, keys in memory stay valid and an unknown one is refused as `unavailable`.
 */
export function createKeyAuthenticator(options: KeyAuthenticatorOptions): KeyAuthenticator {
  const { log, clock, snapshotPath } = options;
  const saver = createSaver(options);
  const cache = createKeyCache((hash) => source.lookUp(hash), clock);
  const source = createKeySource({
    connect: () => options.connect(),
    log,
    prepare: options.prepare,
    pollMs: Math.min(options.pollMs ?? POLL_MS, 10_000),
    retryMs: RETRY_MS,
    queryTimeoutMs: QUERY_TIMEOUT_MS,
    onLoad(keys) {
      cache.replace(keys);
      saver.save(keys);
    },
  });

  async function find(key: string): Promise<StoredKey | null> {
    const hash = hashKey(key);
    const known = cache.get(hash);
    if (known !== undefined) return known;
    if (!source.reachable) throw unavailable();
    if (!isKey(key)) return null;
    try {
      return await cache.find(hash);
    } catch (error) {
      throw unavailable(error);
    }
  }

  async function loadSnapshot(): Promise<Date | null> {
    try {
      const snapshot = await readSnapshot(snapshotPath);
      if (snapshot !== null) cache.replace(snapshot.keys);
      return snapshot?.savedAt ?? null;
    } catch (error) {
      log.error({ err: error, path: snapshotPath }, 'The key snapshot cannot be read.');
      return null;
    }
  }

  return {
    async authenticate(header: HeaderLookup): Promise<Identity> {
      const key = keyFromHeaders(header);
      if (key === undefined) throw new Refusal('unauthenticated', HOW);
      const found = await find(key);
      if (found === null) throw new Refusal('unauthenticated', 'The API key is unknown or revoked.');
      return identityOf(found, clock());
    },
    get reachable() {
      return source.reachable;
    },
    get size() {
      return cache.size;
    },
    async start() {
      const savedAt = await loadSnapshot();
      await source.start();
      if (source.reachable) return;
      const fields = { keys: cache.size, savedAt: savedAt?.toISOString() ?? null };
      log.warn(fields, 'API keys come from the snapshot until the database can be reached.');
    },
    async stop() {
      await source.stop();
      await saver.done();
    },
  };
}

function unavailable(cause?: unknown): Refusal {
  const options = { retryAfterMs: RETRY_AFTER_MS, ...(cause === undefined ? {} : { cause }) };
  return new Refusal('unavailable', 'The API key cannot be checked right now.', options);
}
