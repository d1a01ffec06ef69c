import { formatPico } from '@spanmeter/processors';
import type { SpendAnomaly } from '../anomalies/anomaly.ts';
import { oneLine, type Occurrence } from './occurrence.ts';
import { usdText } from './usd-text.ts';

const HOUR_MS = 3_600_000;
const MAX_NAME_BYTES = 256;

/** An anomaly as an alert. It stands until the hour after its own has passed, since one is found when its hour ends. */
export function anomalyOccurrence(anomaly: SpendAnomaly): Occurrence {
  const { tenantId, model, serviceName, hourStartMs, spentPicoUsd, expectedPicoUsd, excessPicoUsd } = anomaly;
  const hour = new Date(hourStartMs).toISOString();
  const amounts = `${usdText(spentPicoUsd)} in the hour from ${hour.slice(0, 16).replace('T', ' ')} UTC`;
  const where = `${oneLine(model, MAX_NAME_BYTES)} by ${oneLine(serviceName, MAX_NAME_BYTES)}`;
  return {
    tenantId,
    kind: 'spend_anomaly',
    subject: `${model}/${serviceName}`,
    occasion: hour,
    severity: 'warning',
    summary: `Unusual spend on ${where}: ${amounts}, ${usdText(expectedPicoUsd)} expected`,
    detail: {
      model,
      service_name: serviceName,
      hour_start: hour,
      spent_usd: formatPico(spentPicoUsd),
      expected_usd: formatPico(expectedPicoUsd),
      excess_usd: formatPico(excessPicoUsd),
    },
    endsAtMs: hourStartMs + 2 * HOUR_MS,
    series: null,
  };
}
