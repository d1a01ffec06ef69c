-- Up Migration

-- The operator's budgets for each tenant by itself hold for every tenant, so their readers see them too.
CREATE POLICY operator_each ON spanmeter.budgets FOR SELECT TO spanmeter_reader, spanmeter_member
  USING (tenant_id = '' AND scope = 'each');

-- Also refuses NaN, which PostgreSQL takes for more than any number.
ALTER TABLE spanmeter.budgets ADD CONSTRAINT budgets_limit_bounded CHECK (limit_usd <= 1e15);

-- Down Migration

ALTER TABLE spanmeter.budgets DROP CONSTRAINT budgets_limit_bounded;
DROP POLICY operator_each ON spanmeter.budgets;
