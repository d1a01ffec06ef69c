-- Up Migration

-- One row per GenAI span. Rows are inserted once and never updated; corrections are in cost_adjustments.
-- Partitioned by UTC day, without a DEFAULT partition: DETACH CONCURRENTLY does not work beside one.
CREATE TABLE spanmeter.calls (
  tenant_id text NOT NULL,
  started_at timestamptz NOT NULL,
  trace_id text NOT NULL,
  span_id text NOT NULL,
  parent_span_id text,
  received_at timestamptz NOT NULL,
  duration_ms numeric(18, 6),
  ttft_ms numeric(18, 6),
  operation text NOT NULL,
  provider text NOT NULL,
  model text NOT NULL,
  request_model text,
  response_model text,
  response_id text,
  streaming boolean,
  finish_reasons text[],
  service_name text NOT NULL,
  environment text,
  team text,
  user_id text,
  session_id text,
  conversation_id text,
  feature text,
  agent_name text,
  key_id text,
  input_tokens bigint,
  cache_read_tokens bigint,
  cache_write_tokens bigint,
  output_tokens bigint,
  reasoning_tokens bigint,
  usage jsonb,
  usage_source text NOT NULL,
  conditions jsonb,
  cost_usd numeric(38, 12),
  reported_cost_usd numeric(38, 12),
  reported_cost_source text,
  cost_status text NOT NULL,
  price_version text,
  duplicate_of text,
  time_source text NOT NULL,
  sampling_ratio double precision,
  error_type text,
  dialect text NOT NULL,
  scope_name text,
  scope_version text,
  attribution jsonb,
  attributes jsonb,
  CONSTRAINT calls_cost_only_where_known
    CHECK ((cost_usd IS NOT NULL) = (cost_status IN ('priced', 'reported'))),
  PRIMARY KEY (tenant_id, trace_id, span_id, started_at)
) PARTITION BY RANGE (started_at);
CREATE INDEX calls_tenant_started ON spanmeter.calls (tenant_id, started_at);

COMMENT ON TABLE spanmeter.calls IS
  'One row per GenAI span, as it was when it was stored. Read calls_effective for current cost.';
COMMENT ON COLUMN spanmeter.calls.input_tokens IS 'Includes cached tokens; NULL is unknown.';
COMMENT ON COLUMN spanmeter.calls.output_tokens IS 'Includes reasoning tokens; NULL is unknown.';
COMMENT ON COLUMN spanmeter.calls.usage IS 'Disjoint buckets with counts as strings.';
COMMENT ON COLUMN spanmeter.calls.cost_usd IS 'NULL unless cost_status is priced or reported.';
COMMENT ON COLUMN spanmeter.calls.model IS
  'The price book''s id where matched, else the response model, else the request model.';

-- Sums per 15 minutes UTC of started_at, so that every time zone's day can be formed. Read by SUM: collectors
-- write rows of their own (journal_id), which keeps them from waiting for one another. Token sums are
-- numeric: about a thousand calls that each claim 2^53 tokens would overflow bigint and stop every later
-- batch.
CREATE TABLE spanmeter.spend_rollup (
  tenant_id text NOT NULL,
  bucket_start timestamptz NOT NULL,
  provider text NOT NULL,
  model text NOT NULL,
  operation text NOT NULL,
  service_name text NOT NULL,
  environment text,
  team text,
  feature text,
  key_id text,
  cost_status text NOT NULL,
  dimensions_hash bytea NOT NULL,
  journal_id uuid NOT NULL,
  calls bigint NOT NULL,
  errors bigint NOT NULL,
  input_tokens numeric NOT NULL,
  cache_read_tokens numeric NOT NULL,
  cache_write_tokens numeric NOT NULL,
  output_tokens numeric NOT NULL,
  reasoning_tokens numeric NOT NULL,
  cost_usd numeric(60, 12) NOT NULL,
  reported_cost_usd numeric(60, 12) NOT NULL,
  PRIMARY KEY (tenant_id, bucket_start, dimensions_hash, journal_id)
) WITH (fillfactor = 70);
CREATE INDEX spend_rollup_bucket ON spanmeter.spend_rollup (bucket_start);

-- Whole price books, stored with the first call that names them; text, so that their digest can be checked.
CREATE TABLE spanmeter.price_books (
  version text PRIMARY KEY,
  content text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE spanmeter.cost_adjustments (
  id bigint GENERATED ALWAYS AS IDENTITY,
  tenant_id text NOT NULL,
  started_at timestamptz NOT NULL,
  trace_id text NOT NULL,
  span_id text NOT NULL,
  reason text NOT NULL,
  delta_usd numeric(38, 12) NOT NULL,
  old_status text NOT NULL,
  new_status text NOT NULL,
  old_price_version text,
  new_price_version text,
  run_id text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  CONSTRAINT cost_adjustments_once_per_run UNIQUE (tenant_id, trace_id, span_id, started_at, run_id)
);
CREATE INDEX cost_adjustments_created ON spanmeter.cost_adjustments (tenant_id, created_at);

-- Calls with their current cost. Corrections are few beside calls, so they are summed first and joined.
CREATE VIEW spanmeter.calls_effective WITH (security_invoker = true) AS
SELECT
  c.*,
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

-- How far each exporter has come in each journal; moved last in the transaction that writes the rows.
CREATE TABLE spanmeter.journal_cursors (
  journal_id uuid NOT NULL,
  exporter text NOT NULL,
  sequence bigint NOT NULL,
  spans_done bigint NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (journal_id, exporter)
) WITH (fillfactor = 50);

-- Locks a cursor and fails with SQLSTATE SM001 where it is not where the collector believes; the error's
-- detail is the actual sequence and count, or empty where there is no row. A function, so that a whole batch,
-- this check included, is one message to the server: whatever follows it is not executed.
CREATE FUNCTION spanmeter.require_cursor(
  p_journal_id uuid, p_exporter text, p_sequence bigint, p_spans_done bigint
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  actual record;
BEGIN
  SELECT c.sequence, c.spans_done INTO actual FROM spanmeter.journal_cursors c
  WHERE c.journal_id = p_journal_id AND c.exporter = p_exporter FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no cursor' USING ERRCODE = 'SM001', DETAIL = '';
  END IF;
  IF actual.sequence <> p_sequence OR actual.spans_done <> p_spans_done THEN
    RAISE EXCEPTION 'the cursor is elsewhere'
      USING ERRCODE = 'SM001', DETAIL = format('%s %s', actual.sequence, actual.spans_done);
  END IF;
END
$$;

CREATE TABLE spanmeter.dead_letters (
  tenant_id text NOT NULL,
  digest bytea NOT NULL,
  received_at timestamptz NOT NULL,
  reason text NOT NULL,
  detail text NOT NULL,
  payload bytea NOT NULL,
  PRIMARY KEY (tenant_id, digest)
);
CREATE INDEX dead_letters_received ON spanmeter.dead_letters (received_at);

-- Down Migration

DROP TABLE spanmeter.dead_letters;
DROP FUNCTION spanmeter.require_cursor(uuid, text, bigint, bigint);
DROP TABLE spanmeter.journal_cursors;
DROP VIEW spanmeter.calls_effective;
DROP TABLE spanmeter.cost_adjustments;
DROP TABLE spanmeter.price_books;
DROP TABLE spanmeter.spend_rollup;
DROP TABLE spanmeter.calls;
