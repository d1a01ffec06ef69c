-- Up Migration

-- The whole amounts before and after, so that the newest correction of a call alone tells what it costs.
ALTER TABLE spanmeter.cost_adjustments
  ADD COLUMN old_cost_usd numeric(38, 12),
  ADD COLUMN new_cost_usd numeric(38, 12);
COMMENT ON COLUMN spanmeter.cost_adjustments.new_cost_usd IS
  'NULL where new_status has no amount, and where a correction was written by its delta alone.';
CREATE INDEX cost_adjustments_newest ON spanmeter.cost_adjustments (created_at, id);

-- Joined to the newest correction of each call instead of to the sum of all: for one call an index finds it,
-- and for many the planner may hash both sides. Columns are named, since `*` would follow later columns of
-- calls into the middle of the view, where PostgreSQL takes none.
CREATE OR REPLACE VIEW spanmeter.calls_effective WITH (security_invoker = true) AS
SELECT
  c.tenant_id, c.started_at, c.trace_id, c.span_id, c.parent_span_id, c.received_at, c.duration_ms, c.ttft_ms,
  c.operation, c.provider, c.model, c.request_model, c.response_model, c.response_id, c.streaming,
  c.finish_reasons, c.service_name, c.environment, c.team, c.user_id, c.session_id, c.conversation_id,
  c.feature, c.agent_name, c.key_id, c.input_tokens, c.cache_read_tokens, c.cache_write_tokens,
  c.output_tokens, c.reasoning_tokens, c.usage, c.usage_source, c.conditions, c.cost_usd,
  c.reported_cost_usd, c.reported_cost_source, c.cost_status, c.price_version, c.duplicate_of, c.time_source,
  c.sampling_ratio, c.error_type, c.dialect, c.scope_name, c.scope_version, c.attribution, c.attributes,
  CASE
    WHEN a.id IS NULL THEN c.cost_usd::numeric
    WHEN a.new_status IN ('priced', 'reported') THEN coalesce(
      a.new_cost_usd,
      coalesce(c.cost_usd, 0) + (
        SELECT sum(s.delta_usd) FROM spanmeter.cost_adjustments s
        WHERE s.tenant_id = c.tenant_id AND s.trace_id = c.trace_id AND s.span_id = c.span_id
          AND s.started_at = c.started_at
      )
    )
  END AS effective_cost_usd,
  CASE WHEN a.id IS NULL THEN c.cost_status ELSE a.new_status END AS effective_status,
  CASE WHEN a.id IS NULL THEN c.price_version ELSE a.new_price_version END AS effective_price_version
FROM spanmeter.calls c
LEFT JOIN (
  SELECT n.tenant_id, n.trace_id, n.span_id, n.started_at, n.id, n.new_status, n.new_price_version, n.new_cost_usd
  FROM spanmeter.cost_adjustments n
  WHERE NOT EXISTS (
    SELECT FROM spanmeter.cost_adjustments m
    WHERE m.tenant_id = n.tenant_id AND m.trace_id = n.trace_id AND m.span_id = n.span_id
      AND m.started_at = n.started_at AND m.id > n.id
  )
) a ON a.tenant_id = c.tenant_id
  AND a.trace_id = c.trace_id
  AND a.span_id = c.span_id
  AND a.started_at = c.started_at;

-- One row per `spanmeter reprice`: what it was asked, how far it came. Its progress moves in the transactions
-- that write its corrections, so that a run which was interrupted is continued by the same command.
CREATE TABLE spanmeter.reprice_runs (
  id uuid PRIMARY KEY,
  range_from timestamptz NOT NULL,
  range_to timestamptz NOT NULL,
  only_tenant text,
  only_model text,
  reason text NOT NULL,
  actor text NOT NULL,
  book_version text NOT NULL,
  pricing_digest text NOT NULL,
  state text NOT NULL DEFAULT 'running',
  last_done jsonb,
  calls_looked_at bigint NOT NULL DEFAULT 0,
  calls_changed bigint NOT NULL DEFAULT 0,
  calls_newly_priced bigint NOT NULL DEFAULT 0,
  calls_no_longer_priced bigint NOT NULL DEFAULT 0,
  increase_usd numeric(60, 12) NOT NULL DEFAULT 0,
  decrease_usd numeric(60, 12) NOT NULL DEFAULT 0,
  started_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  CONSTRAINT reprice_runs_state_known CHECK (state IN ('running', 'finished', 'abandoned')),
  CONSTRAINT reprice_runs_range CHECK (range_from < range_to)
) WITH (fillfactor = 50);
COMMENT ON COLUMN spanmeter.reprice_runs.pricing_digest IS
  'Names every book and every option that decides an amount: a run continues only with the same ones.';
COMMENT ON COLUMN spanmeter.reprice_runs.state IS
  'running: under way, or interrupted; abandoned: interrupted, and a run with other prices began since.';
COMMENT ON COLUMN spanmeter.reprice_runs.last_done IS 'The last call that was looked at; NULL before the first.';

