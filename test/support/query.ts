import { Client, type QueryResultRow } from 'pg';

/** Runs one query on a connection of its own. */
export async function query<R extends object>(
  url: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<R[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<R & QueryResultRow>(text, [...values])).rows;
  } finally {
    await client.end();
  }
}
