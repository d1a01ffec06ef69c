import type { ClientBase } from 'pg';
import { ListenLoop, type ListeningConnection } from '../database/listen-loop.ts';
import type { Logger } from '../pipeline/component.ts';
import { KEY_ROLES, type StoredKey } from './stored-key.ts';

/** More keys than this are not held in memory; the rest are looked up one by one. */
const MAX_LOADED_KEYS = 100_000;
const CHANNEL = 'spanmeter_keys';

export interface KeySourceOptions {
  /** Opens and connects a new client. */
  readonly connect: () => Promise<ListeningConnection>;
  readonly log: Logger;
  /** Called with every key that is not revoked, after each load. */
  readonly onLoad: (keys: readonly StoredKey[]) => void;
  /** Work to do once, before the first load that succeeds. */
  readonly prepare?: ((client: ClientBase) => Promise<void>) | undefined;
  /** A revocation whose NOTIFY got lost is seen after this long at most. */
  readonly pollMs: number;
  readonly retryMs: number;
  /** A query without an answer for so long means that the connection is dead. */
  readonly queryTimeoutMs: number;
}

/** Follows `api_keys`: loads at start, on NOTIFY and by polling, and reconnects by itself. */
export interface KeySource {
  readonly reachable: boolean;
  /** Resolves after the first attempt, whether it loaded the keys or not. */
  start(): Promise<void>;
  /** Asks the store for one key; null where it has none. Rejects while the store can't be asked. */
  lookUp(hash: string): Promise<StoredKey | null>;
  stop(): Promise<void>;
}

interface KeyRow {
  id: string;
  hash: string;
  role: string;
  tenant_id: string | null;
  team: string | null;
  expires_at: Date | null;
}

const COLUMNS = `id, encode(hash, 'hex') AS hash, role, tenant_id, team, expires_at`;

function storedKey(row: KeyRow): StoredKey[] {
  const role = KEY_ROLES.find((known) => known === row.role);
  if (role === undefined) return [];
  const expiresUnixMs = row.expires_at?.getTime() ?? null;
  return [{ hash: row.hash, id: row.id, role, tenant: row.tenant_id, team: row.team, expiresUnixMs }];
}

async function inTime<T>(work: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

class KeyFollower implements KeySource {
  readonly #options: KeySourceOptions;
  readonly #loop: ListenLoop<ListeningConnection>;
  readonly #firstAttempt: Promise<void>;
  #attempted: () => void = () => undefined;
  #prepared: boolean;
  #client: ListeningConnection | null = null;
  #reachable = false;
  #saidUnreachable = false;
  #turn: Promise<void> = Promise.resolve();

  constructor(options: KeySourceOptions) {
    this.#options = options;
    this.#prepared = options.prepare === undefined;
    this.#firstAttempt = new Promise((resolve) => (this.#attempted = resolve));
    this.#loop = new ListenLoop({
      connect: () => this.#connect(),
      open: (client) => this.#open(client),
      look: (client) => this.#load(client),
      waitMs: () => options.pollMs,
      retryMs: options.retryMs,
      onError: (error) => this.#note(error),
      onClose: () => this.#close(),
    });
  }

  get reachable(): boolean {
    return this.#reachable;
  }

  async start(): Promise<void> {
    this.#loop.start();
    await this.#firstAttempt;
  }

  async lookUp(hash: string): Promise<StoredKey | null> {
    if (this.#client === null) throw new Error('the key store is not connected');
    const text = `SELECT ${COLUMNS} FROM spanmeter.api_keys
      WHERE hash = decode($1, 'hex') AND revoked_at IS NULL`;
    const client = this.#client;
    const { rows } = await this.#inTurn(() => client.query<KeyRow>(text, [hash]), 'looking up an API key');
    return rows.flatMap(storedKey)[0] ?? null;
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    this.#attempted();
  }

  #note(error: unknown): void {
    if (!this.#saidUnreachable) {
      this.#options.log.warn({ err: error }, 'The key store cannot be reached; cached keys stay valid.');
    }
    this.#saidUnreachable = true;
    this.#attempted();
  }

  async #open(client: ListeningConnection): Promise<void> {
    if (!this.#prepared) await this.#options.prepare?.(client);
    this.#prepared = true;
    await this.#inTurn(() => client.query(`LISTEN ${CHANNEL}`), 'LISTEN');
    this.#client = client;
  }

  #close(): void {
    this.#client = null;
    this.#reachable = false;
    // A query that never ends must not hold up the next connection's.
    this.#turn = Promise.resolve();
  }

  /** A connection that comes too late is closed, not leaked. */
  async #connect(): Promise<ListeningConnection> {
    const connecting = this.#options.connect();
    try {
      return await inTime(connecting, this.#options.queryTimeoutMs, 'connecting to the key store');
    } catch (error) {
      connecting.then((late) => late.end()).catch(() => undefined);
      throw error;
    }
  }

  /** One query at a time, so that what a look-up found is never newer than the load after it. */
  #inTurn<T>(query: () => Promise<T>, what: string): Promise<T> {
    const turn = this.#turn.then(query);
    this.#turn = turn.then(
      () => undefined,
      () => undefined,
    );
    return inTime(turn, this.#options.queryTimeoutMs, what);
  }

  async #load(client: ListeningConnection): Promise<void> {
    const text = `SELECT ${COLUMNS} FROM spanmeter.api_keys WHERE revoked_at IS NULL
      ORDER BY created_at DESC LIMIT ${MAX_LOADED_KEYS}`;
    const { rows } = await this.#inTurn(() => client.query<KeyRow>(text), 'loading the API keys');
    this.#options.onLoad(rows.flatMap(storedKey));
    if (!this.#reachable) this.#options.log.info({ keys: rows.length }, 'The API keys are loaded.');
    this.#reachable = true;
    this.#saidUnreachable = false;
    this.#attempted();
  }
}

/** Starts nothing until `start`. */
export function createKeySource(options: KeySourceOptions): KeySource {
  return new KeyFollower(options);
}
