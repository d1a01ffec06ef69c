import type { CivilDate, Period } from '../api/civil-date.ts';
import { csv, type CsvCell } from '../api/csv.ts';
import type { WhatIfQuestion } from './question.ts';
import type { WhatIfAnswer } from './read-what-if.ts';
import type { WhatIfRow, WhatIfSums } from './sums.ts';

/** An answer with what was asked. */
export interface WhatIfReport {
  readonly tenant: string | null;
  readonly timezone: string;
  readonly period: Period;
  /** Both inclusive. */
  readonly from: CivilDate;
  readonly to: CivilDate;
  readonly question: WhatIfQuestion;
  readonly answer: WhatIfAnswer;
}

/** Figures of a row in the order of a CSV file. */
export const WHAT_IF_SUMS: readonly (keyof WhatIfSums)[] = [
  'calls',
  'cost_usd',
  'cost_then_usd',
  'savings_usd',
  'savings_percent',
  'estimated_calls',
  'unpriced_then_calls',
  'unpriced_then_cost_usd',
  'unpriced_today_calls',
];

/** What a reader has to know to take the figures for what they are. */
export function whatIfNotes({ question, answer }: Pick<WhatIfReport, 'question' | 'answer'>): string[] {
  const notes: string[] = [];
  const calls = (count: number, rest: string): void => {
    if (count > 0) notes.push(`${count} ${count === 1 ? 'call' : 'calls'} ${rest}`);
  };
  if (question.change.kind === 'model') {
    notes.push('Token counts are those of the model that ran; another tokenizer would count otherwise.');
  }
  calls(answer.cacheAsInputCalls, 'with cached tokens counted as plain input: the other model has no price.');
  calls(answer.total.estimated_calls, 'with estimated token counts are included.');
  calls(answer.reportedCalls, "cost what the provider itself reported, not the book's price.");
  calls(answer.otherVersionCalls, "were priced by another book version than today's.");
  calls(answer.total.unpriced_today_calls, 'without a price today: in no figure.');
  if (answer.truncated) notes.push('More groups than can be shown; the total has all.');
  return notes;
}

/** The report for programs, as `/api/v1/whatif` gives it. */
export function whatIfJson(report: WhatIfReport): Readonly<Record<string, unknown>> {
  const { tenant, timezone, period, from, to, question, answer } = report;
  const { change } = question;
  return {
    tenant,
    timezone,
    currency: 'USD',
    period,
    from,
    to,
    change: change.kind,
    from_model: question.fromModel,
    to_model: change.kind === 'model' ? change.model : null,
    to_provider: change.kind === 'model' ? change.provider : null,
    provider: question.provider,
    service_name: question.serviceName,
    group_by: question.groupBy,
    rows: answer.rows.map(({ group, ...sums }) => ({ ...group, ...sums })),
    total: answer.total,
    unpriced_then: answer.unpricedThen,
    cache_as_input_calls: answer.cacheAsInputCalls,
    other_version_calls: answer.otherVersionCalls,
    reported_calls: answer.reportedCalls,
    truncated: answer.truncated,
    notes: whatIfNotes(report),
  };
}

/** The rows as CSV: the group keys, then the figures; amounts exact. */
export function whatIfCsv({ question, answer }: WhatIfReport): string {
  const cells = (row: WhatIfRow): CsvCell[] => [
    ...question.groupBy.map((key) => ({ text: row.group[key] ?? null })),
    ...WHAT_IF_SUMS.map((name) => ({ number: row[name] ?? '' })),
  ];
  return csv([...question.groupBy, ...WHAT_IF_SUMS], answer.rows.map(cells));
}
