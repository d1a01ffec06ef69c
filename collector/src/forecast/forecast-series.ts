import type { Logger } from '../pipeline/component.ts';
import {
  forecastDays,
  forecastSteps,
  HISTORY_DAYS,
  type DailyForecast,
  type SeriesModel,
} from './daily-forecast.ts';
import { readHistories, type Query, type SeriesHistory, type SeriesKey } from './series-history.ts';
import { ZoneHours } from './zone-hours.ts';

/** A month, and the rest goes by weeks. */
const HORIZON_DAYS = 35;
/** Corrections of older days, and other hours of the day, come in this late at the latest. */
const WHOLE_HISTORY_EVERY_MS = 6 * 3_600_000;
/** Read at every round: today, and yesterday with what came late. */
const RECENT_DAYS = 2;
/** Series read between two turns of others. */
const PAGE = 20;
/** After midnight many series wait for their next fit; the last one is good while it has so many days left. */
const LEAST_DAYS_LEFT = 28;
/** Whole days that changed by less are not worth another fit. */
const WORTH_A_FIT = 0.01;

/** A series with its forecast; today is the first day of the forecast and the last of the history. */
export interface ForecastSeries {
  readonly history: SeriesHistory;
  readonly forecast: DailyForecast;
}

interface Kept {
  readonly key: SeriesKey;
  history: SeriesHistory;
  forecast: DailyForecast;
  readAtMs: number;
  /** Sum of the whole days that the model was fitted to; null: it was not yet. */
  fitted: { readonly today: number; readonly usd: number } | null;
}

export interface SeriesStoreParts {
  readonly query: Query;
  readonly model: SeriesModel;
  readonly log: Logger;
  /** Fits at one round, each of some milliseconds; series beyond wait for the next by run-rate. */
  readonly maxFits: number;
  /** Gives way to others now and then. */
  readonly turn: () => Promise<void>;
}

function today(history: SeriesHistory): number {
  return history.firstDay + history.days.length - 1;
}

function wholeDays(history: SeriesHistory): Float64Array {
  return history.days.subarray(0, -1);
}

function usdOf(days: Float64Array): number {
  return days.reduce((sum, value) => sum + value, 0);
}

/** The kept history with its newest days replaced, or null where the day has changed since. */
function withRecent(kept: SeriesHistory, recent: SeriesHistory): SeriesHistory | null {
  if (today(kept) !== today(recent)) return null;
  const days = Float64Array.from(kept.days);
  days.set(recent.days, days.length - recent.days.length);
  return { ...kept, days };
}

/** A forecast as it is some days later. */
function later(forecast: DailyForecast, days: number): DailyForecast {
  return {
    ...forecast,
    expected: forecast.expected.subarray(days),
    dayBounds: (index) => forecast.dayBounds(index + days),
  };
}

/** The model's forecast of these days or of a few days ago stands until the model was asked again. */
function madeOf(known: Kept | undefined, history: SeriesHistory): Pick<Kept, 'forecast' | 'fitted'> {
  if (known !== undefined && known.fitted !== null) {
    const days = today(history) - today(known.history);
    if (days >= 0 && known.forecast.expected.length - days >= LEAST_DAYS_LEFT) {
      const { forecast, fitted } = known;
      return { forecast: days === 0 ? forecast : later(forecast, days), fitted };
    }
  }
  return { forecast: forecastDays(wholeDays(history), HORIZON_DAYS, null), fitted: null };
}

/** Histories and forecasts of a bounded number of series, in memory. */
export class SeriesStore {
  readonly #parts: SeriesStoreParts;
  #kept = new Map<string, Kept>();

  constructor(parts: SeriesStoreParts) {
    this.#parts = parts;
  }

  get(id: string): ForecastSeries | null {
    return this.#kept.get(id) ?? null;
  }

  /** The hours of the followed series by zone, for those that are not followed. */
  zoneHours(): ZoneHours {
    const zones = new ZoneHours();
    for (const { key, history } of this.#kept.values()) zones.add(key.timezone, history.hours);
    return zones;
  }

  /** Follows these series and no others, the dearest first. Where the database is away, the last figures stand. */
  async follow(keys: ReadonlyMap<string, SeriesKey>, nowMs: number): Promise<void> {
    const kept = new Map<string, Kept>();
    for (const id of keys.keys()) {
      const known = this.#kept.get(id);
      if (known !== undefined) kept.set(id, known);
    }
    this.#kept = kept;
    const stale = (id: string): boolean =>
      nowMs - (kept.get(id)?.readAtMs ?? -Infinity) > WHOLE_HISTORY_EVERY_MS;
    const changed = await this.#readRecent(
      [...keys].filter(([id]) => !stale(id)),
      nowMs,
    );
    await this.#readWhole([...[...keys].filter(([id]) => stale(id)), ...changed], nowMs);
    await this.#fit(keys.keys());
  }

  async #readWhole(wanted: readonly (readonly [string, SeriesKey])[], nowMs: number): Promise<void> {
    for (let from = 0; from < wanted.length; from += PAGE) {
      const page = wanted.slice(from, from + PAGE);
      const histories = await this.#read(page, nowMs, HISTORY_DAYS + 1);
      for (const [index, [id, key]] of page.entries()) {
        const history = histories[index];
        if (history === undefined) continue;
        this.#kept.set(id, { key, history, readAtMs: nowMs, ...madeOf(this.#kept.get(id), history) });
        await this.#parts.turn();
      }
    }
  }

  async #readRecent(
    wanted: readonly (readonly [string, SeriesKey])[],
    nowMs: number,
  ): Promise<(readonly [string, SeriesKey])[]> {
    const changed: (readonly [string, SeriesKey])[] = [];
    for (let from = 0; from < wanted.length; from += PAGE) {
      const page = wanted.slice(from, from + PAGE);
      const histories = await this.#read(page, nowMs, RECENT_DAYS);
      for (const [index, one] of page.entries()) {
        const [recent, known] = [histories[index], this.#kept.get(one[0])];
        if (recent === undefined || known === undefined) continue;
        const merged = withRecent(known.history, recent);
        if (merged === null) changed.push(one);
        else known.history = merged;
      }
      await this.#parts.turn();
    }
    return changed;
  }

  async #read(
    page: readonly (readonly [string, SeriesKey])[],
    nowMs: number,
    days: number,
  ): Promise<readonly SeriesHistory[]> {
    const keys = page.map(([, key]) => key);
    try {
      return await readHistories(this.#parts.query, keys, nowMs, days);
    } catch (error) {
      this.#parts.log.debug({ err: error }, 'the history for forecasts could not be read');
      return [];
    }
  }

  async #fit(ids: Iterable<string>): Promise<void> {
    let fits = 0;
    for (const id of ids) {
      const kept = this.#kept.get(id);
      if (kept === undefined) continue;
      const days = wholeDays(kept.history);
      const fitted = { today: today(kept.history), usd: usdOf(days) };
      const same =
        kept.fitted?.today === fitted.today &&
        Math.abs(kept.fitted.usd - fitted.usd) <= WORTH_A_FIT * Math.abs(fitted.usd);
      if (same) continue;
      if (fits >= this.#parts.maxFits) return;
      const steps = forecastSteps(days, HORIZON_DAYS, this.#parts.model);
      for (;;) {
        const step = steps.next();
        fits += 1;
        await this.#parts.turn();
        if (step.done !== true) continue;
        kept.forecast = step.value;
        kept.fitted = fitted;
        break;
      }
    }
  }
}
