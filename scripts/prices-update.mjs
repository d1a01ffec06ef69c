// Writes processors/src/prices/base from @pydantic/genai-prices: its data only, not its matching or arithmetic.
// Patterns (starts_with, contains, regex) become exact names, so that no model inherits a sibling's price. What the
// base has stays: a price that differs ends where the new one begins, at `--date YYYY-MM-DD` (UTC, today if absent).
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { waitForUpdate } from '@pydantic/genai-prices';
import { format } from 'prettier';
import { accumulatePrices } from '../processors/dist/price-history.js';
import { BASE_PRICES } from '../processors/dist/prices/base/index.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const target = join(root, 'processors', 'src', 'prices', 'base');
const packageFile = join(
  dirname(createRequire(import.meta.url).resolve('@pydantic/genai-prices')),
  '..',
  'package.json',
);
const { version } = JSON.parse(readFileSync(packageFile, 'utf8'));

// Price lists by the id that our book gives their seller.
const SELLERS = {
  aws: 'aws.bedrock',
  fireworks: 'fireworks_ai',
  'github-copilot': 'github_copilot',
  mistral: 'mistral_ai',
  moonshotai: 'moonshot_ai',
  together: 'together_ai',
  'x-ai': 'x_ai',
};

const RATES = {
  input_mtok: 'input_mtok',
  output_mtok: 'output_mtok',
  cache_read_mtok: 'cache_read_mtok',
  cache_write_mtok: 'cache_write_mtok',
  cache_write_1h_mtok: 'cache_write_1h_mtok',
  output_reasoning_mtok: 'reasoning_mtok',
  input_audio_mtok: 'input_audio_mtok',
  output_audio_mtok: 'output_audio_mtok',
  cache_audio_read_mtok: 'cache_read_audio_mtok',
  input_image_mtok: 'input_image_mtok',
  output_image_mtok: 'output_image_mtok',
  input_audio_hours: 'audio_hour',
  audio_hours: 'audio_hour',
  requests_kcount: 'requests_k',
  web_searches_kcount: 'web_searches_k',
};

// Literals of patterns that are no name of the model: taken as one they would give it a sibling's calls.
const NOT_NAMES = new Set(['amazon.titan-embed-text', 'moderation']);
const PROFILE = /^(us-gov|us|eu|apac|au|jp|in|ca)\.(?=[a-z])/;

/** Decimal text of a double that stands for a short decimal: 0.18000000000000002 is 0.18. */
function decimal(value) {
  return Number(value)
    .toFixed(12)
    .replace(/\.?0+$/, '');
}

function literals(match, found = { exact: [], loose: [] }) {
  if (match.equals !== undefined) found.exact.push(match.equals.toLowerCase());
  for (const kind of ['starts_with', 'contains', 'ends_with']) {
    if (match[kind] !== undefined) found.loose.push(match[kind].toLowerCase());
  }
  for (const part of [...(match.or ?? []), ...(match.and ?? [])]) literals(part, found);
  return found;
}

function cleanId(seller, id) {
  const lower = id.toLowerCase().replace(/[-.]$/, '');
  return seller === 'aws.bedrock' ? lower.replace(/^regional\./, '') : lower;
}

function namesOf(seller, model) {
  const { exact, loose } = literals(model.match);
  const usable = (name) => !(seller === 'aws.bedrock' && PROFILE.test(name));
  return {
    exact: exact.filter(usable),
    loose: loose.filter((name) => usable(name) && !/[-@:.]$/.test(name) && !NOT_NAMES.has(name)),
  };
}

/** Prices of one moment: plain rates, and the tiers that context size switches to. */
function period(prices) {
  const keys = Object.keys(prices);
  if (keys.length === 0) return { free: true, rates: {} };
  const rates = {};
  const tiers = new Map();
  for (const key of keys) {
    const name = RATES[key];
    if (name === undefined) continue;
    const price = prices[key];
    if (typeof price !== 'object') {
      rates[name] = decimal(price);
      continue;
    }
    rates[name] = decimal(price.base);
    for (const tier of price.tiers) {
      tiers.set(tier.start, { ...tiers.get(tier.start), [name]: decimal(tier.price) });
    }
  }
  const bounds = [...tiers].toSorted(([a], [b]) => a - b);
  return {
    rates,
    ...(bounds.length === 0 ? {} : { tiers: bounds.map(([above, each]) => ({ above, rates: each })) }),
  };
}

