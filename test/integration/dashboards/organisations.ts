import { HAND_PRICES, type HandPrice } from './price-table.ts';

/** A tenant of the proof. */
export interface Organisation {
  readonly tenant: string;
  readonly zone: string;
  /** `silent`: nothing for over a week; `single`: one call this month; `wide`: too many services. */
  readonly traffic: 'regular' | 'silent' | 'single' | 'wide';
  readonly teams: readonly (string | null)[];
  readonly users: readonly string[];
  /** A few of each, as anywhere: every combination is a label set of the metrics. */
  readonly services: readonly string[];
  readonly models: readonly HandPrice[];
}

/** Staging is where batches run; everything else is production. */
export const STAGING = 'batch-jobs';
const SERVICES = ['checkout-api', 'support-bot', 'docs-search', 'code-review', STAGING];
const WIDE_SERVICES = Array.from({ length: 400 }, (_, index) => `job-${index}`);

const people = (tenant: string): readonly string[] =>
  ['ana', 'bo', 'chen', 'dara', `o'neil`].map((name) => `${name}@${tenant.slice(0, 12)}`);

function organisation(
  tenant: string,
  zone: string,
  at: number,
  traffic: Organisation['traffic'] = 'regular',
): Organisation {
  const own = [SERVICES[at % SERVICES.length]!, SERVICES[(at + 2) % SERVICES.length]!];
  return {
    tenant,
    zone,
    traffic,
    teams: ['platform', 'growth', `R&D "lab"`, null],
    users: people(tenant),
    services: traffic === 'wide' ? WIDE_SERVICES : own,
    models: HAND_PRICES.filter((_, index) => index === at % 2 || index % 4 === at % 4),
  };
}

/** Ordinary tenants first, since those at the front spend most; then names and zones that break queries. */
export const ORGANISATIONS: readonly Organisation[] = [
  organisation('acme', 'UTC', 0),
  organisation('globex', 'Europe/Berlin', 2),
  organisation('initech', 'America/New_York', 1),
  organisation('kolkata-labs', 'Asia/Kolkata', 3),
  organisation('kathmandu-ai', 'Asia/Kathmandu', 4),
  organisation('lord-howe', 'Australia/Lord_Howe', 5),
  organisation(`O'Brien & Söhne`, 'Europe/Dublin', 6),
  organisation('say "hi"', 'UTC', 7),
  organisation('日本語テナント', 'Asia/Tokyo', 8),
  organisation(String.raw`back\slash`, 'UTC', 9),
  organisation('a.*b|c$d{e}', 'UTC', 10),
  organisation('$tenant ${model} [[team]]', 'UTC', 11),
  organisation('t'.repeat(300), 'UTC', 12),
  organisation('silent-co', 'UTC', 0, 'silent'),
  organisation('one-call', 'Pacific/Auckland', 1, 'single'),
  organisation('wide-load', 'UTC', 0, 'wide'),
];

const PICTURED_MODELS = [
  'gpt-4o-mini',
  'gpt-4.1',
  'o4-mini',
  'claude-sonnet-4-5',
  'claude-haiku-4-5',
  'gemini-2.5-flash',
  'mistral-small-latest',
  'command-r-plus',
];

/** Tenants and models that look well in a picture. */
export const PICTURED: readonly Organisation[] = ORGANISATIONS.slice(0, 6).map((one) => ({
  ...one,
  models: HAND_PRICES.filter(({ model }) => PICTURED_MODELS.includes(model)),
}));
