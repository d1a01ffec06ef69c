-- Up Migration

-- The operator's budgets for each tenant by itself hold for every tenant, so whoever reads a tenant sees them.
CREATE POLICY reader_of_each ON spanmeter.budgets FOR SELECT TO spanmeter_reader
  USING (tenant_id = '' AND scope = 'each' AND NULLIF(current_setting('app.current_tenant', true), '') IS NOT NULL);
CREATE POLICY member_of_each ON spanmeter.budgets FOR SELECT TO spanmeter_member
  USING (tenant_id = '' AND scope = 'each' AND EXISTS (SELECT FROM spanmeter.tenant_roles));

-- Also refuses NaN, which PostgreSQL takes for more than any number.
ALTER TABLE spanmeter.budgets ADD CONSTRAINT budgets_limit_bounded CHECK (limit_usd <= 1e15);

-- Down Migration

ALTER TABLE spanmeter.budgets DROP CONSTRAINT budgets_limit_bounded;
DROP POLICY member_of_each ON spanmeter.budgets;
DROP POLICY reader_of_each ON spanmeter.budgets;
