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

-- What changes and changes back between two looks of a collector has lost rows all the same.
CREATE FUNCTION spanmeter.forget_budget_counts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_TABLE_NAME = 'budgets' THEN
    DELETE FROM spanmeter.budget_counts WHERE tenant_id = NEW.tenant_id AND budget_id = NEW.id;
  ELSE
    DELETE FROM spanmeter.budget_counts WHERE tenant_id = NEW.id;
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER budgets_forget_counts AFTER UPDATE ON spanmeter.budgets FOR EACH ROW
WHEN ((NEW.scope, NEW.scope_value, NEW.period, NEW.starts_on, NEW.ends_on, NEW.timezone, NEW.enabled)
  IS DISTINCT FROM (OLD.scope, OLD.scope_value, OLD.period, OLD.starts_on, OLD.ends_on, OLD.timezone, OLD.enabled))
EXECUTE FUNCTION spanmeter.forget_budget_counts();
CREATE TRIGGER tenants_forget_counts AFTER UPDATE OF timezone ON spanmeter.tenants FOR EACH ROW
WHEN (NEW.timezone <> OLD.timezone) EXECUTE FUNCTION spanmeter.forget_budget_counts();

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
DROP TRIGGER tenants_forget_counts ON spanmeter.tenants;
DROP TRIGGER budgets_forget_counts ON spanmeter.budgets;
DROP FUNCTION spanmeter.forget_budget_counts();
DROP TABLE spanmeter.budget_counts;
