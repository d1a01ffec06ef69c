import assert from 'node:assert/strict';
import { createPriceBook } from '@spanmeter/processors';
import { LIST_RATES } from '@spanmeter/dashboards/dist/list-rates.js';
import { freshDatabase, sql as query } from '../support/database.ts';

interface Rate {
  readonly model: string;
  readonly input: string;
  readonly cache_read: string | null;
}

describe('list prices for the estimate of what a cache saves', () => {
  it('are those of the newest whole price book, under the names of the providers of calls', async () => {
    const database = await freshDatabase();
    try {
      const content = createPriceBook({}).content();
      const insert = `INSERT INTO spanmeter.price_books (version, content, created_at)
        VALUES ('old', '{"lists":[]}', now() - interval '1 day'), ('whole', $1, now()),
          ('extended', '{"extends":"whole","layers":[]}', now() + interval '1 day')`;
      await query(database.url, insert, [content]);
      const rates = (provider: string): Promise<Rate[]> =>
        query<Rate & Record<string, unknown>>(
          database.url,
          `SELECT model, input, cache_read FROM (${LIST_RATES}) l WHERE provider = $1`,
          [provider],
        );
      const openai = (await rates('openai')).find(({ model }) => model === 'gpt-4o');
      assert.equal(Number(openai?.input), 0.0000025);
      assert.equal(Number(openai?.cache_read), 0.00000125);
      assert.ok((await rates('gcp.gemini')).some(({ model }) => model.startsWith('gemini')));
      assert.equal((await rates('google')).length, 0);
      const twice = await query(
        database.url,
        `SELECT provider, model FROM (${LIST_RATES}) l GROUP BY 1, 2 HAVING count(*) > 1`,
      );
      assert.deepEqual(twice, []);
    } finally {
      await database.drop();
    }
  });
});
