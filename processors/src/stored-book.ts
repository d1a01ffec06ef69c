import { sha256Hex } from './digest.ts';
import type { PriceBook } from './price-book.ts';
import { createPriceBook } from './price-book.ts';
import type { PriceEntry } from './price-entry.ts';
import type { PriceLayer } from './price-layer.ts';
import { compileEntry } from './price-period.ts';
import type { SellerPrices } from './price-lists.ts';

/** Far above any real book, which has some hundred kilobytes. */
const MAX_CONTENT_LENGTH = 16 * 1024 * 1024;

type Plain = Readonly<Record<string, unknown>>;

interface StoredContent {
  readonly extends: string | null;
  readonly source: string | null;
  readonly layers: readonly PriceLayer[];
  /** Null where the book extends another. */
  readonly lists: ReadonlyMap<string, SellerPrices> | null;
}

function objectOf(value: unknown, what: string): Plain {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new Error(`The stored price book cannot be read: ${what} is no object.`);
  }
  return value as Plain;
}

function arrayOf(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error(`The stored price book cannot be read: ${what} is no list.`);
  return value;
}

function textOf(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new Error(`The stored price book cannot be read: ${what} is no text.`);
  return value;
}

function entryOf(value: unknown, seller: string): PriceEntry {
  const source = objectOf(value, `an entry of ${seller}`);
  const model = textOf(source['model'], `a model of ${seller}`);
  for (const alias of arrayOf(source['aliases'] ?? [], `the names of ${seller} ${model}`))
    textOf(alias, `a name of ${seller} ${model}`);
  for (const period of arrayOf(source['periods'], `the periods of ${seller} ${model}`))
    objectOf(objectOf(period, `a period of ${seller} ${model}`)['rates'], `a price of ${seller} ${model}`);
  const entry = source as unknown as PriceEntry;
  try {
    compileEntry(entry);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`The stored price book cannot be read: ${seller} ${model}: ${why}.`, { cause: error });
  }
  return entry;
}

/** A stored list keeps only the names that lead to an entry; an id is its entry's unless it is another's name. */
function listOf(value: unknown): SellerPrices {
  const source = objectOf(value, 'a list');
  const seller = textOf(source['seller'], 'the seller of a list');
  const entries = new Map<string, PriceEntry>();
  const byName = new Map<string, PriceEntry>();
  for (const each of arrayOf(source['entries'], `the list of ${seller}`)) {
    const entry = entryOf(each, seller);
    entries.set(entry.model, entry);
    for (const alias of entry.aliases ?? []) byName.set(alias, entry);
  }
  for (const entry of entries.values()) if (!byName.has(entry.model)) byName.set(entry.model, entry);
  return { seller, entries, byName };
}

function layerOf(value: unknown): PriceLayer {
  const layer = objectOf(value, 'a layer');
  for (const part of ['prices', 'deployments', 'discounts']) arrayOf(layer[part], `"${part}" of a layer`);
  return layer as unknown as PriceLayer;
}

function parse(content: string): StoredContent {
  if (content.length > MAX_CONTENT_LENGTH) {
    throw new Error(
      `A stored price book has at most ${MAX_CONTENT_LENGTH} characters, not ${content.length}.`,
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (error) {
    throw new Error('The stored price book cannot be read: it is no JSON.', { cause: error });
  }
  const source = objectOf(value, 'it');
  if (source['format'] !== 1) {
    const format = JSON.stringify(source['format'] ?? null);
    throw new Error(`The stored price book has format ${format}, which this version cannot read.`);
  }
  const parent = source['extends'];
  const named = source['source'] ?? null;
  return {
    extends: parent === undefined ? null : textOf(parent, '"extends"'),
    source: named === null ? null : textOf(named, '"source"'),
    layers: arrayOf(source['layers'], '"layers"').map(layerOf),
    lists:
      parent === undefined
        ? new Map(
            arrayOf(source['lists'], '"lists"')
              .map(listOf)
              .map((list) => [list.seller, list]),
          )
        : null,
  };
}

/** The version that a stored book adds its layer to; null for a whole book. Throws where it cannot be read. */
export function parentVersion(content: string): string | null {
  return parse(content).extends;
}

/**
 * Makes a stored version's book again from its canonical JSON: it prices as the book did that was stored. A book
 * that extends another needs that one's content too. Throws where a text cannot be read, is too large, or is not
 * what its digest says. Which vendor sells a model itself is taken from the shipped overlay: no amount depends
 * on it once a call names its provider.
 */
export function priceBookFromContent(
  content: string,
  options: { readonly version?: string; readonly parent?: string } = {},
): PriceBook {
  const { version, parent } = options;
  const stored = parse(content);
  const digest = sha256Hex(content);
  if (version !== undefined && digest !== version) {
    throw new Error(`The stored price book ${version} has been changed: its digest is ${digest}.`);
  }
  let book: PriceBook;
  if (stored.lists !== null) {
    book = createPriceBook({ lists: stored.lists, source: stored.source, layers: stored.layers });
  } else {
    if (parent === undefined) {
      throw new Error(`The stored price book extends ${stored.extends ?? ''}, which is missing.`);
    }
    const under = priceBookFromContent(parent, { version: stored.extends ?? '' });
    book = createPriceBook({
      lists: under.lists,
      source: under.source,
      layers: [...under.layers, ...stored.layers],
      extends: under,
    });
  }
  // A text that is not canonical would price under a version that nobody can compute again.
  if (book.version !== digest) throw new Error('The stored price book is not in its canonical form.');
  return book;
}
