import type { ClientBase } from 'pg';
import { audit, inTransaction } from '../keys/transaction.ts';
import { Refusal } from '../pipeline/refusal.ts';
import type { NewOverride } from './override-entries.ts';
import {
  DEFAULT_MAX_OVERRIDES,
  MAX_DISCOUNTS,
  ROW_COLUMNS,
  type OverrideKind,
  type OverrideRow,
} from './override-rows.ts';

/** An entry of the database, for people. */
export interface OverrideListing {
  readonly id: string;
  /** Null for the operator's. */
  readonly tenant: string | null;
  readonly kind: OverrideKind;
  readonly provider: string;
  readonly model: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly prices: unknown;
  readonly note: string | null;
  readonly createdBy: string | null;
  readonly createdAt: string;
}

const MAX_CLASHES = 20;
const MAX_LISTED = 10_000;

/** Nobody may change entries between the look at them and the insertion. */
const LOCK = 'LOCK TABLE spanmeter.price_overrides IN SHARE ROW EXCLUSIVE MODE';

const CREATE_NEW = `CREATE TEMPORARY TABLE new_overrides ON COMMIT DROP AS
  SELECT ordinality::int AS n, tenant_id, kind, provider, model, valid_from, valid_to, prices
  FROM ROWS FROM (jsonb_to_recordset($1::jsonb) AS (tenant_id text, kind text, provider text, model text,
    valid_from timestamptz, valid_to timestamptz, prices jsonb)) WITH ORDINALITY`;

/** What entries are about; the models of a discount are text in its column. */
const SAME_THING = `o.tenant_id = n.tenant_id AND o.kind = n.kind AND o.provider = n.provider
  AND lower(o.model) = lower(n.model) AND coalesce(o.valid_from < o.valid_to, true)`;

/** As within a file: no two begin at once, and of two that both end none outlasts the one it begins in. */
const CLASHES = `SELECT o.id::text, n.tenant_id, n.kind, n.provider, n.model,
    o.valid_from IS NOT DISTINCT FROM n.valid_from AS same_start
  FROM new_overrides n JOIN spanmeter.price_overrides o ON ${SAME_THING}
  WHERE CASE WHEN n.kind = 'discount'
    THEN o.valid_from IS NOT DISTINCT FROM n.valid_from AND (o.prices ? 'multiply') = (n.prices ? 'multiply')
      AND (o.prices ? 'rates') = (n.prices ? 'rates') AND (o.prices ? 'multiply' OR EXISTS (
        SELECT jsonb_object_keys(coalesce(o.prices->'rates', o.prices->'subtract'))
        INTERSECT SELECT jsonb_object_keys(coalesce(n.prices->'rates', n.prices->'subtract'))))
    ELSE o.valid_from IS NOT DISTINCT FROM n.valid_from
      OR (coalesce(o.valid_from, '-infinity') < coalesce(n.valid_from, '-infinity')
        AND n.valid_from < o.valid_to AND o.valid_to < n.valid_to)
      OR (coalesce(n.valid_from, '-infinity') < coalesce(o.valid_from, '-infinity')
        AND o.valid_from < n.valid_to AND n.valid_to < o.valid_to)
    END
  ORDER BY n.n, o.id LIMIT ${MAX_CLASHES + 1}`;

/** Currencies that new entries use and that have no rate, neither the tenant's own nor the operator's. */
const RATELESS = `SELECT DISTINCT n.tenant_id, n.prices->>'currency' AS currency FROM new_overrides n
  WHERE n.prices ? 'currency' AND NOT EXISTS (
    SELECT FROM (SELECT tenant_id, kind, model FROM spanmeter.price_overrides
      UNION ALL SELECT tenant_id, kind, model FROM new_overrides) r
    WHERE r.kind = 'currency' AND r.model = n.prices->>'currency' AND r.tenant_id IN (n.tenant_id, ''))
  ORDER BY 1, 2 LIMIT ${MAX_CLASHES}`;

