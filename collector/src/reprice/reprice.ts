import type { PriceBook } from '@spanmeter/processors';
import type { Client } from 'pg';
import { BUDGETS_LOCK, RowBudgets } from '../budgets/row-spend.ts';
import { readRowBudgets } from '../budgets/stored-budgets.ts';
import { errorCode } from '../database/failure.ts';
import { inTransaction } from '../keys/transaction.ts';
import { STAGE_ROLLUPS } from '../exporters/postgres/session.ts';
import { countGone, readPage, slicesOf } from './call-pages.ts';
import type { CallSelection, PageEnd, Slice } from './call-pages.ts';
import { createRecompute, type Pricing, type Repriced } from './recompute.ts';
import type { StoredCall } from './stored-call.ts';
import { beginRun, databaseNow, findInterrupted, finishRun, moveRun, PageCounts } from './run-store.ts';
import type { OpenRun, RunCounts, RunRequest } from './run-store.ts';
import { SummarySums, type RepriceSummary } from './summary.ts';
import { CorrectionBatch, CORRECTIONS_LOCK, storeBooks } from './write-corrections.ts';

export type { CallSelection } from './call-pages.ts';
export type { Pricing } from './recompute.ts';
export type { RunCounts, RunRequest } from './run-store.ts';
export type { RepriceSummary, SummaryRow, SummaryTotal } from './summary.ts';

/** One reprice at a time in a database: held by its connection. */
const REPRICE_LOCK = 7_305_811_008;
/** The server may need a moment to notice that a killed process is gone. */
const LOCK_WAIT_MS = 10_000;
const PAGE_CALLS = 5_000;

const SETUP: string = [
  'SET synchronous_commit = on',
  `SET timezone = 'UTC'`,
  'SET jit = off',
  // Pages are read along the index, whatever the statistics of a new partition say.
  'SET enable_seqscan = off',
  'SET enable_bitmapscan = off',
  // A process whose host vanished must not hold the lock for long.
  'SET tcp_keepalives_idle = 30',
  'SET tcp_keepalives_interval = 10',
  'SET tcp_keepalives_count = 3',
  STAGE_ROLLUPS,
].join(';\n');

/** Another reprice is under way in this database. */
export class RepriceUnderWay extends Error {
  constructor() {
    super('another reprice is under way in this database');
    this.name = 'RepriceUnderWay';
  }
}

/** What a run would do, and what is beyond its reach. */
export interface RepricePlan {
  /** The interrupted run that goes on; null where a new one begins. */
  readonly continues: OpenRun | null;
  readonly summary: RepriceSummary;
  /** Calls of the range that only rollups remember, so that they keep their cost. */
  readonly gone: number;
}

/** Prepares a connection for `planReprice` and `actReprice`. */
export async function prepareReprice(client: Client): Promise<void> {
  await client.query(SETUP);
}

/** Takes the right to reprice until the connection ends. Rejects with RepriceUnderWay where another has it. */
export async function lockReprice(client: Client, waitMs: number = LOCK_WAIT_MS): Promise<void> {
  await client.query(`SET lock_timeout = ${Math.max(1, Math.trunc(waitMs))}`);
  try {
    await client.query(`SELECT pg_advisory_lock(${REPRICE_LOCK})`);
  } catch (error) {
    if (errorCode(error) === '55P03') throw new RepriceUnderWay();
    throw error;
  }
  await client.query('SET lock_timeout = 0');
}

/** The slices that are left after a call that was done. */
async function slicesAfter(
  client: Client,
  selection: CallSelection,
  after: PageEnd | null,
): Promise<readonly Slice[]> {
  const slices = await slicesOf(client, selection);
  return after === null ? slices : slices.filter((slice) => slice.from >= after.slice);
}

/** Computes what today's prices change, and writes nothing. */
export async function planReprice(
  client: Client,
  request: RunRequest,
  continues: OpenRun | null,
): Promise<RepricePlan> {
  const { selection, pricing } = request;
  const recompute = createRecompute(pricing);
  const sums = new SummarySums();
  const pageCalls = request.pageCalls ?? PAGE_CALLS;
  const start = continues?.after ?? null;
  for (const slice of await slicesAfter(client, selection, start)) {
    let after = start?.slice === slice.from ? start : null;
    for (;;) {
      const page = await readPage(client, selection, slice, after, pageCalls, (stored) =>
        sums.add(recompute(stored)),
      );
      after = page.end;
      if (page.calls < pageCalls) break;
    }
  }
  return { continues, summary: sums.summary(), gone: await countGone(client, selection) };
}

