import {
  EMPTY_LAYER,
  parsePriceOverrides,
  type CurrencyRate,
  type Deployment,
  type Discount,
  type LayerPrice,
  type PriceLayer,
  type PriceOverrides,
} from '@spanmeter/processors';
import type { QueryResult, QueryResultRow } from 'pg';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { readPriceYaml } from './price-yaml.ts';

/** What an entry of the database is about. */
export type OverrideKind = 'price' | 'deployment' | 'discount' | 'currency';

/** A row of `price_overrides`, with instants as ISO text to the microsecond. */
export interface OverrideRow {
  readonly id: string;
  /** Empty for the operator's. */
  readonly tenant_id: string;
  readonly kind: string;
  readonly provider: string;
  readonly model: string;
  readonly valid_from: string | null;
  readonly valid_to: string | null;
  /** JSON text; null where it is larger than any entry. */
  readonly prices: string | null;
}

/** Anything that can be asked: a client or a pool. */
export interface Queryable {
  query<Row extends QueryResultRow>(text: string, values?: unknown[]): Promise<QueryResult<Row>>;
}

/** An entry that cannot be used, and why. */
export interface SkippedRow {
  readonly id: string;
  readonly reason: string;
}

/** What the rows say together; rows that cannot be used are left out, each by itself. */
export interface RowOverrides {
  readonly overrides: PriceOverrides;
  readonly entries: number;
  readonly skipped: readonly SkippedRow[];
}

/** More entries than are read: what they say together is not known then. */
export class TooManyOverrides extends Error {
  constructor(max: number) {
    super(`the database has more than ${max} price overrides: end some, or raise max_overrides of cost`);
    this.name = 'TooManyOverrides';
  }
}

export const DEFAULT_MAX_OVERRIDES = 100_000;
/** Every discount is looked at for each model, so one tenant has at most these. */
export const MAX_DISCOUNTS = 1000;
const MAX_ENTRY_BYTES = 65_536;
const ROWS_PER_TURN = 500;

/** An instant as ISO text; null where it is open, also by PostgreSQL's own word for that. */
const instant = (column: string, open: string): string =>
  `CASE WHEN ${column} = '${open}' THEN NULL WHEN isfinite(${column})
    THEN to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') ELSE ${column}::text END AS ${column}`;

/** Columns of an `OverrideRow`. */
export const ROW_COLUMNS: string = `id::text, tenant_id, kind, provider, model, ${instant('valid_from', '-infinity')},
  ${instant('valid_to', 'infinity')},
  CASE WHEN octet_length(prices::text) <= ${MAX_ENTRY_BYTES} THEN prices::text END AS prices`;

/** Rows that were called off before they began apply never, and are left alone. */
const IN_FORCE = 'valid_from IS NULL OR valid_to IS NULL OR valid_from < valid_to';

/** Reads all entries, the newest first. Rejects with TooManyOverrides rather than use some of them. */
export async function readOverrideRows(from: Queryable, max: number): Promise<readonly OverrideRow[]> {
  const { rows } = await from.query<OverrideRow>(
    `SELECT ${ROW_COLUMNS} FROM spanmeter.price_overrides p WHERE ${IN_FORCE} ORDER BY p.id DESC LIMIT $1`,
    [max + 1],
  );
  if (rows.length > max) throw new TooManyOverrides(max);
  return rows;
}

/** Text that differs whenever a row does: each change of a row gives it another transaction. */
export async function readOverridesState(from: Queryable): Promise<string> {
  const { rows } = await from.query<{ state: string }>(
    `SELECT count(*) || '/' || coalesce(max(id), 0) || '/' || coalesce(sum(xmin::text::bigint), 0) AS state
     FROM spanmeter.price_overrides`,
  );
  return rows[0]?.state ?? '';
}

const RESERVED = ['provider', 'model', 'name', 'from', 'to'];

type Plain = Record<string, unknown>;

/** Numbers in JSON keep their digits only where they are read as they are written. */
function readJson(text: string): Plain {
  let numbers = false;
  const value: unknown = JSON.parse(text, (_key, each: unknown) => {
    numbers ||= typeof each === 'number';
    return each;
  });
  const exact = numbers ? readPriceYaml(Buffer.from(text)).value : value;
  if (exact === null || typeof exact !== 'object' || Array.isArray(exact))
    throw new Error('prices is no object');
  return exact as Plain;
}

