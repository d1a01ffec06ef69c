/** A PostgreSQL server that the collector may use, embedded or not. URLs carry passwords: never log them. */
export interface DatabaseServer {
  /** May create roles and databases; the owner's where an operator brought the server. */
  readonly adminUrl: string;
  /** Owns the tables of schema `spanmeter` and writes them. */
  readonly ownerUrl: string;
  /** Reads every tenant, writes nothing; null where an operator brought the server. */
  readonly readOnlyUrl: string | null;
  readonly port: number;
  /** Stops an embedded server (fast shutdown); leaves an operator's alone. */
  stop(): Promise<void>;
}