-- Amounts by which corrections moved committed costs, by the labels of the metric; they only grow. '' is no
-- value, as in the labels.
CREATE TABLE spanmeter.cost_correction_totals (
  tenant_id text NOT NULL,
  id bigint GENERATED ALWAYS AS IDENTITY,
  dimensions_hash bytea NOT NULL,
  direction text NOT NULL,
  provider text NOT NULL,
  model text NOT NULL,
  operation text NOT NULL,
  service_name text NOT NULL,
  environment text NOT NULL,
  team text NOT NULL,
  feature text NOT NULL,
  amount_usd numeric(60, 12) NOT NULL,
  PRIMARY KEY (tenant_id, dimensions_hash, direction),
  CONSTRAINT cost_correction_totals_direction_known CHECK (direction IN ('up', 'down')),
  CONSTRAINT cost_correction_totals_amount_positive CHECK (amount_usd > 0)
) WITH (fillfactor = 70);
CREATE INDEX cost_correction_totals_id ON spanmeter.cost_correction_totals (id);

-- When a run corrected a tenant's calls on a UTC day. Its rollups are rows of their own (journal_id is the run),
-- so that spend as it stood before or after the run needs none of its corrections.
CREATE TABLE spanmeter.correction_times (
  tenant_id text NOT NULL,
  run_id uuid NOT NULL,
  recorded_on date NOT NULL,
  first_at timestamptz NOT NULL,
  last_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, run_id, recorded_on)
) WITH (fillfactor = 70);

GRANT SELECT ON spanmeter.correction_times TO spanmeter_reader, spanmeter_member, spanmeter_grafana;
ALTER TABLE spanmeter.correction_times ENABLE ROW LEVEL SECURITY;
CREATE POLICY reader ON spanmeter.correction_times FOR SELECT TO spanmeter_reader
  USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), ''));
CREATE POLICY member ON spanmeter.correction_times FOR SELECT TO spanmeter_member
  USING (tenant_id = ANY (ARRAY(SELECT r.tenant_id FROM spanmeter.tenant_roles r)));
CREATE POLICY grafana ON spanmeter.correction_times FOR SELECT TO spanmeter_grafana USING (true);

GRANT SELECT ON spanmeter.reprice_runs TO spanmeter_grafana;
GRANT SELECT ON spanmeter.cost_correction_totals TO spanmeter_reader, spanmeter_member, spanmeter_grafana;
ALTER TABLE spanmeter.cost_correction_totals ENABLE ROW LEVEL SECURITY;
CREATE POLICY reader ON spanmeter.cost_correction_totals FOR SELECT TO spanmeter_reader
  USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), ''));
CREATE POLICY member ON spanmeter.cost_correction_totals FOR SELECT TO spanmeter_member
  USING (tenant_id = ANY (ARRAY(SELECT r.tenant_id FROM spanmeter.tenant_roles r)));
CREATE POLICY grafana ON spanmeter.cost_correction_totals FOR SELECT TO spanmeter_grafana USING (true);

-- Down Migration

DROP TABLE spanmeter.correction_times;
DROP TABLE spanmeter.cost_correction_totals;
DROP TABLE spanmeter.reprice_runs;
CREATE OR REPLACE VIEW spanmeter.calls_effective WITH (security_invoker = true) AS
SELECT
  c.tenant_id, c.started_at, c.trace_id, c.span_id, c.parent_span_id, c.received_at, c.duration_ms, c.ttft_ms,
  c.operation, c.provider, c.model, c.request_model, c.response_model, c.response_id, c.streaming,
  c.finish_reasons, c.service_name, c.environment, c.team, c.user_id, c.session_id, c.conversation_id,
  c.feature, c.agent_name, c.key_id, c.input_tokens, c.cache_read_tokens, c.cache_write_tokens,
  c.output_tokens, c.reasoning_tokens, c.usage, c.usage_source, c.conditions, c.cost_usd,
  c.reported_cost_usd, c.reported_cost_source, c.cost_status, c.price_version, c.duplicate_of, c.time_source,
  c.sampling_ratio, c.error_type, c.dialect, c.scope_name, c.scope_version, c.attribution, c.attributes,
  CASE
    WHEN coalesce(a.new_status, c.cost_status) IN ('priced', 'reported')
      THEN coalesce(c.cost_usd, 0) + coalesce(a.delta_usd, 0)
  END AS effective_cost_usd,
  coalesce(a.new_status, c.cost_status) AS effective_status,
  CASE WHEN a.new_status IS NULL THEN c.price_version ELSE a.new_price_version END AS effective_price_version
FROM spanmeter.calls c
LEFT JOIN (
  SELECT
    tenant_id,
    trace_id,
    span_id,
    started_at,
    sum(delta_usd) AS delta_usd,
    (array_agg(new_status ORDER BY id DESC))[1] AS new_status,
    (array_agg(new_price_version ORDER BY id DESC))[1] AS new_price_version
  FROM spanmeter.cost_adjustments
  GROUP BY tenant_id, trace_id, span_id, started_at
) a ON a.tenant_id = c.tenant_id
  AND a.trace_id = c.trace_id
  AND a.span_id = c.span_id
  AND a.started_at = c.started_at;
DROP INDEX spanmeter.cost_adjustments_newest;
ALTER TABLE spanmeter.cost_adjustments DROP COLUMN old_cost_usd, DROP COLUMN new_cost_usd;
