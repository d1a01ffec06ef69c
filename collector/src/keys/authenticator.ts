import type { ClientBase } from 'pg';
import type { Component, Logger } from '../pipeline/component.ts';
import type { Authenticator, HeaderLookup, Identity } from '../pipeline/identity.ts';
import { Refusal } from '../pipeline/refusal.ts';
import { createKeySource, type KeyConnection } from './key-source.ts';
import { hashKey, isKey, keyFromHeaders } from './key.ts';
import { createLookUpLimit } from './look-up-limit.ts';
import { readSnapshot, writeSnapshot } from './snapshot.ts';
import type { StoredKey } from './stored-key.ts';

export interface KeyAuthenticatorOptions {
  /** Opens a connected client that the authenticator keeps for itself. */
  connect(): Promise<KeyConnection>;
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
const UNKNOWN = 'The API key is unknown or revoked.';

function identityOf(key: StoredKey, nowMs: number): Identity {
  if (key.expiresUnixMs !== null && key.expiresUnixMs <= nowMs) {
    throw new Refusal('unauthenticated', 'The API key has expired.');
  }
  return { role: key.role, tenant: key.tenant, team: key.team, keyId: key.id };
}

/**
 * Keys are compared by their SHA-256, so the time a comparison takes says nothing about a key. While the store
 * can't be reached, keys in memory stay valid and an unknown one is refused as `unavailable`.
 */
export function createKeyAuthenticator(options: KeyAuthenticatorOptions): KeyAuthenticator {
  const { log, clock, snapshotPath } = options;
  const limit = createLookUpLimit({ missMs: 5_000, maxMisses: 10_000, perSecond: 20, burst: 50 });
  const pending = new Map<string, Promise<StoredKey | null>>();
  let keys: ReadonlyMap<string, StoredKey> = new Map();
  let extra = new Map<string, StoredKey>();
  let snapshotText = '';
  let saving: Promise<void> = Promise.resolve();

  function save(loaded: readonly StoredKey[]): void {
    const text = JSON.stringify(loaded);
    if (text === snapshotText) return;
    snapshotText = text;
    saving = saving
      .then(() => writeSnapshot(snapshotPath, loaded, new Date(clock())))
      .catch((error: unknown) =>
        log.warn({ err: error, path: snapshotPath }, 'The key snapshot was not written.'),
      );
  }

  const source = createKeySource({
    connect: () => options.connect(),
    log,
    prepare: options.prepare,
    pollMs: Math.min(options.pollMs ?? POLL_MS, 10_000),
    retryMs: RETRY_MS,
    queryTimeoutMs: QUERY_TIMEOUT_MS,
    onLoad(loaded) {
      keys = new Map(loaded.map((key) => [key.hash, key]));
      extra = new Map();
      limit.clear();
      save(loaded);
    },
  });

  async function lookUp(hash: string): Promise<StoredKey | null> {
    const under = pending.get(hash);
    if (under !== undefined) return under;
    if (!limit.take(clock())) throw new Error('too many look-ups of unknown keys');
    const asked = source.lookUp(hash).finally(() => pending.delete(hash));
    pending.set(hash, asked);
    const found = await asked;
    if (found === null) limit.noteMiss(hash, clock());
    else if (!keys.has(hash)) extra.set(hash, found);
    return found;
  }

  async function authenticateUnknown(hash: string, wellFormed: boolean): Promise<Identity> {
    if (!source.reachable) throw unavailable();
    if (!wellFormed || limit.missed(hash, clock())) throw new Refusal('unauthenticated', UNKNOWN);
    let found: StoredKey | null;
    try {
      found = await lookUp(hash);
    } catch (error) {
      throw unavailable(error);
    }
    if (found === null) throw new Refusal('unauthenticated', UNKNOWN);
    return identityOf(found, clock());
  }

  async function loadSnapshot(): Promise<Date | null> {
    try {
      const snapshot = await readSnapshot(snapshotPath);
      if (snapshot !== null) keys = new Map(snapshot.keys.map((key) => [key.hash, key]));
      return snapshot?.savedAt ?? null;
    } catch (error) {
      log.error({ err: error, path: snapshotPath }, 'The key snapshot cannot be read.');
      return null;
    }
  }

  return {
    async authenticate(header: HeaderLookup): Promise<Identity> {
      const key = keyFromHeaders(header);
      if (key === undefined) {
        const how = 'An API key is required: "Authorization: Bearer sm_…" or "x-api-key: sm_…".';
        throw new Refusal('unauthenticated', how);
      }
      const hash = hashKey(key);
      const known = keys.get(hash) ?? extra.get(hash);
      if (known !== undefined) return identityOf(known, clock());
      return authenticateUnknown(hash, isKey(key));
    },
    get reachable() {
      return source.reachable;
    },
    get size() {
      return keys.size + extra.size;
    },
    async start() {
      const savedAt = await loadSnapshot();
      await source.start();
      if (source.reachable) return;
      const fields = { keys: keys.size, savedAt: savedAt?.toISOString() ?? null };
      log.warn(fields, 'API keys come from the snapshot until the database can be reached.');
    },
    async stop() {
      await source.stop();
      await saving;
    },
  };
}

function unavailable(cause?: unknown): Refusal {
  const options = { retryAfterMs: RETRY_AFTER_MS, ...(cause === undefined ? {} : { cause }) };
  return new Refusal('unavailable', 'The API key cannot be checked right now.', options);
}
