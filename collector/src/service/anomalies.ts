import type { Pool } from 'pg';
import type { AnomalyOptions } from '../anomalies/options.ts';
import { createAnomalyWatch, type AnomalyWatch } from '../anomalies/watch.ts';
import type { Logger } from '../pipeline/component.ts';

/** The watch over the collector's own pool. Started by the caller. */
export function openAnomalies(pool: Pick<Pool, 'query'>, options: AnomalyOptions, log: Logger): AnomalyWatch {
  return createAnomalyWatch({
    client: { query: (text, values) => pool.query(text, values) },
    options,
    log,
  });
}
