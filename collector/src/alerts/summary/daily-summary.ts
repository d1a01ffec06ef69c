import type { BudgetPeriod, BudgetScope } from '../../budgets/budget.ts';

/** Spend under one name; money as exact decimal strings. */
export interface NamedSpend {
  readonly name: string;
  readonly spend_usd: string;
  readonly calls: number;
  /** Of the calls, those without a price: the spend is more than it says. */
  readonly unpriced_calls: number;
}

/** Spend of an earlier day, and how the summary's own day compares; null where that day had none. */
export interface EarlierSpend {
  readonly spend_usd: string;
  /** With one decimal: `25.0` is a quarter more. */
  readonly change_percent: string | null;
}

/** A budget's period, from its start to the end of the summary's day. */
export interface BudgetSpent {
  readonly name: string;
  readonly scope: BudgetScope;
  readonly scope_value: string | null;
  readonly period: BudgetPeriod;
  readonly spent_usd: string;
  readonly limit_usd: string;
  readonly percent: string;
}

/** [contract] One day in the form in which it is stored and posted. */
export interface DailySummary {
  /** '' for all tenants together. */
  readonly tenant: string;
  /** YYYY-MM-DD in `timezone`. */
  readonly date: string;
  readonly timezone: string;
  readonly spend_usd: string;
  /** Billable calls of every status. */
  readonly calls: number;
  readonly unpriced_calls: number;
  /** False while calls of the day have no price: the spend is more than it says. */
  readonly complete: boolean;
  readonly day_before: EarlierSpend;
  /** The same weekday of the week before. */
  readonly week_before: EarlierSpend;
  /** The most expensive first, five at most. */
  readonly top_models: readonly NamedSpend[];
  readonly top_teams: readonly NamedSpend[];
  /** Of all tenants together; empty for one tenant. */
  readonly top_tenants: readonly NamedSpend[];
  /** The fullest first, ten at most. */
  readonly budgets: readonly BudgetSpent[];
}

/** Whose day is to be summed up. */
export interface SummaryDay {
  readonly tenant: string;
  readonly timezone: string;
  /** YYYY-MM-DD in `timezone`. */
  readonly date: string;
}
