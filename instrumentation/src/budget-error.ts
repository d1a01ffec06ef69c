/** A hard budget of the collector, as its status tells it. Amounts are exact decimal USD. */
export interface SpentBudget {
  /** Its id: `acme-monthly`. */
  readonly budget: string;
  /** Whose spend it holds; empty for a budget over all tenants. */
  readonly tenant: string;
  readonly scope: string;
  readonly scopeValue: string | null;
  readonly spentUsd: string;
  readonly limitUsd: string;
  readonly periodEnd: Date;
}

/** What an app gets in place of a call that a hard budget has no money left for. The call was not made. */
export class BudgetExceededError extends Error implements SpentBudget {
  // Bundlers rename classes; spans tell errors by this name.
  static override readonly name: string = 'BudgetExceededError';
  override readonly name: string = 'BudgetExceededError';
  readonly budget: string;
  readonly tenant: string;
  readonly scope: string;
  readonly scopeValue: string | null;
  readonly spentUsd: string;
  readonly limitUsd: string;
  readonly periodEnd: Date;

  constructor(spent: SpentBudget) {
    super(`${describeBudget(spent)}; the call was not made`);
    this.budget = spent.budget;
    this.tenant = spent.tenant;
    this.scope = spent.scope;
    this.scopeValue = spent.scopeValue;
    this.spentUsd = spent.spentUsd;
    this.limitUsd = spent.limitUsd;
    this.periodEnd = spent.periodEnd;
  }
}

/** What an app gets while budgets cannot be read and the guard is to fail closed. */
export class BudgetUnknownError extends Error {
  static override readonly name: string = 'BudgetUnknownError';
  override readonly name: string = 'BudgetUnknownError';

  constructor(since: string) {
    super(`The budgets are not known: ${since}; the call was not made`);
  }
}

/** One line for logs and errors. */
export function describeBudget({
  budget,
  tenant,
  scope,
  scopeValue,
  spentUsd,
  limitUsd,
  periodEnd,
}: SpentBudget): string {
  const whose = [
    tenant === '' ? '' : ` of tenant ${tenant}`,
    scopeValue === null ? '' : ` for ${scope.replace('_', ' ')} ${scopeValue}`,
  ].join('');
  const spent = `${shortUsd(spentUsd)} of ${shortUsd(limitUsd)} USD`;
  const end = Number.isNaN(periodEnd.getTime()) ? '' : ` until ${periodEnd.toISOString()}`;
  return `Budget ${budget}${whose} is spent: ${spent}${end}`;
}

/** Without the zeros that exact amounts end in: `10.5` of `10.500000000000`. */
function shortUsd(amount: string): string {
  return amount.includes('.') ? amount.replace(/\.?0+$/, '') : amount;
}