const COUNTS = `SELECT (SELECT count(*) FROM spanmeter.price_overrides)::int AS entries,
  (SELECT coalesce(max(of_one), 0) FROM (SELECT count(*) AS of_one FROM spanmeter.price_overrides
    WHERE kind = 'discount' AND coalesce(valid_from < valid_to, true) GROUP BY tenant_id) d)::int AS discounts`;

interface Clash {
  readonly id: string;
  readonly tenant_id: string;
  readonly kind: string;
  readonly provider: string;
  readonly model: string;
  readonly same_start: boolean;
}

function named({ tenant_id: tenant, kind, provider, model }: Clash): string {
  return `${kind} ${provider} ${model}${tenant === '' ? '' : ` of ${tenant}`}`;
}

async function refuseContradictions(client: ClientBase): Promise<void> {
  const clashes = (await client.query<Clash>(CLASHES)).rows;
  const rateless = (await client.query<{ tenant_id: string; currency: string }>(RATELESS)).rows;
  const faults = [
    ...clashes.map((clash) =>
      clash.same_start
        ? `${named(clash)}: entry ${clash.id} begins at the same time`
        : `${named(clash)}: it and entry ${clash.id} overlap, and neither lies within the other`,
    ),
    ...rateless.map(
      ({ currency }) => `no rate of ${currency} is given under "currencies", nor stored before`,
    ),
  ];
  if (faults.length === 0) return;
  const shown = faults.slice(0, MAX_CLASHES).map((fault) => `\n  ${fault}`);
  throw new Refusal('invalid', `nothing is stored, since it contradicts what is there:${shown.join('')}`);
}

async function refuseTooMany(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ entries: number; discounts: number }>(COUNTS);
  const { entries = 0, discounts = 0 } = rows[0] ?? {};
  if (entries > DEFAULT_MAX_OVERRIDES) {
    throw new Refusal(
      'invalid',
      `the database would have ${entries} entries; ${DEFAULT_MAX_OVERRIDES} are the most`,
    );
  }
  if (discounts > MAX_DISCOUNTS) {
    throw new Refusal(
      'invalid',
      `one tenant would have ${discounts} discounts; ${MAX_DISCOUNTS} are the most`,
    );
  }
}

/** Who adds entries and why. */
export interface AddedBy {
  readonly actor: string;
  readonly note: string | null;
}

/**
 * Stores entries, all or none, and tells of it in the audit log. Rejects with Refusal `invalid` where they
 * contradict what is stored. Resolves with their ids, in order.
 */
export async function addOverrides(
  client: ClientBase,
  entries: readonly NewOverride[],
  by: AddedBy,
): Promise<readonly string[]> {
  const rows = entries.map(({ tenantId, kind, provider, model, from, to, prices }) => ({
    tenant_id: tenantId,
    kind,
    provider,
    model,
    valid_from: from,
    valid_to: to,
    prices,
  }));
  return inTransaction(client, async () => {
    await client.query(LOCK);
    await client.query(CREATE_NEW, [JSON.stringify(rows)]);
    await refuseContradictions(client);
    const inserted = await client.query<{ id: string; tenant_id: string }>(
      `INSERT INTO spanmeter.price_overrides
         (tenant_id, kind, provider, model, valid_from, valid_to, prices, note, created_by)
       SELECT tenant_id, kind, provider, model, valid_from, valid_to, prices, $1, $2 FROM new_overrides ORDER BY n
       RETURNING id::text, tenant_id`,
      [by.note, by.actor],
    );
    await refuseTooMany(client);
    await auditAdded(client, inserted.rows, by);
    return inserted.rows.map(({ id }) => id);
  });
}

