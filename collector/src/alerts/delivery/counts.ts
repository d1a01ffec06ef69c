/** How a notification ended. */
export const OUTCOMES = ['sent', 'failed', 'dropped'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** One series of `genai_notifications_total`. */
export interface NotificationCount {
  readonly channel: string;
  readonly outcome: Outcome;
  readonly value: number;
}

/** Counts of this collector since its start; every configured channel has every outcome, from 0. */
export class NotificationCounts {
  readonly #byChannel: ReadonlyMap<string, Record<Outcome, number>>;

  constructor(channels: readonly string[]) {
    this.#byChannel = new Map(channels.map((id) => [id, { sent: 0, failed: 0, dropped: 0 }]));
  }

  add(channel: string, outcome: Outcome, amount = 1): void {
    const counts = this.#byChannel.get(channel);
    if (counts !== undefined) counts[outcome] += amount;
  }

  list(): readonly NotificationCount[] {
    return [...this.#byChannel].flatMap(([channel, counts]) =>
      OUTCOMES.map((outcome) => ({ channel, outcome, value: counts[outcome] })),
    );
  }
}
