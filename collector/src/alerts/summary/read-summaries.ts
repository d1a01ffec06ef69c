import { divideHalfEven, formatPico, parsePico } from '@spanmeter/processors';
import type { ClientBase } from 'pg';
import type { BudgetPeriod, BudgetScope } from '../../budgets/budget.ts';
import type { BudgetSpent, DailySummary, EarlierSpend, NamedSpend, SummaryDay } from './daily-summary.ts';
import { budgetsSql, topSql, totalsSql, type Whose } from './summary-sql.ts';

interface TotalRow {
  readonly tenant: string;
  readonly ago: number;
  readonly spend: string;
  readonly calls: string;
  readonly unpriced: string;
}

interface NamedRow {
  readonly tenant: string;
  readonly name: string;
  readonly spend: string;
  readonly calls: string;
  readonly unpriced: string;
}

interface BudgetRow {
  readonly tenant: string;
  readonly name: string;
  readonly scope: BudgetScope;
  readonly scope_value: string | null;
  readonly period: BudgetPeriod;
  readonly spent: string;
  readonly limit: string;
}

const THOUSAND = 1_000n;

/** `part` of `whole` in percent, with one decimal, rounded half to even. */
function percent(part: bigint, whole: bigint): string {
  const permille = divideHalfEven(part * THOUSAND, whole);
  const size = permille < 0n ? -permille : permille;
  return `${permille < 0n ? '-' : ''}${size / 10n}.${size % 10n}`;
}

function pico(text: string | undefined): bigint {
  return text === undefined ? 0n : (parsePico(text) ?? 0n);
}

function earlier(total: bigint, row: TotalRow | undefined): EarlierSpend {
  const before = pico(row?.spend);
  const change = before <= 0n ? null : percent(total - before, before);
  return { spend_usd: formatPico(before), change_percent: change };
}

function named({ name, spend, calls, unpriced }: NamedRow): NamedSpend {
  const counts = { calls: Number(calls), unpriced_calls: Number(unpriced) };
  return { name, spend_usd: formatPico(pico(spend)), ...counts };
}

function budgetSpent({ name, scope, scope_value, period, spent, limit }: BudgetRow): BudgetSpent {
  return {
    name,
    scope,
    scope_value,
    period,
    spent_usd: formatPico(pico(spent)),
    limit_usd: formatPico(pico(limit)),
    percent: percent(pico(spent), pico(limit)),
  };
}

function byTenant<Row extends { readonly tenant: string }>(
  rows: readonly Row[],
): ReadonlyMap<string, readonly Row[]> {
  const map = new Map<string, Row[]>();
  for (const row of rows) {
    const known = map.get(row.tenant);
    if (known === undefined) map.set(row.tenant, [row]);
    else known.push(row);
  }
  return map;
}

/** Reads the summaries of many days, or tenants, by as many statements as for one. Rejects with the driver's error. */
export async function readSummaries(
  client: ClientBase,
  days: readonly SummaryDay[],
  whose: Whose,
): Promise<readonly DailySummary[]> {
  const values = [
    days.map(({ tenant }) => tenant),
    days.map(({ timezone }) => timezone),
    days.map(({ date }) => date),
  ];
  const read = async <Row extends { readonly tenant: string }>(text: string) =>
    byTenant((await client.query<Row>(text, values)).rows);
  const totals = await read<TotalRow>(totalsSql(whose));
  const models = await read<NamedRow>(topSql(whose, 'model'));
  const teams = await read<NamedRow>(topSql(whose, 'team'));
  const tenants = whose === 'all' ? await read<NamedRow>(topSql(whose, 'tenant_id')) : null;
  const budgets = await read<BudgetRow>(budgetsSql(whose));
  return days.map(({ tenant, timezone, date }) => {
    const total = (ago: number): TotalRow | undefined => totals.get(tenant)?.find((row) => row.ago === ago);
    const spent = pico(total(0)?.spend);
    const unpriced = Number(total(0)?.unpriced ?? 0);
    return {
      tenant,
      date,
      timezone,
      spend_usd: formatPico(spent),
      calls: Number(total(0)?.calls ?? 0),
      unpriced_calls: unpriced,
      complete: unpriced === 0,
      day_before: earlier(spent, total(1)),
      week_before: earlier(spent, total(7)),
      top_models: (models.get(tenant) ?? []).map(named),
      top_teams: (teams.get(tenant) ?? []).map(named),
      top_tenants: (tenants?.get(tenant) ?? []).map(named),
      budgets: (budgets.get(tenant) ?? []).map(budgetSpent),
    };
  });
}
