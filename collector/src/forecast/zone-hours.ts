import { shareOfDay } from './period-forecast.ts';
import { HOUR_SLOTS } from './series-history.ts';
import { sum } from './series-statistics.ts';

/** The hours at which spend comes in each zone, from the series whose hours are known; each counts alike. */
export class ZoneHours {
  readonly #hours = new Map<string, Float64Array>();
  readonly #shares = new Map<string, number>();
  #sharesOfMs = NaN;

  add(timezone: string, hours: Float64Array): void {
    const whole = sum(hours);
    if (whole <= 0) return;
    const zone = this.#hours.get(timezone) ?? new Float64Array(HOUR_SLOTS);
    hours.forEach((usd, slot) => (zone[slot] = (zone[slot] ?? 0) + usd / whole));
    this.#hours.set(timezone, zone);
  }

  /** The part of a day's spend that is over by now; null where no hours of the zone are known. */
  shareAt(timezone: string, nowMs: number): number | null {
    const hours = this.#hours.get(timezone);
    if (hours === undefined) return null;
    // Thousands of budgets ask for the same moment.
    if (nowMs !== this.#sharesOfMs) this.#shares.clear();
    this.#sharesOfMs = nowMs;
    const share = this.#shares.get(timezone) ?? shareOfDay(hours, timezone, nowMs);
    this.#shares.set(timezone, share);
    return share;
  }
}
