-- Up Migration

-- Budgets with the tenant '' are the operator's: scope `each` holds for every tenant by itself, `all` and the
-- others over all tenants together.
ALTER TABLE spanmeter.budgets
  DROP CONSTRAINT budgets_scope_value_given,
  ADD COLUMN hard boolean NOT NULL DEFAULT false,
  ADD COLUMN starts_on date,
  ADD COLUMN ends_on date,
  ADD COLUMN timezone text,
  ADD COLUMN created_by text,
  ADD CONSTRAINT budgets_scope_known CHECK (scope IN ('all', 'each', 'tenant', 'team', 'feature', 'service_name',
    'environment', 'provider', 'model', 'key', 'user', 'session', 'agent')),
  ADD CONSTRAINT budgets_scope_value_given CHECK ((scope IN ('all', 'each', 'tenant')) = (scope_value IS NULL)),
  ADD CONSTRAINT budgets_scope_of_its_owner CHECK (
    CASE WHEN scope IN ('all', 'each') THEN tenant_id = '' WHEN scope = 'tenant' THEN tenant_id <> '' ELSE true END),
  ADD CONSTRAINT budgets_period_known CHECK (period IN ('day', 'week', 'month', 'custom')),
  ADD CONSTRAINT budgets_window_given
    CHECK ((period = 'custom') = (starts_on IS NOT NULL) AND (starts_on IS NULL) = (ends_on IS NULL)),
  ADD CONSTRAINT budgets_window_order CHECK (starts_on <= ends_on),
  ADD CONSTRAINT budgets_thresholds_few CHECK (cardinality(thresholds) BETWEEN 1 AND 10
    AND 0 < ALL (thresholds) AND 10 >= ALL (thresholds)),
  -- AT TIME ZONE fails on a name that PostgreSQL does not know.
  ADD CONSTRAINT budgets_timezone_known
    CHECK (timezone IS NULL OR timestamptz '2000-01-01 00:00:00Z' AT TIME ZONE timezone IS NOT NULL);
COMMENT ON COLUMN spanmeter.budgets.thresholds IS 'Soft steps as parts of the limit: 0.8 is 80 percent.';
COMMENT ON COLUMN spanmeter.budgets.hard IS 'Guards refuse calls once spent >= limit; otherwise they only warn.';
COMMENT ON COLUMN spanmeter.budgets.starts_on IS 'First day of a custom window; ends_on is its last.';
COMMENT ON COLUMN spanmeter.budgets.timezone IS 'Zone of the period; NULL is the tenant''s, UTC for the operator''s.';

-- Spend by dimensions that rollups do not have (user, session, agent), moved in the transactions that write rows
-- and corrections.
ALTER TABLE spanmeter.budget_spend
  ADD COLUMN calls bigint NOT NULL DEFAULT 0,
  ADD COLUMN unpriced_calls bigint NOT NULL DEFAULT 0;
ALTER TABLE spanmeter.budget_spend SET (fillfactor = 50);

-- Whoever adds to budget_spend knows every budget: it holds the lock shared in its transaction and names the
-- version that it knows; a change of budgets or of a time zone holds it exclusively and makes another version.
CREATE TABLE spanmeter.budget_version (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  version bigint NOT NULL
);
INSERT INTO spanmeter.budget_version (version) VALUES (1);

CREATE FUNCTION spanmeter.lock_budgets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(7305811011);
  RETURN NULL;
END
$$;
CREATE FUNCTION spanmeter.notify_budgets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE spanmeter.budget_version SET version = version + 1;
  PERFORM pg_notify('spanmeter_budgets', '');
  RETURN NULL;
END
$$;
CREATE TRIGGER budgets_lock BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON spanmeter.budgets
FOR EACH STATEMENT EXECUTE FUNCTION spanmeter.lock_budgets();
CREATE TRIGGER budgets_notify AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON spanmeter.budgets
FOR EACH STATEMENT EXECUTE FUNCTION spanmeter.notify_budgets();
CREATE TRIGGER tenants_zone_lock BEFORE UPDATE OF timezone ON spanmeter.tenants
FOR EACH STATEMENT EXECUTE FUNCTION spanmeter.lock_budgets();
CREATE TRIGGER tenants_zone_notify AFTER UPDATE OF timezone ON spanmeter.tenants
FOR EACH STATEMENT EXECUTE FUNCTION spanmeter.notify_budgets();

