-- Up Migration

-- Spend of a tenant by provider; both dates inclusive, in the tenant's own time zone; corrections included,
-- since they move the rollups. Counts billable calls of every status. SECURITY INVOKER: who may not read a
-- tenant gets no rows.
CREATE FUNCTION spanmeter.get_cost_summary(p_tenant_id text, p_start_date date, p_end_date date)
RETURNS TABLE (service text, total_cost numeric, count bigint)
LANGUAGE sql STABLE SECURITY INVOKER PARALLEL SAFE AS $$
  WITH zone AS (
    SELECT coalesce((SELECT t.timezone FROM spanmeter.tenants t WHERE t.id = p_tenant_id), 'UTC') AS name
  )
  SELECT r.provider, sum(r.cost_usd), sum(r.calls)::bigint
  FROM spanmeter.spend_rollup r
  WHERE r.tenant_id = p_tenant_id
    AND r.bucket_start >= (SELECT p_start_date::timestamp AT TIME ZONE name FROM zone)
    AND r.bucket_start < (SELECT (p_end_date + 1)::timestamp AT TIME ZONE name FROM zone)
    AND r.cost_status NOT IN ('duplicate', 'not_billable')
  GROUP BY r.provider
  HAVING sum(r.calls) <> 0 OR sum(r.cost_usd) <> 0
  ORDER BY sum(r.cost_usd) DESC, r.provider
$$;
COMMENT ON FUNCTION spanmeter.get_cost_summary(text, date, date) IS
  'Spend by provider between two dates, both inclusive, in the tenant''s time zone.';

-- Down Migration

DROP FUNCTION spanmeter.get_cost_summary(text, date, date);
