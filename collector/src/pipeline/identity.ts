import type { Role } from '@spanmeter/processors';

/** Who sent a request, as far as the credential proves it. */
export interface Identity {
  readonly role: Role;
  /** Tenant of the credential; null for `open`, `admin` and gateway keys without a tenant. */
  readonly tenant: string | null;
  readonly team: string | null;
  /** Public id of the key, never the key itself; null for `open`. */
  readonly keyId: string | null;
}

/** The identity of every request where no `api_key_auth` extension is configured. */
export const OPEN_IDENTITY: Identity = { role: 'open', tenant: null, team: null, keyId: null };

/** Reads one header or gRPC metadata value by lower-case name. */
export type HeaderLookup = (name: string) => string | undefined;

/**
 * Turns headers into an identity. Rejects with Refusal `unauthenticated` for a missing, wrong, revoked or
 * expired key, and `unavailable` for an unknown key while the key store cannot be asked.
 */
export interface Authenticator {
  authenticate(header: HeaderLookup): Promise<Identity>;
}
