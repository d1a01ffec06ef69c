-- Up Migration

-- A stored book holds the prices that one tenant negotiated, and no row says whose: tenants' roles see that a
-- book exists, and only the owner and spanmeter_grafana see what is in it.
REVOKE SELECT ON spanmeter.price_books FROM spanmeter_reader, spanmeter_member;
GRANT SELECT (version, created_at) ON spanmeter.price_books TO spanmeter_reader, spanmeter_member;

-- Down Migration

GRANT SELECT ON spanmeter.price_books TO spanmeter_reader, spanmeter_member;
