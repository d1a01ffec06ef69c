import { setImmediate } from 'node:timers/promises';
import {
  OTHER_SPLITS,
  readOtherSplits,
  parsePico,
  priceWhatIf,
  type Conditions,
  type StoredUse,
  type TenantBooks,
  type Usage,
} from '@spanmeter/processors';
import type { Range } from '../api/range.ts';
import type { Reading } from '../api/reader.ts';
import { UNPRICED_STATUSES } from '../api/spend-query.ts';
import { Refusal } from '../pipeline/refusal.ts';
import { booksFor, requireTarget, type WhatIfGroup, type WhatIfQuestion } from './question.ts';
import { WhatIfTotals, type WhatIfReason, type WhatIfRow, type WhatIfSums } from './sums.ts';

/** What bounds the work. */
export interface WhatIfLimits {
  /** More calls than this are refused; null for no bound. */
  readonly maxCalls: number | null;
  /** Gives the work up between two slices. */
  readonly signal?: AbortSignal;
}

/** The answer: exact figures of what is compared, and apart what is not. */
export interface WhatIfAnswer {
  readonly total: WhatIfSums;
  readonly rows: readonly WhatIfRow[];
  /** Why calls would have no price, the most frequent first. */
  readonly unpricedThen: readonly WhatIfReason[];
  /** Calls whose cached tokens the other model would read as plain input. */
  readonly cacheAsInputCalls: number;
  /** Calls whose amount today is of another book version than the one that prices now. */
  readonly otherVersionCalls: number;
  /** Calls whose amount today is the emitter's own figure. */
  readonly reportedCalls: number;
  /** Whether groups were left out of the rows; the total has all. */
  readonly truncated: boolean;
}

/** Rows of one slice: priced in a few milliseconds, after which other work has its turn. */
const SLICE_ROWS = 500;

const COLUMN: Readonly<Record<WhatIfGroup, string>> = {
  tenant: 'tenant_id',
  provider: 'provider',
  model: 'model',
  service_name: 'service_name',
  environment: 'environment',
  team: 'team',
  feature: 'feature',
};

interface Row {
  readonly tenant_id: string;
  readonly started_micros: string;
  readonly duration_ms: string | null;
  readonly operation: string;
  readonly provider: string;
  readonly request_model: string | null;
  readonly response_model: string | null;
  readonly input_tokens: string | null;
  readonly output_tokens: string | null;
  readonly usage: Usage | null;
  readonly usage_source: string;
  readonly conditions: Conditions | null;
  readonly error_type: string | null;
  readonly other_splits: string | null;
  readonly cost: string | null;
  readonly status: string;
  readonly version: string | null;
  readonly groups: readonly (string | null)[];
}

interface Selection {
  readonly where: string;
  readonly values: readonly unknown[];
}

function selectionOf(reading: Reading, range: Range, question: WhatIfQuestion): Selection {
  const values: unknown[] = [range.from, range.to];
  const place = (value: unknown): string => `$${values.push(value)}`;
  const wanted = ['started_at >= $1::timestamptz', 'started_at < $2::timestamptz'];
  if (reading.tenant !== null) wanted.push(`tenant_id = ${place(reading.tenant)}`);
  if (question.provider !== null) wanted.push(`provider = ${place(question.provider)}`);
  if (question.serviceName !== null) wanted.push(`service_name = ${place(question.serviceName)}`);
  if (question.fromModel !== null) {
    const name = place(question.fromModel);
    wanted.push(`${name}::text IN (model, response_model, request_model)`);
  }
  return { where: wanted.join(' AND '), values };
}

/** Counts no further than the bound, so that what is refused is refused soon. */
async function refuseTooMany(
  reading: Reading,
  { where, values }: Selection,
  maxCalls: number,
): Promise<void> {
  const [found] = await reading.query<{ calls: string }>(
    `SELECT count(*)::text AS calls FROM (
       SELECT FROM spanmeter.calls WHERE ${where} AND cost_status NOT IN ('duplicate', 'not_billable')
       LIMIT ${maxCalls + 1}
     ) AS counted`,
    values,
  );
  if (Number(found?.calls ?? 0) <= maxCalls) return;
  throw new Refusal(
    'invalid',
    `These are more than ${maxCalls} calls, the most that are priced for one request: ask for a shorter period, ` +
      'one tenant, provider or service, or use `spanmeter whatif`, which has no bound.',
  );
}

