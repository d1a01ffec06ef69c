const BOUNDS = String.raw`FROM \('([^']+)'\) TO \('([^']+)'\)`;

/**
 * A query for the bounds of every partition of `calls`, as the columns `from_at` and `to_at`. Calls of other days
 * are not stored any more, or never were. Every role may read the catalogue.
 */
export const PARTITION_BOUNDS: string = `
  SELECT bounds[1]::timestamptz AS from_at, bounds[2]::timestamptz AS to_at
  FROM pg_catalog.pg_inherits i
  JOIN pg_catalog.pg_class p ON p.oid = i.inhrelid,
  LATERAL regexp_match(pg_catalog.pg_get_expr(p.relpartbound, p.oid), '${BOUNDS.replaceAll("'", "''")}') AS bounds
  WHERE i.inhparent = 'spanmeter.calls'::regclass AND NOT i.inhdetachpending AND bounds IS NOT NULL`;
