/** [contract] Roles that a key can have. */
export const KEY_ROLES = ['ingest', 'gateway', 'read', 'admin'] as const;

export type KeyRole = (typeof KEY_ROLES)[number];

/** What the collector holds of a key in memory and in its snapshot. */
export interface StoredKey {
  /** SHA-256 of the key, lower-case hex. */
  readonly hash: string;
  /** Public id. */
  readonly id: string;
  readonly role: KeyRole;
  readonly tenant: string | null;
  readonly team: string | null;
  /** Milliseconds since the epoch; null where the key does not expire. */
  readonly expiresUnixMs: number | null;
}