-- Fails with SQLSTATE SM002 where budgets are not those that the caller knows; the detail is the version.
CREATE FUNCTION spanmeter.require_budgets(p_version bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  actual bigint;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(7305811011);
  SELECT v.version INTO actual FROM spanmeter.budget_version v;
  IF actual IS DISTINCT FROM p_version THEN
    RAISE EXCEPTION 'budgets have changed' USING ERRCODE = 'SM002', DETAIL = coalesce(actual::text, '');
  END IF;
END
$$;

-- The default: every tenant is warned of at 10 USD a day. Change or remove it like any other.
INSERT INTO spanmeter.budgets (tenant_id, id, name, scope, period, limit_usd, thresholds, created_by)
VALUES ('', 'default', 'Default daily budget', 'each', 'day', 10, '{1.0}', 'migration');

-- An alert is one occasion (a budget's step in one period, a model without a price); its name is the same on
-- every occasion, and at most one notification an hour goes out for a name and tenant.
ALTER TABLE spanmeter.alerts
  ADD COLUMN name text NOT NULL DEFAULT '',
  ADD COLUMN summary text NOT NULL DEFAULT '',
  ADD COLUMN last_seen_at timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN state_changed_at timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN state_changed_by text,
  ADD COLUMN ignored_until timestamptz,
  ADD COLUMN note text,
  ADD CONSTRAINT alerts_severity_known CHECK (severity IN ('info', 'warning', 'critical')),
  ADD CONSTRAINT alerts_state_known CHECK (state IN ('firing', 'acknowledged', 'ignored', 'resolved'));
CREATE INDEX alerts_state ON spanmeter.alerts (state, started_at);
CREATE INDEX alerts_started ON spanmeter.alerts (tenant_id, started_at DESC, id DESC);
COMMENT ON COLUMN spanmeter.alerts.name IS 'What is limited to one notification an hour: kind and subject.';
COMMENT ON COLUMN spanmeter.alerts.fingerprint IS 'The name and the occasion.';

-- The outbox: written with the alert, sent by whichever collector gets it first.
ALTER TABLE spanmeter.notifications
  DROP CONSTRAINT notifications_tenant_id_alert_id_channel_key,
  ALTER COLUMN alert_id DROP NOT NULL,
  ADD COLUMN kind text NOT NULL DEFAULT 'firing',
  ADD COLUMN name text NOT NULL DEFAULT '',
  ADD COLUMN body jsonb,
  ADD COLUMN not_before timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN claimed_until timestamptz,
  ADD CONSTRAINT notifications_kind_known CHECK (kind IN ('firing', 'resolved', 'summary', 'test')),
  ADD CONSTRAINT notifications_outcome_known CHECK (outcome IN ('pending', 'sent', 'failed', 'dropped'));
CREATE INDEX notifications_pending ON spanmeter.notifications (not_before) WHERE outcome = 'pending';
CREATE INDEX notifications_name ON spanmeter.notifications (tenant_id, name, channel, created_at DESC);

GRANT SELECT ON spanmeter.budget_version TO spanmeter_grafana;

-- Down Migration

REVOKE SELECT ON spanmeter.budget_version FROM spanmeter_grafana;
DROP INDEX spanmeter.notifications_name;
DROP INDEX spanmeter.notifications_pending;
DELETE FROM spanmeter.notifications n WHERE n.alert_id IS NULL OR EXISTS (
  SELECT FROM spanmeter.notifications o WHERE o.tenant_id = n.tenant_id AND o.alert_id = n.alert_id
    AND o.channel = n.channel AND o.id < n.id);
ALTER TABLE spanmeter.notifications
  DROP CONSTRAINT notifications_kind_known,
  DROP CONSTRAINT notifications_outcome_known,
  DROP COLUMN kind,
  DROP COLUMN name,
  DROP COLUMN body,
  DROP COLUMN not_before,
  DROP COLUMN claimed_until,
  ALTER COLUMN alert_id SET NOT NULL,
  ADD CONSTRAINT notifications_tenant_id_alert_id_channel_key UNIQUE (tenant_id, alert_id, channel);
DROP INDEX spanmeter.alerts_started;
DROP INDEX spanmeter.alerts_state;
ALTER TABLE spanmeter.alerts
  DROP CONSTRAINT alerts_severity_known,
  DROP CONSTRAINT alerts_state_known,
  DROP COLUMN name,
  DROP COLUMN summary,
  DROP COLUMN last_seen_at,
  DROP COLUMN state_changed_at,
  DROP COLUMN state_changed_by,
  DROP COLUMN ignored_until,
  DROP COLUMN note;
DROP FUNCTION spanmeter.require_budgets(bigint);
DROP TRIGGER tenants_zone_notify ON spanmeter.tenants;
DROP TRIGGER tenants_zone_lock ON spanmeter.tenants;
DROP TRIGGER budgets_notify ON spanmeter.budgets;
DROP TRIGGER budgets_lock ON spanmeter.budgets;
DROP FUNCTION spanmeter.notify_budgets();
DROP FUNCTION spanmeter.lock_budgets();
DROP TABLE spanmeter.budget_version;
ALTER TABLE spanmeter.budget_spend DROP COLUMN calls, DROP COLUMN unpriced_calls;
ALTER TABLE spanmeter.budget_spend RESET (fillfactor);
DELETE FROM spanmeter.budgets
WHERE scope IN ('all', 'each') OR (scope = 'tenant') <> (scope_value IS NULL);
ALTER TABLE spanmeter.budgets
  DROP CONSTRAINT budgets_scope_known,
  DROP CONSTRAINT budgets_scope_value_given,
  DROP CONSTRAINT budgets_scope_of_its_owner,
  DROP CONSTRAINT budgets_period_known,
  DROP CONSTRAINT budgets_window_given,
  DROP CONSTRAINT budgets_window_order,
  DROP CONSTRAINT budgets_thresholds_few,
  DROP CONSTRAINT budgets_timezone_known,
  ADD CONSTRAINT budgets_scope_value_given CHECK ((scope = 'tenant') = (scope_value IS NULL)),
  DROP COLUMN hard,
  DROP COLUMN starts_on,
  DROP COLUMN ends_on,
  DROP COLUMN timezone,
  DROP COLUMN created_by;
