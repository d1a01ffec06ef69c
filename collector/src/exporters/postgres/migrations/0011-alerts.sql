-- Up Migration

-- A series is what alerts of several ranks are about, such as a budget in one period with its steps: only the one
-- of the highest rank stands. `over`: the occasion has passed; `cleared`: it is no longer so, and may be so again;
-- `superseded`: one of a higher rank took its place; `person`: somebody said so, and nothing raises it again.
ALTER TABLE spanmeter.alerts
  ADD COLUMN series text,
  ADD COLUMN rank numeric,
  ADD COLUMN ends_at timestamptz,
  ADD COLUMN resolution text,
  ADD CONSTRAINT alerts_resolution_known CHECK (resolution IN ('over', 'cleared', 'superseded', 'person'));
COMMENT ON COLUMN spanmeter.alerts.ends_at IS 'When the occasion is over by itself; NULL where only an event ends it.';
CREATE INDEX alerts_series ON spanmeter.alerts (tenant_id, series) WHERE series IS NOT NULL;
CREATE INDEX alerts_standing ON spanmeter.alerts (kind, ends_at) WHERE state <> 'resolved';
CREATE INDEX alerts_resolved ON spanmeter.alerts (resolved_at) WHERE state = 'resolved';
CREATE INDEX alerts_recent ON spanmeter.alerts (started_at DESC, id DESC);
-- For the foreign key: without it, each alert that retention deletes would read the whole outbox.
CREATE INDEX notifications_alert ON spanmeter.notifications (tenant_id, alert_id);

-- Names that nobody wants to hear of, on later occasions too; NULL is for good.
CREATE TABLE spanmeter.alert_ignores (
  tenant_id text NOT NULL,
  name text NOT NULL,
  ignored_until timestamptz,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, name)
);
ALTER TABLE spanmeter.alert_ignores ENABLE ROW LEVEL SECURITY;
CREATE POLICY reader ON spanmeter.alert_ignores FOR SELECT TO spanmeter_reader
  USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), ''));
CREATE POLICY member ON spanmeter.alert_ignores FOR SELECT TO spanmeter_member
  USING (tenant_id = ANY (ARRAY(SELECT r.tenant_id FROM spanmeter.tenant_roles r)));
CREATE POLICY grafana ON spanmeter.alert_ignores FOR SELECT TO spanmeter_grafana USING (true);
GRANT SELECT ON spanmeter.alert_ignores TO spanmeter_reader, spanmeter_member, spanmeter_grafana;

-- Looked at every minute; rows of calls without a price are few.
CREATE INDEX spend_rollup_unpriced ON spanmeter.spend_rollup (bucket_start)
WHERE cost_status IN ('unpriced_model', 'unpriced_dimension');

-- Down Migration

DROP INDEX spanmeter.spend_rollup_unpriced;
DROP TABLE spanmeter.alert_ignores;
DROP INDEX spanmeter.notifications_alert;
DROP INDEX spanmeter.alerts_recent;
DROP INDEX spanmeter.alerts_resolved;
DROP INDEX spanmeter.alerts_standing;
DROP INDEX spanmeter.alerts_series;
ALTER TABLE spanmeter.alerts
  DROP CONSTRAINT alerts_resolution_known,
  DROP COLUMN series,
  DROP COLUMN rank,
  DROP COLUMN ends_at,
  DROP COLUMN resolution;
