import type { z } from 'zod';

export type ComponentKind = 'receiver' | 'processor' | 'exporter' | 'extension';

/** Something with a life: started once, stopped once. `stop` is safe without or after a failed `start`. */
export interface Component {
  start(): Promise<void>;
  /** Finishes what is under way; gives up when `deadline` aborts. */
  stop(deadline: AbortSignal): Promise<void>;
}

/** What a component type is, apart from how it runs: its name in the configuration and its options. */
export interface ComponentType<O = unknown> {
  readonly kind: ComponentKind;
  /** Name in `otel-config.yaml`, lower_snake_case. */
  readonly type: string;
  readonly aliases?: readonly string[];
  /** One sentence for the reference and `spanmeter components`. */
  readonly summary: string;
  /** Strict schema; every option has `.describe()` text and a default, so that `{}` is valid where possible. */
  readonly options: z.ZodType<O>;
}

/** A monotonic counter with a fixed set of labels. */
export interface Counter {
  add(amount: number, labels?: Readonly<Record<string, string>>): void;
}

/** A distribution in seconds or units with a fixed set of labels. */
export interface Histogram {
  observe(value: number, labels?: Readonly<Record<string, string>>): void;
}

/** The collector's own metrics: names as the Go collector's (`otelcol_*`) where it has them. */
export interface SelfMetrics {
  counter(name: string, help: string, labels?: readonly string[]): Counter;
  histogram(name: string, help: string, buckets: readonly number[], labels?: readonly string[]): Histogram;
  /** Read at each scrape; return a number, or one per label set. */
  gauge(
    name: string,
    help: string,
    read: () => number | readonly { labels: Readonly<Record<string, string>>; value: number }[],
    labels?: readonly string[],
  ): void;
}

/** The log interface the components see; messages are sentences, secrets never pass. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What a component gets besides its options. */
export interface Host {
  /** The id in the configuration: `type` or `type/name`. */
  readonly id: string;
  readonly log: Logger;
  readonly metrics: SelfMetrics;
}