/** The entry as it would stand in a prices file. */
function fileOf(row: OverrideRow): Plain {
  if (row.prices === null) throw new Error(`prices has more than ${MAX_ENTRY_BYTES} bytes`);
  const entry = readJson(row.prices);
  for (const name of RESERVED) {
    if (name in entry && !(name === 'model' && row.kind === 'deployment')) {
      throw new Error(`prices.${name} has a column of its own`);
    }
  }
  const when = {
    ...(row.valid_from === null ? {} : { from: row.valid_from }),
    ...(row.valid_to === null ? {} : { to: row.valid_to }),
  };
  const { provider, model } = row;
  switch (row.kind) {
    case 'price':
      return { prices: [{ ...entry, provider, model, ...when }] };
    case 'deployment':
      return { deployments: [{ ...entry, provider, name: model, ...when }] };
    case 'discount':
      if (entry['models'] === undefined && model !== '*') {
        // Whoever writes a model here means it, and a discount that names none is for all.
        throw new Error('prices.models must name the models of a discount; model is * where it is for all');
      }
      return { discounts: [{ ...entry, provider, ...when }] };
    case 'currency':
      return { currencies: { [model]: [{ ...entry, ...when }] } };
    default:
      throw new Error(`kind "${row.kind}" is not known`);
  }
}

/** Reads one row by itself. Throws with a reason where it is no entry. */
export function layerOfRow(row: OverrideRow): PriceLayer {
  const file = fileOf(row);
  const { overrides, faults } = parsePriceOverrides(file, { tenants: false, currencies: 'any' });
  const [fault] = faults;
  if (fault !== undefined) throw new Error(`${fault.path} ${fault.message}`);
  return overrides.operator;
}

/** What a discount does, apart from how much: two that do the same to the same models contradict each other. */
function formOf({ multiply, rates, subtract }: Discount): string {
  if (multiply !== undefined) return 'multiply';
  return `${rates === undefined ? 'subtract' : 'rates'} ${Object.keys(rates ?? subtract ?? {})
    .toSorted()
    .join(' ')}`;
}

/** Entries with the same key are about one thing and begin at once. */
function keyOf(row: OverrideRow, layer: PriceLayer): string {
  const { tenant_id: tenant, kind, provider, model, valid_from: from } = row;
  const forms = layer.discounts.map(formOf);
  return JSON.stringify([tenant, kind, provider.toLowerCase(), model.toLowerCase(), from, forms]);
}

interface Collected {
  prices: LayerPrice[];
  deployments: Deployment[];
  discounts: Discount[];
  currencies: CurrencyRate[];
}

function frozen({ currencies, ...rest }: Collected): PriceLayer {
  return { ...rest, ...(currencies.length === 0 ? {} : { currencies }) };
}

/** What rows said, by id; text where one is no entry. */
type KnownRows = Map<string, { readonly text: string; readonly layer: PriceLayer | string }>;

/** Turns rows into layers; what a row says is remembered, since rows hardly ever change. */
export class OverrideRows {
  #known: KnownRows = new Map();

  /** Rows must come newest first: of two for one thing that begin at once the newer one applies. */
  async read(rows: readonly OverrideRow[]): Promise<RowOverrides> {
    const known: KnownRows = new Map();
    const layers = new Map<string, Collected>();
    const seen = new Map<string, string>();
    const skipped: SkippedRow[] = [];
    for (const [index, row] of rows.entries()) {
      // Others have their turn: a hundred thousand entries take seconds.
      if (index % ROWS_PER_TURN === ROWS_PER_TURN - 1) await nextTurn();
      const layer = this.#layerOf(row, known);
      if (typeof layer === 'string') {
        skipped.push({ id: row.id, reason: layer });
        continue;
      }
      const key = keyOf(row, layer);
      const newer = seen.get(key);
      const reason =
        newer === undefined
          ? add(layers, row.tenant_id, layer)
          : `entry ${newer} is newer, for the same thing from the same time`;
      if (reason === null) seen.set(key, row.id);
      else skipped.push({ id: row.id, reason });
    }
    this.#known = known;
    const operator = layers.get('');
    layers.delete('');
    return {
      overrides: {
        operator: operator === undefined ? EMPTY_LAYER : frozen(operator),
        tenants: new Map([...layers].map(([tenant, layer]) => [tenant, frozen(layer)])),
      },
      entries: rows.length - skipped.length,
      skipped,
    };
  }

  #layerOf(row: OverrideRow, known: KnownRows): PriceLayer | string {
    const text = JSON.stringify(row);
    const before = this.#known.get(row.id);
    const layer = before?.text === text ? before.layer : readLayer(row);
    known.set(row.id, { text, layer });
    return layer;
  }
}

function readLayer(row: OverrideRow): PriceLayer | string {
  try {
    return layerOfRow(row);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function add(layers: Map<string, Collected>, tenant: string, layer: PriceLayer): string | null {
  const into = layers.get(tenant) ?? { prices: [], deployments: [], discounts: [], currencies: [] };
  if (into.discounts.length + layer.discounts.length > MAX_DISCOUNTS) {
    return `there are ${MAX_DISCOUNTS} newer discounts, which are the most`;
  }
  layers.set(tenant, into);
  into.prices.push(...layer.prices);
  into.deployments.push(...layer.deployments);
  into.discounts.push(...layer.discounts);
  into.currencies.push(...(layer.currencies ?? []));
  return null;
}
