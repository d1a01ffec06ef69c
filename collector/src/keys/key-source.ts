import type { ClientBase } from 'pg';
import type { Logger } from '../pipeline/component.ts';
import { KEY_ROLES, type StoredKey } from './stored-key.ts';

/** More keys than this are not held in memory; the rest are looked up one by one. */
const MAX_LOADED_KEYS = 100_000;
const CHANNEL = 'spanmeter_keys';

/** A connection of its own: it listens, so it can't come from a pool that hands it on. */
export interface KeyConnection extends ClientBase {
  end(): Promise<void>;
}

export interface KeySourceOptions {
  /** Opens and connects a new client. */
  connect(): Promise<KeyConnection>;
  readonly log: Logger;
  /** Called with every key that is not revoked, after each load. */
  onLoad(keys: readonly StoredKey[]): void;
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

/** A latch that one waiter can wait for, with a time limit. */
class Wake {
  #set = false;
  #resolve: (() => void) | undefined;

  set(): void {
    this.#set = true;
    this.#resolve?.();
  }

  async wait(timeoutMs: number): Promise<void> {
    if (!this.#set) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#resolve = resolve;
        timer = setTimeout(resolve, timeoutMs);
      });
      clearTimeout(timer);
    }
    this.#resolve = undefined;
    this.#set = false;
  }
}

/** Starts nothing until `start`. */
export function createKeySource(options: KeySourceOptions): KeySource {
  const { log, queryTimeoutMs } = options;
  const wake = new Wake();
  let attempted: () => void = () => undefined;
  const firstAttempt = new Promise<void>((resolve) => (attempted = resolve));
  let prepared = options.prepare === undefined;
  let client: KeyConnection | null = null;
  let reachable = false;
  let saidUnreachable = false;
  let stopped = false;
  let running: Promise<void> | undefined;

  async function load(on: KeyConnection): Promise<void> {
    const text = `SELECT ${COLUMNS} FROM spanmeter.api_keys WHERE revoked_at IS NULL
      ORDER BY created_at DESC LIMIT ${MAX_LOADED_KEYS}`;
    const { rows } = await inTime(on.query<KeyRow>(text), queryTimeoutMs, 'loading the API keys');
    options.onLoad(rows.flatMap(storedKey));
    if (!reachable) log.info({ keys: rows.length }, 'The API keys are loaded.');
    reachable = true;
    saidUnreachable = false;
    attempted();
  }

  /** One connection, from connect until it breaks. */
  async function session(): Promise<void> {
    const on = await inTime(options.connect(), queryTimeoutMs, 'connecting to the key store');
    let broken: unknown;
    on.on('error', (error: Error) => {
      broken = error;
      wake.set();
    });
    on.on('end', () => {
      broken ??= new Error('the key store closed the connection');
      wake.set();
    });
    on.on('notification', () => wake.set());
    try {
      if (!prepared) await options.prepare?.(on);
      prepared = true;
      await inTime(on.query(`LISTEN ${CHANNEL}`), queryTimeoutMs, 'LISTEN');
      client = on;
      while (!stopped) {
        if (broken !== undefined) throw broken;
        await load(on);
        await wake.wait(options.pollMs);
      }
    } finally {
      client = null;
      reachable = false;
      void on.end().catch(() => undefined);
    }
  }

  async function run(): Promise<void> {
    while (!stopped) {
      try {
        await session();
      } catch (error) {
        if (!saidUnreachable)
          log.warn({ err: error }, 'The key store cannot be reached; cached keys stay valid.');
        saidUnreachable = true;
      }
      attempted();
      if (!stopped) await wake.wait(options.retryMs);
    }
  }

  return {
    get reachable() {
      return reachable;
    },
    async start() {
      running ??= run();
      await firstAttempt;
    },
    async lookUp(hash) {
      if (client === null) throw new Error('the key store is not connected');
      const text = `SELECT ${COLUMNS} FROM spanmeter.api_keys WHERE hash = decode($1, 'hex') AND revoked_at IS NULL`;
      const { rows } = await inTime(
        client.query<KeyRow>(text, [hash]),
        queryTimeoutMs,
        'looking up an API key',
      );
      return rows.flatMap(storedKey)[0] ?? null;
    },
    async stop() {
      stopped = true;
      wake.set();
      await running;
    },
  };
}
