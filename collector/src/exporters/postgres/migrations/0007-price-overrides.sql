-- Up Migration

-- Entries of the operator have the tenant '', which no reader's policy ever matches.
ALTER TABLE spanmeter.price_overrides
  ADD COLUMN kind text NOT NULL DEFAULT 'price',
  ADD CONSTRAINT price_overrides_kind_known CHECK (kind IN ('price', 'deployment', 'discount', 'currency')),
  DROP CONSTRAINT price_overrides_interval,
  -- One that ends when it begins was called off before it began; entries are never deleted.
  ADD CONSTRAINT price_overrides_interval CHECK (valid_from <= valid_to);
COMMENT ON COLUMN spanmeter.price_overrides.tenant_id IS 'Empty for the operator''s, which hold for every tenant.';
COMMENT ON COLUMN spanmeter.price_overrides.model IS
  'The model; of a deployment its name, of a discount the models it names or *, of a currency its code.';
COMMENT ON COLUMN spanmeter.price_overrides.prices IS
  'The entry as in a prices file, without what has a column of its own.';

-- Collectors listen, so that a new price applies at once.
CREATE FUNCTION spanmeter.notify_prices() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('spanmeter_prices', '');
  RETURN NULL;
END
$$;
CREATE TRIGGER price_overrides_notify
AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON spanmeter.price_overrides
FOR EACH STATEMENT EXECUTE FUNCTION spanmeter.notify_prices();

-- Down Migration

DROP TRIGGER price_overrides_notify ON spanmeter.price_overrides;
DROP FUNCTION spanmeter.notify_prices();
DELETE FROM spanmeter.price_overrides WHERE kind <> 'price' OR valid_from = valid_to;
ALTER TABLE spanmeter.price_overrides
  DROP CONSTRAINT price_overrides_interval,
  DROP COLUMN kind,
  ADD CONSTRAINT price_overrides_interval CHECK (valid_from < valid_to);
