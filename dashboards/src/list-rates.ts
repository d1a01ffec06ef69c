import { PROVIDERS } from '@spanmeter/processors';
import { columns, literal, sql } from './sql.ts';
import type { Sql } from './sql.ts';

const book = columns('price_books', 'p');

/** Providers whose prices are in a list of another name: Gemini's are in Google's. */
const LISTED_ELSEWHERE = PROVIDERS.filter(({ id, seller }) => seller !== id)
  .map(({ id, seller }) => sql`(${literal(seller)}, ${literal(id)})`)
  .join(', ') as Sql;

/**
 * List prices per token of the newest whole price book: `provider`, `model`, `input`, `cache_read`, `cache_write`.
 * Without tiers, discounts and own prices: good for an estimate alone.
 */
export const LIST_RATES: Sql = sql`
  SELECT coalesce(elsewhere.provider, listed.seller) AS provider, listed.model,
    (listed.rates ->> 'input_mtok')::numeric / 1000000 AS input,
    (listed.rates ->> 'cache_read_mtok')::numeric / 1000000 AS cache_read,
    (listed.rates ->> 'cache_write_mtok')::numeric / 1000000 AS cache_write
  FROM (
    SELECT sold ->> 'seller' AS seller, entry ->> 'model' AS model, entry #> '{periods,-1,rates}' AS rates
    FROM (
      SELECT ${book.content}::jsonb AS content
      FROM ${book.$from}
      WHERE strpos(${book.content}, '"lists":') > 0
      ORDER BY ${book.created_at} DESC
      LIMIT 1
    ) newest, jsonb_array_elements(content -> 'lists') sold, jsonb_array_elements(sold -> 'entries') entry
  ) listed
  LEFT JOIN (VALUES ${LISTED_ELSEWHERE}) AS elsewhere (seller, provider) ON elsewhere.seller = listed.seller`;

/** What caching saved for a row `use` (read, written) at the rates `list`; a kind without a rate of its own saves 0. */
export const SAVED: Sql = sql`(
  use.read * (list.input - coalesce(list.cache_read, list.input))
  - use.written * (coalesce(list.cache_write, list.input) - list.input)
)`;