/** The run of the same command that was interrupted, if its prices are today's. */
export async function interruptedRun(client: Client, request: RunRequest): Promise<OpenRun | null> {
  return findInterrupted(client, request);
}

/** Books that corrections name, the shared one first: the others are stored as what they change of it. */
class NamedBooks {
  readonly #pricing: Pricing;
  readonly #stored = new Set<string>();

  constructor(pricing: Pricing) {
    this.#pricing = pricing;
  }

  /** The books that the calls of these tenants name and that this run did not store yet. */
  missing(tenants: ReadonlySet<string>): readonly PriceBook[] {
    const { books } = this.#pricing;
    const named = new Set<PriceBook>();
    for (const tenant of tenants) {
      const book = books.of(tenant);
      if (!this.#stored.has(book.version)) named.add(book);
    }
    if (named.size === 0 || this.#stored.has(books.shared.version)) return [...named];
    named.delete(books.shared);
    return [books.shared, ...named];
  }

  /** Only after the commit. */
  remember(books: readonly PriceBook[]): void {
    for (const book of books) this.#stored.add(book.version);
  }
}

interface PageWork {
  readonly request: RunRequest;
  readonly run: OpenRun;
  readonly recompute: (stored: StoredCall) => Repriced;
  readonly books: NamedBooks;
}

/** One page in one transaction; resolves with its end, or null where the slice has no more calls. */
async function repricePage(
  client: Client,
  { request, run, recompute, books }: PageWork,
  slice: Slice,
  after: PageEnd | null,
): Promise<PageEnd | null> {
  let named: readonly PriceBook[] = [];
  const pageCalls = request.pageCalls ?? PAGE_CALLS;
  const end = await inTransaction(client, async () => {
    await client.query(`SELECT pg_advisory_xact_lock(${CORRECTIONS_LOCK})`);
    // Held as the ledger holds them: no budget comes, goes or changes until this page is done.
    await client.query(`SELECT pg_advisory_xact_lock_shared(${BUDGETS_LOCK})`);
    const { micros: atMicros } = await databaseNow(client);
    const budgets = new RowBudgets(await readRowBudgets((text) => client.query(text)));
    const batch = new CorrectionBatch({ runId: run.id, reason: run.reason, atMicros, budgets });
    const counts = new PageCounts();
    const tenants = new Set<string>();
    const page = await readPage(client, request.selection, slice, after, pageCalls, (stored) => {
      const result = recompute(stored);
      counts.add(result);
      if (result.change === null) return;
      batch.add(result.change);
      if (result.change.newVersion !== null) tenants.add(stored.call.tenantId);
    });
    if (page.end === null) return null;
    if (batch.size > 0) {
      named = books.missing(tenants);
      if (named.length > 0) await storeBooks(client, named);
      await batch.write(client);
    }
    await moveRun(client, run.id, page.end, counts);
    return page.end;
  });
  books.remember(named);
  return end;
}

/**
 * Writes what today's prices change, page by page, each in one transaction with its rollups and the run's progress:
 * a process that dies in between is continued by the same command.
 */
export async function actReprice(
  client: Client,
  request: RunRequest,
  continues: OpenRun | null,
): Promise<{ readonly run: OpenRun; readonly counts: RunCounts }> {
  const { selection, pricing } = request;
  const run = continues ?? (await beginRun(client, request));
  const work = { request, run, recompute: createRecompute(pricing), books: new NamedBooks(pricing) };
  for (const slice of await slicesAfter(client, selection, run.after)) {
    let after = run.after?.slice === slice.from ? run.after : null;
    for (;;) {
      const end = await repricePage(client, work, slice, after);
      if (end === null) break;
      after = end;
    }
  }
  return { run, counts: await finishRun(client, run, request) };
}
