import type { BudgetState } from '../budgets/budget.ts';
import type { Logger } from '../pipeline/component.ts';
import type { SeriesModel } from './daily-forecast.ts';
import { SeriesStore } from './forecast-series.ts';
import { hasWholeDays } from './first-day.ts';
import type { BudgetForecast, BudgetForecasts } from './forecast.ts';
import { restByDays, restByRunRate, type PeriodQuestion, type RestOfPeriod } from './period-forecast.ts';
import { hasHistory, type Query, type SeriesKey } from './series-history.ts';
import { createTurns } from './turns.ts';
import { dayAt } from './zone-days.ts';
import { ZoneHours } from './zone-hours.ts';

const EVERY_MS = 300_000;
/** While nothing is forecast yet, the budgets may only just have been read. */
const FIRST_EVERY_MS = 5_000;
/** The dearest series are forecast from their history, the others from their period alone. */
const MAX_SERIES = 500;
/** Under two seconds of fits at one round, half of the time left to others. */
const MAX_FITS = 400;
const PAUSE_MS = 8;
const PICO_PER_USD = 1e12;

/** Forecasts that are made anew every five minutes. */
export interface RunningForecasts extends BudgetForecasts {
  start(): void;
  stop(): void;
  /** One round at once, for whoever cannot wait for the next. */
  round(): Promise<void>;
}

export interface BudgetForecastParts {
  /** Statements on the tables' owner's connections. */
  readonly query: Query;
  /** Every budget as it stands now. */
  readonly states: () => readonly BudgetState[];
  readonly model: SeriesModel;
  readonly log: Logger;
  readonly now?: () => number;
  readonly everyMs?: number;
  readonly maxSeries?: number;
  readonly maxFits?: number;
}

/** What is kept of a forecast: what is to come, so that what is spent meanwhile is not lost. */
interface Made {
  readonly rest: RestOfPeriod;
  readonly spentPicoUsd: bigint;
}

/** What a budget's last period came to, and the present one, to see it end. */
interface Seen {
  readonly startMs: number;
  readonly spent: number;
  readonly previous: number | null;
}

/** Floats end here: whole 1e-12 USD, never negative. */
export function picoOf(usd: number): bigint {
  return Number.isFinite(usd) && usd > 0 ? BigInt(Math.round(usd * PICO_PER_USD)) : 0n;
}

function usdOf(pico: bigint): number {
  return Number(pico) / PICO_PER_USD;
}

/** The budget of one tenant, whatever its period; ids have no NUL. */
function budgetOf({ budget, tenantId }: BudgetState): string {
  return `${budget.tenantId}\0${budget.id}\0${tenantId}`;
}

function keyOf(state: BudgetState): SeriesKey {
  const { tenantId, scope, budget, timezone } = state;
  return { tenantId, scope, scopeValue: scope === 'tenant' ? null : budget.scopeValue, timezone };
}

function idOf({ tenantId, scope, scopeValue, timezone }: SeriesKey): string {
  return `${tenantId}\0${scope}\0${scopeValue ?? ''}\0${timezone}`;
}

/** What a budget spent in this period and the last: at midnight nobody has spent anything yet. */
function weightOf(state: BudgetState, seen: Seen | undefined): number {
  const before =
    seen === undefined ? 0 : seen.startMs < state.bounds.startMs ? seen.spent : (seen.previous ?? 0);
  return usdOf(state.spentPicoUsd) + before;
}

/** The series of the budgets that spent most, in that order. */
function dearest(
  states: readonly BudgetState[],
  seen: ReadonlyMap<string, Seen>,
  maxSeries: number,
): Map<string, SeriesKey> {
  const known = states
    .filter((state) => hasHistory(state.scope))
    .map((state) => ({ state, weight: weightOf(state, seen.get(budgetOf(state))) }))
    .toSorted((one, two) => two.weight - one.weight);
  const series = new Map<string, SeriesKey>();
  for (const { state } of known) {
    if (series.size >= maxSeries) break;
    const key = keyOf(state);
    series.set(idOf(key), key);
  }
  return series;
}

