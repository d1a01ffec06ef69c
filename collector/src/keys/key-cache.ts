import { createLookUpLimit } from './look-up-limit.ts';
import type { StoredKey } from './stored-key.ts';

/** Keys by hash: those loaded, and those found one by one since. */
export interface KeyCache {
  readonly size: number;
  get(hash: string): StoredKey | undefined;
  /** Puts these keys in the place of all. */
  replace(keys: readonly StoredKey[]): void;
  /**
   * Asks the store for a key that is not here, once for however many ask at the same time. Null where the store
   * has none, now or a moment ago. Rejects where it can't be asked, or was asked too often.
   */
  find(hash: string): Promise<StoredKey | null>;
}

/** A cache that asks `lookUp` for unknown keys, within limits. `clock` gives milliseconds since the epoch. */
export function createKeyCache(
  lookUp: (hash: string) => Promise<StoredKey | null>,
  clock: () => number,
): KeyCache {
  const limit = createLookUpLimit({ missMs: 5_000, maxMisses: 10_000, perSecond: 20, burst: 50 });
  const pending = new Map<string, Promise<StoredKey | null>>();
  let loaded: ReadonlyMap<string, StoredKey> = new Map();
  let found = new Map<string, StoredKey>();

  async function ask(hash: string): Promise<StoredKey | null> {
    const key = await lookUp(hash);
    if (key === null) limit.noteMiss(hash, clock());
    else found.set(hash, key);
    return key;
  }

  return {
    get size() {
      return loaded.size + found.size;
    },
    get: (hash) => loaded.get(hash) ?? found.get(hash),
    replace(keys) {
      loaded = new Map(keys.map((key) => [key.hash, key]));
      found = new Map();
      limit.clear();
    },
    async find(hash) {
      const asked = pending.get(hash);
      if (asked !== undefined) return asked;
      if (limit.missed(hash, clock())) return null;
      if (!limit.take(clock())) throw new Error('too many look-ups of unknown keys');
      const asking = ask(hash).finally(() => pending.delete(hash));
      pending.set(hash, asking);
      return asking;
    },
  };
}
