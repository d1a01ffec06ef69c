-- Up Migration

-- By what definition the rows of budget_spend were counted from the calls. A budget that is new, or whose subject,
-- period or zone changed since, is counted anew by a collector, whoever changed it and by whatever means.
CREATE TABLE spanmeter.budget_counts (
  tenant_id text NOT NULL,
  budget_id text NOT NULL,
  definition text NOT NULL,
  counted_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, budget_id),
  FOREIGN KEY (tenant_id, budget_id) REFERENCES spanmeter.budgets (tenant_id, id) ON DELETE CASCADE
);
COMMENT ON COLUMN spanmeter.budget_counts.definition IS 'Subject, period and zone, as the collector that counted knew them.';

-- A tenant may be registered after budgets were made for it; its zone is theirs from then on.
CREATE FUNCTION spanmeter.lock_budgets_for_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(7305811011);
  RETURN NEW;
END
$$;
CREATE TRIGGER tenants_new_zone_lock BEFORE INSERT ON spanmeter.tenants
FOR EACH ROW WHEN (NEW.timezone <> 'UTC') EXECUTE FUNCTION spanmeter.lock_budgets_for_row();
CREATE TRIGGER tenants_new_zone_notify AFTER INSERT ON spanmeter.tenants
FOR EACH ROW WHEN (NEW.timezone <> 'UTC') EXECUTE FUNCTION spanmeter.notify_budgets();

GRANT SELECT ON spanmeter.budget_counts TO spanmeter_grafana;

-- Down Migration

REVOKE SELECT ON spanmeter.budget_counts FROM spanmeter_grafana;
DROP TRIGGER tenants_new_zone_notify ON spanmeter.tenants;
DROP TRIGGER tenants_new_zone_lock ON spanmeter.tenants;
DROP FUNCTION spanmeter.lock_budgets_for_row();
DROP TABLE spanmeter.budget_counts;
