import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { parseExpiry } from '@spanmeter/collector/dist/keys/expiry.js';
import { hashKey, isKey, newKey } from '@spanmeter/collector/dist/keys/key.js';
import { KeysFileError, readKeysFile, storeFirstKeys } from '@spanmeter/collector/dist/keys/keys-file.js';
import { createKey, listKeys, revokeKey, rotateKey } from '@spanmeter/collector/dist/keys/store.js';
import { createTenant, listTenants } from '@spanmeter/collector/dist/keys/tenant-store.js';
import { freshDatabase, sql, type FreshDatabase } from '../../support/database.js';

const TENANT = { id: 'acme', name: 'Acme', timezone: 'Europe/Rome', currency: 'EUR' };

describe('the key store', () => {
  let database: FreshDatabase;
  let client: Client;
  let folder: string;

  before(async () => {
    database = await freshDatabase();
    client = new Client({ connectionString: database.url });
    await client.connect();
    folder = await mkdtemp(join(tmpdir(), 'spanmeter-keys-'));
  });

  after(async () => {
    await client.end();
    await database.drop();
    await rm(folder, { recursive: true });
  });

  async function keysFile(text: string): Promise<string> {
    const path = join(folder, 'keys.yaml');
    await writeFile(path, text);
    return path;
  }

  it('makes keys of 256 bits whose id says nothing of them', () => {
    const made = Array.from({ length: 100 }, newKey);
    assert.equal(new Set(made.map(({ key }) => key)).size, 100);
    for (const { id, key, hash } of made) {
      assert.match(key, /^sm_[0-9A-Za-z]{43}$/);
      assert.match(id, /^k_[0-9a-f]{16}$/);
      assert.equal(hash, hashKey(key));
      assert.ok(isKey(key));
      assert.equal(key.includes(id.slice(2)), false);
    }
  });

  it('makes a tenant once, and refuses to make it with other settings', async () => {
    assert.equal((await createTenant(client, TENANT, 'test')).created, true);
    assert.equal((await createTenant(client, TENANT, 'test')).created, false);
    await assert.rejects(createTenant(client, { ...TENANT, timezone: 'UTC' }, 'test'), { code: 'invalid' });
    assert.deepEqual(
      (await listTenants(client)).map(({ id, timezone }) => [id, timezone]),
      [['acme', 'Europe/Rome']],
    );
  });

  it('refuses impossible tenants before the database sees them', async () => {
    for (const bad of [
      { id: '' },
      { id: 'x'.repeat(513) },
      { id: 'a\u0000b' },
      { id: 'a\u001B[31mb' },
      { timezone: 'Mars/Olympus' },
      { timezone: '+01:00' },
      { currency: 'euro' },
    ]) {
      await assert.rejects(
        createTenant(client, { ...TENANT, ...bad }, 'test'),
        { code: 'invalid' },
        JSON.stringify(bad),
      );
    }
  });

  it('stores only the hash of a key and writes every change to the audit log', async () => {
    const request = { role: 'ingest', tenant: 'acme', team: 'pay', expiresAt: null } as const;
    const key = await createKey(client, request, 'cli:test');
    const fresh = await rotateKey(client, key.id, { expiresAt: null, oldExpiresAt: null }, 'cli:test');
    await revokeKey(client, key.id, 'cli:test');
    const [stored] = await sql<{ row: string }>(
      database.url,
      `SELECT string_agg(k::text, ' ') AS row FROM spanmeter.api_keys k`,
    );
    assert.equal(stored!.row.includes(key.key), false);
    const log = await sql<{ action: string; target: string; detail: unknown }>(
      database.url,
      `SELECT action, target, detail::text FROM spanmeter.audit_log WHERE action LIKE 'key.%' ORDER BY id`,
    );
    assert.deepEqual(
      log.map(({ action, target }) => [action, target]),
      [
        ['key.create', key.id],
        ['key.rotate', fresh.id],
        ['key.revoke', key.id],
      ],
    );
    assert.equal(JSON.stringify(log).includes(key.key.slice(3)), false);
    assert.equal((await listKeys(client, 'acme')).length, 2);
    assert.equal((await listKeys(client, 'other')).length, 0);
  });

  it('refuses keys that make no sense', async () => {
    const request = { role: 'ingest', tenant: 'acme', team: null, expiresAt: null } as const;
    await assert.rejects(createKey(client, { ...request, tenant: null }, 'test'), { code: 'invalid' });
    await assert.rejects(createKey(client, { ...request, role: 'read', tenant: null }, 'test'), {
      code: 'invalid',
    });
    await assert.rejects(createKey(client, { ...request, role: 'admin' }, 'test'), { code: 'invalid' });
    await assert.rejects(createKey(client, { ...request, role: 'read', team: 'x' }, 'test'), {
      code: 'invalid',
    });
    await assert.rejects(createKey(client, { ...request, tenant: 'nobody' }, 'test'), { code: 'not_found' });
    await assert.rejects(revokeKey(client, 'k_none', 'test'), { code: 'not_found' });
    const gateway = await createKey(client, { ...request, role: 'gateway', tenant: null }, 'test');
    await revokeKey(client, gateway.id, 'test');
    const times = { expiresAt: null, oldExpiresAt: null };
    await assert.rejects(rotateKey(client, gateway.id, times, 'test'), { code: 'invalid' });
  });

  it('reads spans of time, dates and instants to come, and nothing else', () => {
    const now = new Date('2026-11-20T12:00:00Z');
    assert.equal(parseExpiry('90d', now)?.toISOString(), '2027-02-18T12:00:00.000Z');
    assert.equal(parseExpiry('12h', now)?.toISOString(), '2026-11-21T00:00:00.000Z');
    assert.equal(parseExpiry('2027-01-31', now)?.toISOString(), '2027-01-31T00:00:00.000Z');
    assert.equal(parseExpiry('2027-01-31T10:00:00+02:00', now)?.toISOString(), '2027-01-31T08:00:00.000Z');
    for (const bad of ['', '0d', '90', '90m', '2026-11-20', '2027-01-31T10:00:00', 'soon', '2027-13-01']) {
      assert.equal(parseExpiry(bad, now), null, bad);
    }
  });

  it('stores first keys from a file once; a revoked one stays revoked', async () => {
    const path = await keysFile(`
keys:
  - { id: first, key: sm_demo_key_of_umbrella_1, role: ingest, tenant: umbrella, team: labs, expires: 2030-01-01 }
  - { id: second, sha256: ${hashKey('sm_another_key_of_umbrella')}, role: read, tenant: umbrella }
  - { id: third, key: sm_the_operators_own_key_1, role: admin }
`);
    const keys = await readKeysFile(path);
    assert.deepEqual(await storeFirstKeys(client, keys), {
      added: ['first', 'second', 'third'],
      different: [],
    });
    await revokeKey(client, 'first', 'test');
    assert.deepEqual(await storeFirstKeys(client, keys), { added: [], different: [] });
    const [first] = (await listKeys(client, 'umbrella')).filter((key) => key.id === 'first');
    assert.notEqual(first!.revokedAt, null);
    assert.equal(first!.expiresAt?.toISOString(), '2030-01-01T00:00:00.000Z');
    const changed = keys.map((key) => ({ ...key, team: 'other' }));
    assert.deepEqual((await storeFirstKeys(client, changed)).different, ['first', 'second', 'third']);
  });

  it('names every fault of a keys file and never a key', async () => {
    const path = await keysFile(`
keys:
  - { id: one, key: sm_secret, role: ingest, tenant: a }
  - { id: two, key: sm_secret_secret_secret, sha256: ${'a'.repeat(64)}, role: king }
  - { id: three, key: sm_secret_secret_secret, role: ingest, colour: blue }
`);
    await assert.rejects(readKeysFile(path), (error: unknown) => {
      assert.ok(error instanceof KeysFileError);
      const places = new Set(error.faults.map((fault) => fault.split(':')[0]));
      assert.deepEqual(places, new Set(['keys.0.key', 'keys.1.role', 'keys.2']));
      assert.equal(error.message.includes('sm_secret'), false);
      return true;
    });
    await keysFile('keys: [ {id: x, key: sm_secret_secret_secret');
    await assert.rejects(readKeysFile(path), (error: Error) => !error.message.includes('sm_secret'));
    await assert.rejects(readKeysFile(join(folder, 'missing.yaml')), /ENOENT/);
    await assert.rejects(readKeysFile(folder), /not a regular file/);
    for (const tenant of ['a\\0b', 'a\\nb', '\\ud800', 'é'.repeat(257)]) {
      const garbled = await keysFile(
        `keys: [{id: x, key: sm_secret_secret_secret, role: ingest, tenant: "${tenant}"}]`,
      );
      await assert.rejects(readKeysFile(garbled), /keys\.0\.tenant: A tenant's id has/);
    }
    const twice = await keysFile(
      `keys: [{id: x, key: sm_secret_secret_secret, role: admin}, {id: x, key: sm_secret_secret_secret, role: admin}]`,
    );
    await assert.rejects(readKeysFile(twice), /listed twice/);
  });

  it('takes no keys file that is no sound YAML', async () => {
    const faults = {
      'keys: []\nkeys: []': /DUPLICATE_KEY/,
      'keys: []\n---\nkeys: []': /MULTIPLE_DOCS/,
      'keys: [ {': /BAD_INDENT/,
      [`keys: ${'['.repeat(100_000)}`]: /not readable/,
    };
    for (const [text, fault] of Object.entries(faults)) {
      await assert.rejects(readKeysFile(await keysFile(text)), fault);
    }
  });
});
