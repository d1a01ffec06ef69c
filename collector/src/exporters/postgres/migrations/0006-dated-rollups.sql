-- Up Migration

-- The UTC day on which a sum came to be: on which its calls were received, or a correction was made. So spend
-- as it stood at an earlier instant is the sum of the days before it, long after the calls themselves are gone.
-- Estimates are counted apart, so that no report mixes them with what senders reported.
ALTER TABLE spanmeter.spend_rollup
  ADD COLUMN recorded_on date,
  ADD COLUMN estimated_calls bigint NOT NULL DEFAULT 0,
  ADD COLUMN estimated_cost_usd numeric(60, 12) NOT NULL DEFAULT 0;
UPDATE spanmeter.spend_rollup SET recorded_on = (bucket_start AT TIME ZONE 'UTC')::date;
ALTER TABLE spanmeter.spend_rollup
  ALTER COLUMN recorded_on SET DEFAULT (now() AT TIME ZONE 'UTC')::date,
  ALTER COLUMN recorded_on SET NOT NULL;
COMMENT ON COLUMN spanmeter.spend_rollup.recorded_on IS
  'UTC day on which the calls were received, or the correction was made. Part of dimensions_hash.';
COMMENT ON COLUMN spanmeter.spend_rollup.estimated_cost_usd IS
  'The part of cost_usd whose token counts are estimates.';

-- Rows lie in the order in which they were received, so that a few pages tell what came after an instant.
CREATE INDEX calls_received ON spanmeter.calls USING brin (received_at) WITH (pages_per_range = 32);

-- Down Migration

DROP INDEX spanmeter.calls_received;
ALTER TABLE spanmeter.spend_rollup
  DROP COLUMN recorded_on,
  DROP COLUMN estimated_calls,
  DROP COLUMN estimated_cost_usd;
