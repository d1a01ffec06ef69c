import { csv, type CsvCell } from './csv.ts';
import type { GroupKey, SpendRow } from './spend-query.ts';

const SUMS = [
  'cost_usd',
  'calls',
  'errors',
  'unpriced_calls',
  'input_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'output_tokens',
  'reasoning_tokens',
  // After what older readers know by position.
  'estimated_calls',
  'estimated_cost_usd',
] as const;

/** Spend as CSV: the group keys, then the sums; amounts exact. */
export function spendCsv(groupBy: readonly GroupKey[], rows: readonly SpendRow[]): string {
  const cells = rows.map((row): CsvCell[] => [
    ...groupBy.map((key) => ({ text: row.group[key] ?? null })),
    ...SUMS.map((name) => ({ number: row[name] })),
  ]);
  return csv([...groupBy, ...SUMS], cells);
}
