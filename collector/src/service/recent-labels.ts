import type { Pool } from 'pg';
import type { SeedLabels } from '../exporters/prometheus.ts';

/** More label sets than this start without a 0; the busiest come first. */
const MAX_LABEL_SETS = 2_000;

const RECENT = `
  SELECT tenant_id AS tenant, provider, model, operation, service_name, coalesce(environment, '') AS environment,
         coalesce(team, '') AS team, coalesce(feature, '') AS feature
  FROM spanmeter.spend_rollup
  WHERE bucket_start > now() - interval '2 days' AND cost_status <> 'duplicate'
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
  ORDER BY sum(calls) DESC
  LIMIT ${MAX_LABEL_SETS}`;

/**
 * Label sets of the last two days, so that their counters can start at 0 after a restart: Prometheus sees an
 * increase only from a value that it has seen.
 */
export async function recentLabels(pool: Pool): Promise<readonly SeedLabels[]> {
  return (await pool.query<SeedLabels>(RECENT)).rows;
}
