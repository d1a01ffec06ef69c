/** A tenant of the proof. */
export interface Organisation {
  readonly tenant: string;
  readonly zone: string;
  /** `silent`: nothing for over a week; `single`: one call this month. */
  readonly traffic: 'regular' | 'silent' | 'single';
  readonly teams: readonly (string | null)[];
  readonly users: readonly string[];
}

const people = (tenant: string): readonly string[] =>
  ['ana', 'bo', 'chen', 'dara', `o'neil`].map((name) => `${name}@${tenant.slice(0, 12)}`);

function organisation(
  tenant: string,
  zone: string,
  traffic: Organisation['traffic'] = 'regular',
): Organisation {
  return { tenant, zone, traffic, teams: ['platform', 'growth', `R&D "lab"`, null], users: people(tenant) };
}

/** Ordinary tenants first, since those at the front spend most; then names and zones that break queries. */
export const ORGANISATIONS: readonly Organisation[] = [
  organisation('acme', 'UTC'),
  organisation('globex', 'Europe/Berlin'),
  organisation('initech', 'America/New_York'),
  organisation('kolkata-labs', 'Asia/Kolkata'),
  organisation('kathmandu-ai', 'Asia/Kathmandu'),
  organisation('lord-howe', 'Australia/Lord_Howe'),
  organisation(`O'Brien & Söhne`, 'Europe/Dublin'),
  organisation('say "hi"', 'UTC'),
  organisation('日本語テナント', 'Asia/Tokyo'),
  organisation(String.raw`back\slash`, 'UTC'),
  organisation('a.*b|c$d{e}', 'UTC'),
  organisation('$tenant ${model} [[team]]', 'UTC'),
  organisation('t'.repeat(300), 'UTC'),
  organisation('silent-co', 'UTC', 'silent'),
  organisation('one-call', 'Pacific/Auckland', 'single'),
];