/** One line for each tenant, with the first and the last id. */
async function auditAdded(
  client: ClientBase,
  rows: readonly { readonly id: string; readonly tenant_id: string }[],
  { actor, note }: AddedBy,
): Promise<void> {
  const byTenant = new Map<string, string[]>();
  for (const { id, tenant_id: tenant } of rows) {
    const own = byTenant.get(tenant);
    if (own === undefined) byTenant.set(tenant, [id]);
    else own.push(id);
  }
  for (const [tenant, ids] of byTenant) {
    await audit(client, {
      actor,
      action: 'override.add',
      tenant: tenant === '' ? null : tenant,
      target: ids[0] ?? '',
      detail: { entries: String(ids.length), last: ids.at(-1) ?? null, note },
    });
  }
}

interface ListedRow extends OverrideRow {
  readonly note: string | null;
  readonly created_by: string | null;
  readonly created_at: Date;
}

function listing(row: ListedRow): OverrideListing {
  return {
    id: row.id,
    tenant: row.tenant_id === '' ? null : row.tenant_id,
    kind: row.kind as OverrideKind,
    provider: row.provider,
    model: row.model,
    from: row.valid_from,
    to: row.valid_to,
    prices: row.prices === null ? null : (JSON.parse(row.prices) as unknown),
    note: row.note,
    createdBy: row.created_by,
    createdAt: row.created_at.toISOString(),
  };
}

/** Entries, newest first, at most 10,000; of one tenant (empty for the operator), or all where it is null. */
export async function listOverrides(client: ClientBase, tenant: string | null): Promise<OverrideListing[]> {
  const { rows } = await client.query<ListedRow>(
    `SELECT ${ROW_COLUMNS}, note, created_by, created_at FROM spanmeter.price_overrides p
     WHERE $1::text IS NULL OR tenant_id = $1 ORDER BY p.id DESC LIMIT ${MAX_LISTED}`,
    [tenant],
  );
  return rows.map(listing);
}

export interface EndRequest {
  readonly id: string;
  /** ISO instant with a zone; null for now, by the database's clock. */
  readonly at: string | null;
  /** Whether `at` may be in the past, where calls were priced already. */
  readonly force: boolean;
  readonly actor: string;
}

const END_AT = 'coalesce($2::timestamptz, now())';
/** Clocks differ a little, and an instant that was now takes a moment to get here. */
const CLOCK_TOLERANCE = '1 minute';

/**
 * Ends an entry; one that has not begun then is called off. Rejects with Refusal: `not_found`, or `invalid`
 * where it ends earlier already, or in the past without force, since what was priced changes only by a reprice.
 */
export async function endOverride(client: ClientBase, request: EndRequest): Promise<OverrideListing> {
  const { id, at, force, actor } = request;
  if (!/^\d{1,18}$/.test(id)) throw new Refusal('not_found', `There is no price override "${id}".`);
  return inTransaction(client, async () => {
    const { rows } = await client.query<ListedRow & { ended: boolean; past: boolean }>(
      `SELECT ${ROW_COLUMNS}, note, created_by, created_at, coalesce(p.valid_to <= ${END_AT}, false) AS ended,
         greatest(${END_AT}, p.valid_from) < now() - interval '${CLOCK_TOLERANCE}' AS past
       FROM spanmeter.price_overrides p WHERE p.id = $1 FOR UPDATE`,
      [id, at],
    );
    const [row] = rows;
    if (row === undefined) throw new Refusal('not_found', `There is no price override "${id}".`);
    if (row.ended) throw new Refusal('invalid', `Price override ${id} ends at ${row.valid_to} already.`);
    if (row.past && !force) {
      const why = 'what was priced since then changes only by a reprice';
      throw new Refusal('invalid', `${at} is in the past, and ${why}: repeat with --force to end it then.`);
    }
    const ended = await client.query<ListedRow>(
      `UPDATE spanmeter.price_overrides p SET valid_to = greatest(${END_AT}, p.valid_from)
       WHERE p.id = $1 RETURNING ${ROW_COLUMNS}, note, created_by, created_at`,
      [id, at],
    );
    const after = listing(ended.rows[0] as ListedRow);
    const detail = { from: row.valid_to, to: after.to, force: force ? 'yes' : null };
    await audit(client, { actor, action: 'override.end', tenant: after.tenant, target: id, detail });
    return after;
  });
}