class Forecasts implements RunningForecasts {
  readonly #parts: BudgetForecastParts;
  readonly #now: () => number;
  readonly #series: SeriesStore;
  readonly #turn = createTurns(PAUSE_MS);
  #made = new Map<string, Made>();
  #seen = new Map<string, Seen>();
  #zoneHours = new ZoneHours();
  #running: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(parts: BudgetForecastParts) {
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
    const { query, model, log, maxFits = MAX_FITS } = parts;
    this.#series = new SeriesStore({ query, model, log, maxFits, turn: this.#turn });
  }

  start(): void {
    void this.#run();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  of(state: BudgetState): BudgetForecast | null {
    const made = this.#made.get(`${budgetOf(state)}\0${state.bounds.startMs}`);
    if (made === undefined) return null;
    const { rest, spentPicoUsd } = made;
    const least = state.spentPicoUsd;
    const atLeast = (pico: bigint): bigint => (pico > least ? pico : least);
    const exhausted = state.spentPicoUsd >= state.budget.limitPicoUsd;
    const now = this.#now();
    return {
      expectedPicoUsd: atLeast(spentPicoUsd + picoOf(rest.expected)),
      lowPicoUsd: atLeast(spentPicoUsd + picoOf(rest.low)),
      highPicoUsd: atLeast(spentPicoUsd + picoOf(rest.high)),
      exhaustedAtMs: exhausted ? Math.min(rest.exhaustedAtMs ?? now, now) : rest.exhaustedAtMs,
      method: rest.method,
    };
  }

  round(): Promise<void> {
    this.#running ??= this.#forecastAll().finally(() => (this.#running = null));
    return this.#running;
  }

  async #run(): Promise<void> {
    try {
      await this.round();
    } catch (error) {
      this.#parts.log.warn({ err: error }, 'budgets could not be forecast; the last forecasts stand');
    }
    const { everyMs = EVERY_MS } = this.#parts;
    const waitMs = this.#made.size === 0 ? Math.min(FIRST_EVERY_MS, everyMs) : everyMs;
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#run(), waitMs);
  }

  async #forecastAll(): Promise<void> {
    const states = this.#parts.states();
    const nowMs = this.#now();
    // From what the periods show first: histories take a while where there are many.
    if (this.#made.size === 0) await this.#forecastEach(states, nowMs);
    await this.#series.follow(dearest(states, this.#seen, this.#parts.maxSeries ?? MAX_SERIES), nowMs);
    this.#zoneHours = this.#series.zoneHours();
    // Read again, since what was spent meanwhile belongs to what is spent and not to what is to come.
    await this.#forecastEach(this.#parts.states(), this.#now());
  }

  async #forecastEach(states: readonly BudgetState[], nowMs: number): Promise<void> {
    const made = new Map<string, Made>();
    const seen = new Map<string, Seen>();
    for (const state of states) {
      const budget = budgetOf(state);
      const sight = this.#look(this.#seen.get(budget), state);
      seen.set(budget, sight);
      const rest = this.#restOf(state, sight.previous, nowMs);
      const id = `${budget}\0${state.bounds.startMs}`;
      if (rest !== null)
        made.set(id, { rest: this.#steady(id, rest, nowMs), spentPicoUsd: state.spentPicoUsd });
      await this.#turn();
    }
    this.#made = made;
    this.#seen = seen;
  }

  /** When a limit was passed is an estimate; the first one stands, so that it does not wander. */
  #steady(id: string, rest: RestOfPeriod, nowMs: number): RestOfPeriod {
    const before = this.#made.get(id)?.rest.exhaustedAtMs ?? null;
    const isPast = rest.exhaustedAtMs !== null && rest.exhaustedAtMs <= nowMs;
    return isPast && before !== null && before <= nowMs ? { ...rest, exhaustedAtMs: before } : rest;
  }

  #look(before: Seen | undefined, { bounds, spentPicoUsd }: BudgetState): Seen {
    const spent = usdOf(spentPicoUsd);
    const { startMs } = bounds;
    if (before === undefined) return { startMs, spent, previous: null };
    return { startMs, spent, previous: before.startMs < startMs ? before.spent : before.previous };
  }

  #restOf(state: BudgetState, previous: number | null, nowMs: number): RestOfPeriod | null {
    const { bounds, timezone } = state;
    const question: PeriodQuestion = {
      bounds,
      timezone,
      nowMs: Math.min(Math.max(nowMs, bounds.startMs), bounds.endMs),
      spent: usdOf(state.spentPicoUsd),
      limit: usdOf(state.budget.limitPicoUsd),
    };
    if (nowMs >= bounds.startMs && nowMs < bounds.endMs) {
      const series = this.#series.get(idOf(keyOf(state)));
      // A forecast of an earlier day would count its days wrongly.
      const lastDay = series === null ? -1 : series.history.firstDay + series.history.days.length - 1;
      if (series !== null && lastDay === dayAt(timezone, nowMs) && hasWholeDays(series.history)) {
        const isDay = state.budget.period === 'day';
        const spent = isDay ? question.spent : (series.history.days.at(-1) ?? 0);
        return restByDays(question, series.forecast, { spent, hours: series.history.hours });
      }
    }
    return restByRunRate(question, previous, this.#zoneHours.shareAt(timezone, question.nowMs));
  }
}

/** Forecasts budgets from memory: the dearest by the model of their history, the others by run-rate. */
export function createBudgetForecasts(parts: BudgetForecastParts): RunningForecasts {
  return new Forecasts(parts);
}
