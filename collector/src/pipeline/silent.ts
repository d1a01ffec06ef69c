import type { Logger, SelfMetrics } from './component.ts';

/** A logger that says nothing: for embedding and for tests. */
export const SILENT_LOG: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** Metrics that go nowhere: for embedding and for tests. */
export const SILENT_METRICS: SelfMetrics = {
  counter: () => ({ add() {} }),
  histogram: () => ({ observe() {} }),
  gauge() {},
};
