import pg from 'pg';

/** Runs one query on a connection of its own. */
export async function query<R extends object>(
  url: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<R[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<R & pg.QueryResultRow>(text, [...values])).rows;
  } finally {
    await client.end();
  }
}
