import { escapeLiteral } from 'pg';
import { isCivilDate } from '../api/civil-date.ts';
import { ROW_SCOPES, type Budget } from './budget.ts';
import { BUDGET_COLUMNS, budgetOf, type BudgetRow } from './budget-row.ts';
import { usableZone } from './usable-zone.ts';

/** Runs one statement; both a pool and a connection of the ledger can. */
export type Ask = (text: string) => Promise<{ readonly rows: readonly unknown[] }>;

/** Budgets as of one version of them. */
export interface StoredBudgets {
  /** What `spanmeter.require_budgets` compares. */
  readonly version: string;
  /** Their time zone is the one that holds: null only for `each`, whose zones are the tenants'. */
  readonly budgets: readonly Budget[];
}

/** `tenant_id` is null where there is no budget at all. */
type StoredRow = Omit<BudgetRow, 'tenant_id'> & {
  readonly version: string;
  readonly tenant_id: string | null;
  readonly zone: string;
};

/** More than this are not held in memory. */
const MAX_BUDGETS = 100_000;

/** One statement, so that the version is that of the rows. */
const READ = (
  condition: string,
): string => `SELECT v.version::text, coalesce(b.timezone, t.timezone, 'UTC') AS zone, ${BUDGET_COLUMNS}
  FROM spanmeter.budget_version v
  LEFT JOIN spanmeter.budgets b ON ${condition} LEFT JOIN spanmeter.tenants t ON t.id = b.tenant_id
  ORDER BY b.tenant_id, b.id LIMIT ${MAX_BUDGETS}`;

function isDay(date: string | null): boolean {
  return date !== null && isCivilDate(date);
}

function resolved(row: StoredRow): Budget | null {
  const { tenant_id } = row;
  if (tenant_id === null) return null;
  try {
    const budget = budgetOf({ ...row, tenant_id });
    // PostgreSQL has days before 1970, beyond 9999 and at infinity.
    if (budget.period === 'custom' && ![budget.startsOn, budget.endsOn].every(isDay)) return null;
    const isOfTenants = budget.scope === 'each' && budget.timezone === null;
    return { ...budget, timezone: isOfTenants ? null : usableZone(row.zone) };
  } catch {
    // Written past every check (a limit of NaN): no reason for the ledger to stop.
    return null;
  }
}

const ROW_SCOPE: string = [...ROW_SCOPES].map((scope) => `'${scope}'`).join(', ');

/** Reads every budget, the disabled ones too, with its zone resolved. Rejects with the driver's error. */
export function readStoredBudgets(ask: Ask): Promise<StoredBudgets> {
  return readWhere(ask, 'true');
}

/** Only those by user, session and agent: all that `budget_spend` is about. */
export function readRowBudgets(ask: Ask): Promise<StoredBudgets> {
  return readWhere(ask, `b.scope IN (${ROW_SCOPE})`);
}

/** One budget with its zone resolved, or null. */
export async function readStoredBudget(
  ask: Ask,
  { tenantId, id }: Pick<Budget, 'tenantId' | 'id'>,
): Promise<Budget | null> {
  const condition = `b.tenant_id = ${escapeLiteral(tenantId)} AND b.id = ${escapeLiteral(id)}`;
  return (await readWhere(ask, condition)).budgets[0] ?? null;
}

/** The version alone. Budgets and zones are those of before where it is. */
export async function readBudgetVersion(ask: Ask): Promise<string> {
  const { rows } = (await ask('SELECT version::text FROM spanmeter.budget_version')) as {
    readonly rows: readonly { readonly version: string }[];
  };
  return rows[0]?.version ?? '';
}

async function readWhere(ask: Ask, condition: string): Promise<StoredBudgets> {
  const { rows } = (await ask(READ(condition))) as { readonly rows: readonly StoredRow[] };
  const version = rows[0]?.version;
  if (version === undefined) throw new Error('spanmeter.budget_version has no row');
  return { version, budgets: rows.map(resolved).filter((budget) => budget !== null) };
}