function periodsOf(prices) {
  if (!Array.isArray(prices)) return [period(prices)];
  const dated = [];
  const windows = [];
  for (const { constraint, prices: each } of prices) {
    const type = constraint?.type;
    if (type === 'time_of_date') {
      const time = (text) => text.slice(0, 5);
      windows.push({
        from: time(constraint.start_time),
        to: time(constraint.end_time),
        rates: period(each).rates,
      });
    } else {
      dated.push({
        from: type === 'start_date' ? `${constraint.start_date}T00:00:00Z` : undefined,
        ...period(each),
      });
    }
  }
  dated.sort((a, b) => (a.from ?? '').localeCompare(b.from ?? ''));
  return dated.map((each, i) => ({
    ...(each.from === undefined ? {} : { from: each.from }),
    ...(dated[i + 1] === undefined ? {} : { to: dated[i + 1].from }),
    ...(each.free ? { free: true } : {}),
    rates: each.rates,
    ...(each.tiers === undefined ? {} : { tiers: each.tiers }),
    // The source has windows without a date; they belong to the latest prices, never to earlier ones.
    ...(windows.length > 0 && i === dated.length - 1 ? { windows } : {}),
  }));
}

function entriesOf(seller, models) {
  const taken = new Map();
  const entries = models.map((model) => ({
    id: cleanId(seller, model.id),
    model,
    ...namesOf(seller, model),
  }));
  for (const entry of entries) if (!taken.has(entry.id)) taken.set(entry.id, entry);
  for (const entry of entries) for (const name of entry.exact) if (!taken.has(name)) taken.set(name, entry);
  for (const entry of entries) for (const name of entry.loose) if (!taken.has(name)) taken.set(name, entry);
  return entries
    .filter((entry) => taken.get(entry.id) === entry)
    .map((entry) => {
      const aliases = [...new Set([...entry.exact, ...entry.loose])].filter(
        (name) => name !== entry.id && taken.get(name) === entry,
      );
      return {
        model: entry.id,
        ...(aliases.length === 0 ? {} : { aliases: aliases.toSorted((a, b) => (a < b ? -1 : 1)) }),
        periods: periodsOf(entry.model.prices),
      };
    })
    .toSorted((a, b) => (a.model < b.model ? -1 : 1));
}

const { values: options } = parseArgs({ options: { date: { type: 'string' } } });
const date = options.date ?? new Date().toISOString().slice(0, 10);
if (!/^\d{4}-\d{2}-\d{2}$/.test(date)) throw new Error(`--date ${date} is no day (2026-11-21)`);

const providers = await waitForUpdate();
const names = new Map(providers.map((provider) => [SELLERS[provider.id] ?? provider.id, provider.name]));
const source = providers.map((provider) => {
  const seller = SELLERS[provider.id] ?? provider.id;
  return { seller, entries: entriesOf(seller, provider.models) };
});
const accumulated = accumulatePrices(BASE_PRICES, source, `${date}T00:00:00Z`);

const style = { parser: 'typescript', printWidth: 110, singleQuote: true, trailingComma: 'all' };
const known = new Map(BASE_PRICES.map((list) => [list.seller, JSON.stringify(list)]));
const lists = [];
let changed = 0;
for (const list of accumulated) {
  const { seller } = list;
  const constant = seller.toUpperCase().replace(/[^A-Z0-9]/g, '_');
  const file = `${seller.replace(/[^a-z0-9]/g, '-')}.ts`;
  const title = names.get(seller) ?? seller;
  const text = `// Generated by scripts/prices-update.mjs from @pydantic/genai-prices ${version} (MIT). Corrections: ../overlay.ts.
import type { PriceList } from '../../price-entry.ts';

/** List prices of ${title}. */
export const ${constant}: PriceList = ${JSON.stringify(list)};
`;
  if (known.get(seller) !== JSON.stringify(list)) changed++;
  writeFileSync(join(target, file), await format(text, style));
  lists.push({ constant, file });
}

const index = `// Generated by scripts/prices-update.mjs from @pydantic/genai-prices ${version} (MIT).
import type { PriceList } from '../../price-entry.ts';
${lists.map(({ constant, file }) => `import { ${constant} } from './${file}';`).join('\n')}

/** Name and version of what the base prices were made from. */
export const BASE_SOURCE = '@pydantic/genai-prices@${version}';

/** The base price list of every seller. */
export const BASE_PRICES: readonly PriceList[] = [${lists.map(({ constant }) => constant).join(', ')}];
`;
writeFileSync(join(target, 'index.ts'), await format(index, style));
console.log(
  `${lists.length} price lists with @pydantic/genai-prices ${version} as of ${date}: ${changed} of them changed`,
);
