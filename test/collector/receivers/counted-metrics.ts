import type { Counter, Histogram, SelfMetrics } from '@spanmeter/collector/dist/pipeline/component.js';

/** Counters that can be read back. */
export class CountedMetrics implements SelfMetrics {
  readonly #values = new Map<string, number>();
  readonly gauges = new Map<string, () => unknown>();

  counter(name: string): Counter {
    return {
      add: (amount, labels = {}) => {
        const key = `${name}${JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => a.localeCompare(b)))}`;
        this.#values.set(key, (this.#values.get(key) ?? 0) + amount);
      },
    };
  }

  histogram(): Histogram {
    return { observe() {} };
  }

  gauge(name: string, _help: string, read: () => unknown): void {
    this.gauges.set(name, read);
  }

  /** The sum over all label sets that hold these labels. */
  value(name: string, labels: Record<string, string> = {}): number {
    let sum = 0;
    for (const [key, amount] of this.#values) {
      const own = key.startsWith(`${name}[`)
        ? Object.fromEntries(JSON.parse(key.slice(name.length)) as [string, string][])
        : null;
      if (own !== null && Object.entries(labels).every(([label, value]) => own[label] === value))
        sum += amount;
    }
    return sum;
  }
}
