import type { PanelText } from '../description.ts';

/** Of a panel that reads the ledger. */
export function ledger(shows: string, empty: string, time: PanelText['time'] = 'event'): PanelText {
  return { shows, from: 'ledger', time, empty };
}

/** Of a panel that reads the metrics. */
export function metrics(shows: string, empty: string, time: PanelText['time'] = 'ingest'): PanelText {
  return { shows, from: 'metrics', time, empty };
}
