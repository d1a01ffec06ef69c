/** What a reader has to know of a panel's figures. */
export interface PanelText {
  /** What it shows, in sentences. */
  readonly shows: string;
  /** `ledger` is exact and in PostgreSQL, `metrics` are rates in Prometheus. */
  readonly from: 'ledger' | 'metrics';
  /** `event`: when calls began; `ingest`: when they were committed; `now`: as it stands, whatever the range. */
  readonly time: 'event' | 'ingest' | 'now';
  /** Whether estimates are in it; exact where absent. */
  readonly estimate?: string;
  /** What it means when nothing is shown, without a stop. */
  readonly empty: string;
}

const SOURCES = {
  ledger: 'Source: ledger (PostgreSQL), corrections included.',
  metrics: 'Source: metrics (Prometheus).',
};

const TIMES = {
  event: 'Time: when calls began.',
  ingest: 'Time: when the collector counted it.',
  now: 'Time: as it stands now, whatever the range.',
};

/** The description of a panel: what, from where, by which time, how exact, and what empty means. */
export function describePanel({ shows, from, time, estimate, empty }: PanelText): string {
  const exactness = estimate ?? (from === 'ledger' ? 'Exact.' : 'For trends: exact sums are in the ledger.');
  return `${shows}\n\n${SOURCES[from]} ${TIMES[time]} ${exactness}\n\nEmpty: ${empty}.`;
}
