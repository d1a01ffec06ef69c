-- Up Migration

CREATE TABLE spanmeter.tenants (
  id text PRIMARY KEY,
  name text,
  timezone text NOT NULL DEFAULT 'UTC',
  currency text NOT NULL DEFAULT 'USD',
  plan text,
  status text NOT NULL DEFAULT 'active',
  created_at timestamptz NOT NULL DEFAULT now(),
  -- AT TIME ZONE fails on a name that PostgreSQL does not know, so that no report can later.
  CONSTRAINT tenants_timezone_known
    CHECK (timestamptz '2000-01-01 00:00:00Z' AT TIME ZONE timezone IS NOT NULL)
);

-- Which tenants a person's SQL role may read. A role sees the rows that name a role it is a member of.
CREATE TABLE spanmeter.tenant_roles (
  role_name text NOT NULL,
  tenant_id text NOT NULL,
  PRIMARY KEY (tenant_id, role_name)
);
CREATE INDEX tenant_roles_role ON spanmeter.tenant_roles (role_name);

CREATE TABLE spanmeter.api_keys (
  id text PRIMARY KEY,
  tenant_id text,
  team text,
  role text NOT NULL,
  hash bytea NOT NULL UNIQUE,
  hint text,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  rotated_from text REFERENCES spanmeter.api_keys (id) ON DELETE SET NULL,
  CONSTRAINT api_keys_role_known CHECK (role IN ('ingest', 'gateway', 'read', 'admin')),
  CONSTRAINT api_keys_tenant_given CHECK (tenant_id IS NOT NULL OR role IN ('gateway', 'admin')),
  CONSTRAINT api_keys_hash_is_sha256 CHECK (length(hash) = 32)
);
CREATE INDEX api_keys_tenant ON spanmeter.api_keys (tenant_id);
COMMENT ON COLUMN spanmeter.api_keys.hash IS 'SHA-256 of the whole key; the key itself is never stored.';
COMMENT ON COLUMN spanmeter.api_keys.hint IS 'The last four characters, to tell keys apart.';

-- Collectors listen, so that a revoked key stops working at once.
CREATE FUNCTION spanmeter.notify_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('spanmeter_keys', '');
  RETURN NULL;
END
$$;
CREATE TRIGGER api_keys_notify
AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON spanmeter.api_keys
FOR EACH STATEMENT EXECUTE FUNCTION spanmeter.notify_keys();

-- A tenant's own prices, above the operator's and the base book's.
CREATE TABLE spanmeter.price_overrides (
  tenant_id text NOT NULL,
  id bigint GENERATED ALWAYS AS IDENTITY,
  provider text NOT NULL,
  model text NOT NULL,
  valid_from timestamptz,
  valid_to timestamptz,
  prices jsonb NOT NULL,
  note text,
  created_by text,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  CONSTRAINT price_overrides_interval CHECK (valid_from < valid_to)
);
CREATE INDEX price_overrides_model ON spanmeter.price_overrides (tenant_id, provider, model);

CREATE TABLE spanmeter.budgets (
  tenant_id text NOT NULL,
  id text NOT NULL,
  name text NOT NULL,
  scope text NOT NULL DEFAULT 'tenant',
  scope_value text,
  period text NOT NULL,
  limit_usd numeric(38, 12) NOT NULL,
  thresholds numeric[] NOT NULL DEFAULT '{0.5,0.8,1.0}',
  enabled boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  CONSTRAINT budgets_scope_value_given CHECK ((scope = 'tenant') = (scope_value IS NULL)),
  CONSTRAINT budgets_limit_positive CHECK (limit_usd > 0)
);

CREATE TABLE spanmeter.budget_spend (
  tenant_id text NOT NULL,
  budget_id text NOT NULL,
  period_start timestamptz NOT NULL,
  period_end timestamptz NOT NULL,
  spent_usd numeric(60, 12) NOT NULL DEFAULT 0,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, budget_id, period_start),
  FOREIGN KEY (tenant_id, budget_id) REFERENCES spanmeter.budgets (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE spanmeter.alerts (
  tenant_id text NOT NULL,
  id bigint GENERATED ALWAYS AS IDENTITY,
  kind text NOT NULL,
  subject text NOT NULL,
  severity text NOT NULL DEFAULT 'warning',
  state text NOT NULL DEFAULT 'firing',
  -- One alert per subject and period, whoever evaluates it and however often.
  fingerprint text NOT NULL,
  detail jsonb,
  started_at timestamptz NOT NULL DEFAULT now(),
  resolved_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, fingerprint)
);

CREATE TABLE spanmeter.notifications (
  tenant_id text NOT NULL,
  id bigint GENERATED ALWAYS AS IDENTITY,
  alert_id bigint NOT NULL,
  channel text NOT NULL,
  outcome text NOT NULL DEFAULT 'pending',
  attempts integer NOT NULL DEFAULT 0,
  last_error text,
  created_at timestamptz NOT NULL DEFAULT now(),
  sent_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, alert_id, channel),
  FOREIGN KEY (tenant_id, alert_id) REFERENCES spanmeter.alerts (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE spanmeter.audit_log (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT now(),
  actor text NOT NULL,
  action text NOT NULL,
  tenant_id text,
  target text,
  detail jsonb
);
CREATE INDEX audit_log_tenant ON spanmeter.audit_log (tenant_id, at);

-- Down Migration

DROP TABLE spanmeter.audit_log;
DROP TABLE spanmeter.notifications;
DROP TABLE spanmeter.alerts;
DROP TABLE spanmeter.budget_spend;
DROP TABLE spanmeter.budgets;
DROP TABLE spanmeter.price_overrides;
DROP TABLE spanmeter.api_keys;
DROP FUNCTION spanmeter.notify_keys();
DROP TABLE spanmeter.tenant_roles;
DROP TABLE spanmeter.tenants;
