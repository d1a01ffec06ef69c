import type { PanelText } from '../description.ts';
import { matching } from '../promql.ts';
import type { Matcher } from '../promql.ts';

/** What an empty panel of the collector's own metrics means. */
export const NOT_SCRAPED = 'Prometheus does not scrape the collector';
/** The jobs of our scrape file: the GenAI metrics and the collector's own. */
export const JOBS: Matcher = matching('spanmeter|spanmeter-collector');

/** Of a panel that reads the collector's own metrics. */
export function own(
  shows: string,
  empty: string = NOT_SCRAPED,
  time: PanelText['time'] = 'ingest',
): PanelText {
  return { shows, from: 'metrics', time, estimate: "The collector's own counts.", empty };
}
