import type { Logger } from '../pipeline/component.ts';
import type { AnomalySource, SpendAnomaly } from './anomaly.ts';
import { detectAnomalies, type Queryable } from './detect.ts';
import type { AnomalyOptions } from './options.ts';

const EVERY_MS = 60_000;

/** Looks for anomalies every minute and remembers those that there are. */
export interface AnomalyWatch extends AnomalySource {
  /** Those found last; of a series with two, the greater. Empty while the database cannot be asked. */
  current(): readonly SpendAnomaly[];
  start(): void;
  stop(): void;
  /** One look at once. */
  look(): Promise<void>;
}

export interface AnomalyWatchParts {
  readonly client: Queryable;
  readonly options: AnomalyOptions;
  readonly log: Logger;
  readonly now?: () => Date;
  readonly everyMs?: number;
}

function seriesOf({ tenantId, model, serviceName }: SpendAnomaly): string {
  return `${tenantId}\0${model}\0${serviceName}`;
}

/** They come with the greatest excess first. */
function onePerSeries(found: readonly SpendAnomaly[]): readonly SpendAnomaly[] {
  const greatest = new Map<string, SpendAnomaly>();
  for (const anomaly of found) {
    const series = seriesOf(anomaly);
    if (!greatest.has(series)) greatest.set(series, anomaly);
  }
  return [...greatest.values()];
}

/** Makes the watch; it does nothing before `start`, and nothing at all where the options say so. */
export function createAnomalyWatch(parts: AnomalyWatchParts): AnomalyWatch {
  const { client, options, log, now = () => new Date(), everyMs = EVERY_MS } = parts;
  const listeners = new Set<(anomaly: SpendAnomaly) => void>();
  /** What was told of the hours that are still looked at. */
  let told = new Map<string, bigint>();
  let current: readonly SpendAnomaly[] = [];
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  function tell(found: readonly SpendAnomaly[]): void {
    const next = new Map<string, bigint>();
    for (const anomaly of found) {
      const occasion = `${seriesOf(anomaly)}\0${anomaly.hourStartMs}`;
      next.set(occasion, anomaly.spentPicoUsd);
      if (told.get(occasion) === anomaly.spentPicoUsd) continue;
      for (const listener of listeners) listener(anomaly);
    }
    told = next;
  }

  async function look(): Promise<void> {
    try {
      const found = await detectAnomalies(client, now(), options);
      current = onePerSeries(found);
      tell(found);
    } catch (error) {
      // An hour that nobody can look at any more is not shown as if it were the last.
      current = [];
      log.debug({ err: error }, 'anomalies could not be looked for');
    }
  }

  async function run(): Promise<void> {
    await look();
    if (!stopped) timer = setTimeout(() => void run(), everyMs);
  }

  return {
    current: () => current,
    onAnomaly(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    look,
    start() {
      if (options.enabled) void run();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