async function openCursor(reading: Reading, selection: Selection, question: WhatIfQuestion): Promise<void> {
  // All rows are read: a plan that is quick for the first few only would be slow.
  await reading.query('SET LOCAL cursor_tuple_fraction = 1');
  const groups = question.groupBy.map((name) => COLUMN[name]).join(', ');
  await reading.query(
    `DECLARE what_if NO SCROLL CURSOR FOR
     SELECT tenant_id, ((extract(epoch FROM started_at) * 1000000)::bigint)::text AS started_micros,
       duration_ms::text AS duration_ms, operation, provider, request_model, response_model,
       input_tokens, output_tokens, usage, usage_source, conditions, error_type,
       attributes ->> '${OTHER_SPLITS}' AS other_splits,
       effective_cost_usd::numeric(60, 12)::text AS cost, effective_status AS status,
       effective_price_version AS version, ARRAY[${groups}]::text[] AS groups
     FROM spanmeter.calls_effective
     WHERE ${selection.where} AND effective_status NOT IN ('duplicate', 'not_billable')`,
    selection.values,
  );
}

/** Both columns have a fixed number of decimals, so that without the point they are whole units. */
const PICO_TEXT = /^-?\d+\.\d{12}$/;
const NANO_TEXT = /^\d+\.\d{6}$/;

function picoOf(text: string | null): bigint | null {
  if (text === null) return null;
  return PICO_TEXT.test(text) ? BigInt(text.replace('.', '')) : parsePico(text);
}

function useOf(row: Row, costPicoUsd: bigint): StoredUse {
  const { duration_ms: duration } = row;
  return {
    provider: row.provider,
    requestModel: row.request_model,
    responseModel: row.response_model,
    operation: row.operation,
    usage: row.usage ?? {},
    usageAlternatives: readOtherSplits(row.other_splits),
    conditions: row.conditions ?? {},
    durationNanos: duration !== null && NANO_TEXT.test(duration) ? BigInt(duration.replace('.', '')) : null,
    inputTokens: row.input_tokens === null ? null : Number(row.input_tokens),
    outputTokens: row.output_tokens === null ? null : Number(row.output_tokens),
    errorType: row.error_type,
    startedAtMicros: BigInt(row.started_micros),
    costPicoUsd,
  };
}

const UNPRICED: ReadonlySet<string> = new Set(UNPRICED_STATUSES);

/**
 * Prices the stored calls of a range again under an assumption, each by its tenant's book of today at its own
 * instant. Reads with a cursor in slices between which other work goes on, so that memory stays flat. Rejects
 * with Refusal `invalid` where no book knows the other model, or there are too many calls.
 */
export async function readWhatIf(
  reading: Reading,
  books: TenantBooks,
  range: Range,
  question: WhatIfQuestion,
  limits: WhatIfLimits,
): Promise<WhatIfAnswer> {
  requireTarget(booksFor(books, reading.tenant), question);
  const selection = selectionOf(reading, range, question);
  if (limits.maxCalls !== null) await refuseTooMany(reading, selection, limits.maxCalls);
  await openCursor(reading, selection, question);
  const totals = new WhatIfTotals(question.groupBy);
  let otherVersionCalls = 0;
  let reportedCalls = 0;
  for (;;) {
    if (limits.signal?.aborted === true) throw new Refusal('unavailable', 'The request was given up.');
    const rows = await reading.query<Row>(`FETCH ${SLICE_ROWS} FROM what_if`);
    for (const row of rows) {
      const cost = picoOf(row.cost);
      const call = { group: row.groups, costPicoUsd: cost, estimated: row.usage_source === 'estimated' };
      if (cost === null || UNPRICED.has(row.status)) {
        totals.add(call, null);
        continue;
      }
      const book = books.of(row.tenant_id);
      totals.add(call, priceWhatIf(book, useOf(row, cost), question.change));
      if (row.status === 'reported') reportedCalls++;
      else if (row.version !== book.version) otherVersionCalls++;
    }
    if (rows.length < SLICE_ROWS) break;
    await setImmediate();
  }
  return {
    total: totals.total(),
    rows: totals.rows(),
    unpricedThen: totals.reasons(),
    cacheAsInputCalls: totals.cacheAsInputCalls,
    otherVersionCalls,
    reportedCalls,
    truncated: totals.truncated,
  };
}
