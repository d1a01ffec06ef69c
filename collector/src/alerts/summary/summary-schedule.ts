import { globMatcher } from '@spanmeter/processors';
import type { ClientBase, Pool } from 'pg';
import type { Logger } from '../../pipeline/component.ts';
import { Wake } from '../../pipeline/wake.ts';
import type { DailySummaryOptions } from '../channel-options.ts';
import type { ChannelRoute } from '../channels.ts';
import type { DailySummary, SummaryDay } from './daily-summary.ts';
import { readSummaries } from './read-summaries.ts';
import { ENQUEUE, OPERATOR_DUE, TENANTS_DUE, ZONES_DUE, type Whose } from './summary-sql.ts';

export interface SummaryScheduleOptions {
  readonly pool: Pool;
  readonly summary: DailySummaryOptions;
  readonly routes: readonly ChannelRoute[];
  readonly log: Logger;
}

/** Writes the summaries of yesterday into the outbox, once it is time for them where their tenants are. */
export interface SummarySchedule {
  start(): void;
  stop(): Promise<void>;
  /** Writes what is due now, or at an ISO instant; resolves with the number of rows written. */
  round(at?: string): Promise<number>;
}

const EVERY_MS = 30_000;
/** Tenants that one set of statements sums up. */
const PAGE = 200;
/** So many go out in a second at most, so that thousands of tenants are no burst. */
const SPACING_MS = 100;
/** Held by the collector that writes; any constant will do. */
const SUMMARY_LOCK = 7_305_811_021;

interface Due {
  readonly timezone: string;
  readonly date: string;
}

class Schedule implements SummarySchedule {
  readonly #options: SummaryScheduleOptions;
  readonly #channels: readonly { readonly id: string; readonly wants: (tenant: string) => boolean }[];
  /** The day that each zone's tenants were last written of. */
  readonly #doneByZone = new Map<string, string>();
  readonly #wake = new Wake();
  #stopped = false;
  #running: Promise<void> = Promise.resolve();

  constructor(options: SummaryScheduleOptions) {
    this.#options = options;
    const { channels } = options.summary;
    this.#channels = options.routes
      .filter(({ id }) => channels === null || channels.includes(id))
      .map(({ id, tenants }) => {
        const matchers = tenants?.map(globMatcher) ?? null;
        return { id, wants: (tenant) => matchers === null || matchers.some((matches) => matches(tenant)) };
      });
  }

  start(): void {
    if (this.#options.summary.at !== null) this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake.set();
    await this.#running;
  }

  async round(at: string | null = null): Promise<number> {
    const { pool, summary } = this.#options;
    if (summary.at === null || this.#channels.length === 0) return 0;
    const client = await pool.connect();
    let broken = true;
    try {
      const lock = await client.query<{ mine: boolean }>(
        `SELECT pg_try_advisory_lock(${SUMMARY_LOCK}) AS mine`,
      );
      if (lock.rows[0]?.mine !== true) {
        broken = false;
        return 0;
      }
      const operators = summary.operator ? await this.#writeOperator(client, summary.at, at) : 0;
      const tenants = summary.per_tenant ? await this.#writeTenants(client, summary.at, at) : 0;
      await client.query(`SELECT pg_advisory_unlock(${SUMMARY_LOCK})`);
      broken = false;
      return operators + tenants;
    } finally {
      // The lock is the session's: one that failed takes it along.
      client.release(broken);
    }
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.round();
      } catch (error) {
        this.#options.log.debug({ err: error }, 'daily summaries could not be written; it is tried again');
      }
      if (!this.#stopped) await this.#wake.wait(EVERY_MS);
    }
  }

  async #writeOperator(client: ClientBase, minutes: number, at: string | null): Promise<number> {
    const { timezone } = this.#options.summary;
    const { rows } = await client.query<Due>(OPERATOR_DUE, [minutes, at, timezone]);
    let written = 0;
    for (const due of rows) written += await this.#write(client, [{ tenant: '', ...due }], 'all', 0);
    return written;
  }

  async #writeTenants(client: ClientBase, minutes: number, at: string | null): Promise<number> {
    const { rows } = await client.query<Due>(ZONES_DUE, [minutes, at]);
    let tenants = 0;
    let written = 0;
    for (const { timezone, date } of rows) {
      if (this.#doneByZone.get(timezone) === date) continue;
      for (let after: string | undefined = ''; after !== undefined && !this.#stopped;) {
        const page: readonly { id: string }[] = (
          await client.query<{ id: string }>(TENANTS_DUE, [timezone, date, after, PAGE])
        ).rows;
        const days = page.map(({ id }) => ({ tenant: id, timezone, date }));
        written += await this.#write(client, days, 'each', tenants);
        tenants += page.length;
        after = page.length < PAGE ? undefined : page.at(-1)?.id;
      }
      if (!this.#stopped) this.#doneByZone.set(timezone, date);
    }
    return written;
  }

  /** All rows of a tenant are written by one statement: a tenant has them all, or none yet. */
  async #write(
    client: ClientBase,
    days: readonly SummaryDay[],
    whose: Whose,
    before: number,
  ): Promise<number> {
    const wanted = days.filter(({ tenant }) => this.#channels.some(({ wants }) => wants(tenant)));
    const [first] = wanted;
    if (first === undefined) return 0;
    const summaries = await readSummaries(client, wanted, whose);
    const rows = summaries
      .filter(({ calls }) => calls > 0)
      .flatMap((summary, at) => this.#rows(summary, (before + at) * SPACING_MS));
    const { rowCount } = await client.query(ENQUEUE, [
      rows.map(({ tenant }) => tenant),
      rows.map(({ channel }) => channel),
      rows.map(({ body }) => body),
      rows.map(({ waitMs }) => waitMs),
      first.date,
    ]);
    return rowCount ?? 0;
  }

  #rows(summary: DailySummary, waitMs: number) {
    const body = JSON.stringify(summary);
    return this.#channels
      .filter(({ wants }) => wants(summary.tenant))
      .map(({ id }) => ({ tenant: summary.tenant, channel: id, body, waitMs }));
  }
}

/** Writes nothing until `start`. */
export function createSummarySchedule(options: SummaryScheduleOptions): SummarySchedule {
  return new Schedule(options);
}
