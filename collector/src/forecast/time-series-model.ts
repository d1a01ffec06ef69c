import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { initSync, MSTL } from '@bsull/augurs/mstl';
import type { Logger } from '../pipeline/component.ts';
import type { SeriesModel } from './daily-forecast.ts';

const DAYS_PER_WEEK = 7;

/** The WebAssembly lies beside the glue; given as bytes, nothing is fetched and nothing waits. */
function loadLibrary(): void {
  const glue = createRequire(import.meta.url).resolve('@bsull/augurs/mstl');
  initSync({ module: readFileSync(join(dirname(glue), 'mstl_bg.wasm')) });
}

/**
 * The library's model: weekly season by MSTL, trend by exponential smoothing. About 3 ms for 120 days. Answers null
 * where a series cannot be fitted, and for good after a trap, since WebAssembly that trapped may hold anything; the
 * first failure is logged.
 */
export function createTimeSeriesModel(
  log: Pick<Logger, 'warn'>,
  load: () => void = loadLibrary,
): SeriesModel {
  let state: 'unloaded' | 'ready' | 'broken' = 'unloaded';

  function broken(error: unknown): null {
    if (state !== 'broken') log.warn({ err: error }, 'the forecast library failed: forecasts go by run-rate');
    state = 'broken';
    return null;
  }

  return (values, horizon) => {
    try {
      if (state === 'unloaded') {
        load();
        state = 'ready';
      }
      if (state === 'broken') return null;
      const model = MSTL.ets(new Uint32Array([DAYS_PER_WEEK]));
      try {
        model.fit(values);
        const { point } = model.predict(horizon);
        return point.length === horizon && point.every(Number.isFinite) ? Float64Array.from(point) : null;
      } finally {
        model.free();
      }
    } catch (error) {
      // What the library throws itself, a text, is about the series: too short, or nothing fits.
      const isTrap = error instanceof Error && error.name === 'RuntimeError';
      return state === 'ready' && !isTrap ? null : broken(error);
    }
  };
}
