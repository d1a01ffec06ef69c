-- Up Migration

-- The owner of the tables writes them and is not held by row-level security (COPY does not work under it).
-- Readers are three roles, made before the migrations run, since roles belong to the whole cluster:
--   spanmeter_reader   the API's, by SET LOCAL ROLE; its tenant is the setting app.current_tenant. Granted to
--                      nobody but the owner: whoever may become it chooses the tenant.
--   spanmeter_member   the group of people's own SQL roles; their tenants are in tenant_roles. Its policies
--                      never look at a setting, so that SET widens nothing.
--   spanmeter_grafana  read-only over all tenants.
-- Nobody is granted anything on partitions, where no policy would hold.
GRANT USAGE ON SCHEMA spanmeter TO spanmeter_reader, spanmeter_member, spanmeter_grafana;

GRANT SELECT ON
  spanmeter.calls, spanmeter.calls_effective, spanmeter.spend_rollup, spanmeter.cost_adjustments,
  spanmeter.price_books, spanmeter.price_overrides, spanmeter.tenants, spanmeter.budgets,
  spanmeter.budget_spend, spanmeter.alerts, spanmeter.notifications
TO spanmeter_reader, spanmeter_member, spanmeter_grafana;
GRANT SELECT ON spanmeter.tenant_roles TO spanmeter_member, spanmeter_grafana;
GRANT SELECT ON spanmeter.journal_cursors, spanmeter.audit_log TO spanmeter_grafana;
-- Neither key hashes nor what a span carried.
GRANT SELECT (id, tenant_id, team, role, hint, created_at, expires_at, revoked_at, rotated_from)
  ON spanmeter.api_keys TO spanmeter_grafana;
GRANT SELECT (tenant_id, digest, received_at, reason, detail) ON spanmeter.dead_letters TO spanmeter_grafana;

ALTER TABLE spanmeter.tenant_roles ENABLE ROW LEVEL SECURITY;
CREATE POLICY member ON spanmeter.tenant_roles FOR SELECT TO spanmeter_member
  USING (EXISTS (SELECT FROM pg_roles r WHERE r.rolname = role_name AND pg_has_role(r.oid, 'MEMBER')));
CREATE POLICY grafana ON spanmeter.tenant_roles FOR SELECT TO spanmeter_grafana USING (true);

ALTER TABLE spanmeter.tenants ENABLE ROW LEVEL SECURITY;
CREATE POLICY reader ON spanmeter.tenants FOR SELECT TO spanmeter_reader
  USING (id = NULLIF(current_setting('app.current_tenant', true), ''));
CREATE POLICY member ON spanmeter.tenants FOR SELECT TO spanmeter_member
  USING (id = ANY (ARRAY(SELECT r.tenant_id FROM spanmeter.tenant_roles r)));
CREATE POLICY grafana ON spanmeter.tenants FOR SELECT TO spanmeter_grafana USING (true);

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY[
    'calls', 'spend_rollup', 'cost_adjustments', 'price_overrides', 'api_keys', 'dead_letters', 'budgets',
    'budget_spend', 'alerts', 'notifications', 'audit_log'
  ] LOOP
    EXECUTE format('ALTER TABLE spanmeter.%I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format(
      'CREATE POLICY reader ON spanmeter.%I FOR SELECT TO spanmeter_reader '
      'USING (tenant_id = NULLIF(current_setting(''app.current_tenant'', true), ''''))', name);
    EXECUTE format(
      'CREATE POLICY member ON spanmeter.%I FOR SELECT TO spanmeter_member '
      'USING (tenant_id = ANY (ARRAY(SELECT r.tenant_id FROM spanmeter.tenant_roles r)))', name);
    EXECUTE format(
      'CREATE POLICY grafana ON spanmeter.%I FOR SELECT TO spanmeter_grafana USING (true)', name);
  END LOOP;
END
$$;

-- Down Migration

DO $$
DECLARE
  policy record;
BEGIN
  FOR policy IN SELECT policyname, tablename FROM pg_policies WHERE schemaname = 'spanmeter' LOOP
    EXECUTE format('DROP POLICY %I ON spanmeter.%I', policy.policyname, policy.tablename);
    EXECUTE format('ALTER TABLE spanmeter.%I DISABLE ROW LEVEL SECURITY', policy.tablename);
  END LOOP;
END
$$;
REVOKE ALL ON ALL TABLES IN SCHEMA spanmeter FROM spanmeter_reader, spanmeter_member, spanmeter_grafana;
REVOKE USAGE ON SCHEMA spanmeter FROM spanmeter_reader, spanmeter_member, spanmeter_grafana;
