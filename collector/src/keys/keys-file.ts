import { readFile, stat } from 'node:fs/promises';
import type { ClientBase } from 'pg';
import { LineCounter } from 'yaml';
import { z } from 'zod';
import { parseYaml } from '../config/parse-yaml.ts';
import { hashKey, isKey } from './key.ts';
import { keyFault } from './store.ts';
import { KEY_ROLES } from './stored-key.ts';
import { tenantIdFault } from './tenant-store.ts';
import { audit, inTransaction } from './transaction.ts';

const MAX_KEYS = 10_000;

const ENTRY = z
  .strictObject({
    id: z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/, 'letters, digits, "_", "-" and ".", at most 64'),
    key: z.string().refine(isKey, 'a key is "sm_" and at least 16 letters, digits, "_" or "-"').optional(),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/i, '64 hex digits')
      .optional(),
    role: z.enum(KEY_ROLES),
    tenant: z.string().optional(),
    team: z
      .string()
      .min(1)
      .max(256)
      .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'a team has no control characters')
      .optional(),
    expires: z.union([z.iso.datetime({ offset: true }), z.iso.date()]).optional(),
  })
  .superRefine((entry, context) => {
    if ((entry.key === undefined) === (entry.sha256 === undefined)) {
      context.addIssue({ code: 'custom', message: 'give either key or sha256' });
    }
    const fault = keyFault({ role: entry.role, tenant: entry.tenant ?? null, team: entry.team ?? null });
    if (fault !== null) context.addIssue({ code: 'custom', message: fault });
    const tenantFault = entry.tenant === undefined ? null : tenantIdFault(entry.tenant);
    if (tenantFault !== null) context.addIssue({ code: 'custom', path: ['tenant'], message: tenantFault });
  });

const FILE = z.strictObject({ keys: z.array(ENTRY).max(MAX_KEYS) });

/** A first key as the store takes it. */
export interface FirstKey {
  readonly id: string;
  readonly hash: string;
  readonly hint: string | null;
  readonly role: (typeof KEY_ROLES)[number];
  readonly tenant: string | null;
  readonly team: string | null;
  readonly expiresAt: Date | null;
}

/** A keys file that cannot be used; `faults` name their place in the file, never a key. */
export class KeysFileError extends Error {
  readonly faults: readonly string[];
  constructor(path: string, faults: readonly string[], options: ErrorOptions = {}) {
    super(`The keys file ${path} cannot be used: ${faults.join('; ')}`, options);
    this.name = 'KeysFileError';
    this.faults = faults;
  }
}

/** Reads `SPANMETER_KEYS_FILE`: YAML or JSON, `keys: [{id, key | sha256, role, tenant, team, expires}]`. */
export async function readKeysFile(path: string): Promise<FirstKey[]> {
  let document: unknown;
  try {
    // A pipe can be read once only, and the file is read again when the store is reached.
    if (!(await stat(path)).isFile()) throw new KeysFileError(path, ['not a regular file']);
    // The parser's own message would quote the line, and with it a key.
    const read = parseYaml(await readFile(path, 'utf8'), new LineCounter());
    const [error] = read.errors;
    if (error !== undefined) throw error;
    document = read.toJS();
  } catch (error) {
    if (error instanceof KeysFileError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? 'not readable';
    throw new KeysFileError(path, [typeof code === 'string' ? code : 'not readable']);
  }
  const result = FILE.safeParse(document);
  if (!result.success) {
    const faults = result.error.issues.map((issue) => `${issue.path.join('.') || 'file'}: ${issue.message}`);
    throw new KeysFileError(path, faults);
  }
  const keys = result.data.keys.map((entry) => ({
    id: entry.id,
    hash: entry.key === undefined ? (entry.sha256 ?? '').toLowerCase() : hashKey(entry.key),
    hint: entry.key?.slice(-4) ?? null,
    role: entry.role,
    tenant: entry.tenant ?? null,
    team: entry.team ?? null,
    expiresAt: entry.expires === undefined ? null : new Date(entry.expires),
  }));
  const twice = repeated(keys.map(({ id }) => id)).concat(
    repeated(keys.map(({ hash }) => hash)).map(() => 'a key'),
  );
  if (twice.length > 0)
    throw new KeysFileError(
      path,
      twice.map((what) => `${what} is listed twice`),
    );
  return keys;
}

function repeated(values: readonly string[]): string[] {
  return values.filter((value, index) => values.indexOf(value) !== index);
}

/** What storing the first keys did: ids that were new, and ids that the store has differently. */
export interface FirstKeysResult {
  readonly added: readonly string[];
  /** Left as the store has them: a key is changed by adding one with another id. */
  readonly different: readonly string[];
}

/**
 * Stores first keys and their tenants in one transaction. A key that is there already stays as it is, so a
 * revoked key stays revoked however often the collector starts.
 */
export async function storeFirstKeys(
  client: ClientBase,
  keys: readonly FirstKey[],
): Promise<FirstKeysResult> {
  return inTransaction(client, async () => {
    const added: string[] = [];
    const different: string[] = [];
    for (const key of keys) {
      if (key.tenant !== null) {
        await client.query('INSERT INTO spanmeter.tenants (id) VALUES ($1) ON CONFLICT (id) DO NOTHING', [
          key.tenant,
        ]);
      }
      if (await insertFirstKey(client, key)) added.push(key.id);
      else if (!(await isSame(client, key))) different.push(key.id);
    }
    return { added, different };
  });
}

async function insertFirstKey(client: ClientBase, key: FirstKey): Promise<boolean> {
  const inserted = await client.query(
    `INSERT INTO spanmeter.api_keys (id, tenant_id, team, role, hash, hint, expires_at)
     VALUES ($1, $2, $3, $4, decode($5, 'hex'), $6, $7) ON CONFLICT DO NOTHING`,
    [key.id, key.tenant, key.team, key.role, key.hash, key.hint, key.expiresAt],
  );
  if (inserted.rowCount === 0) return false;
  const detail = { role: key.role, team: key.team, expires: key.expiresAt?.toISOString() ?? null };
  await audit(client, {
    actor: 'keys_file',
    action: 'key.create',
    tenant: key.tenant,
    target: key.id,
    detail,
  });
  return true;
}

async function isSame(client: ClientBase, key: FirstKey): Promise<boolean> {
  const { rowCount } = await client.query(
    `SELECT FROM spanmeter.api_keys WHERE id = $1 AND hash = decode($2, 'hex') AND role = $3
       AND tenant_id IS NOT DISTINCT FROM $4 AND team IS NOT DISTINCT FROM $5`,
    [key.id, key.hash, key.role, key.tenant, key.team],
  );
  return rowCount === 1;
}
