import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, connect, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import {
  createKeyAuthenticator,
  type KeyAuthenticator,
} from '@spanmeter/collector/dist/keys/authenticator.js';
import { hashKey } from '@spanmeter/collector/dist/keys/key.js';
import { createKey, revokeKey, rotateKey, type CreatedKey } from '@spanmeter/collector/dist/keys/store.js';
import { createTenant } from '@spanmeter/collector/dist/keys/tenant-store.js';
import type { HeaderLookup } from '@spanmeter/collector/dist/pipeline/identity.js';
import { SILENT_LOG } from '@spanmeter/collector/dist/pipeline/silent.js';
import { freshDatabase, type FreshDatabase } from '../../support/database.ts';
import { freePorts } from '../../support/free-port.ts';

const NEVER_SEEN = `sm_${'x'.repeat(43)}`;

function bearer(key: string): HeaderLookup {
  return (name) => (name === 'authorization' ? `Bearer ${key}` : undefined);
}

function plain(key: string): HeaderLookup {
  return (name) => (name === 'x-api-key' ? key : undefined);
}

/** A TCP relay in front of PostgreSQL that can be cut, as a network is. */
async function startRelay(
  target: URL,
): Promise<{ url: string; cut(): Promise<void>; mend(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const make = (): Server =>
    createServer((near) => {
      const far = connect(Number(target.port), target.hostname);
      for (const socket of [near, far]) {
        sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
      near.pipe(far);
      far.pipe(near);
    });
  let server = make();
  // One that nobody else is given while it is cut.
  const [port] = await freePorts(1);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(target.href);
  url.port = String(port);
  return {
    url: url.href,
    async cut() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
    async mend() {
      server = make();
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
    },
  };
}

/** Resolves when `condition` holds; fails by the test's own time limit. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('key authentication', () => {
  let database: FreshDatabase;
  let client: Client;
  let folder: string;
  let snapshotPath: string;
  const running: KeyAuthenticator[] = [];

  async function start(
    url: string,
    options: { clock?: () => number; pollMs?: number } = {},
  ): Promise<KeyAuthenticator> {
    const authenticator = createKeyAuthenticator({
      async connect() {
        const connected = new Client({ connectionString: url });
        await connected.connect();
        return connected;
      },
      snapshotPath,
      log: SILENT_LOG,
      clock: Date.now,
      pollMs: 10_000,
      ...options,
    });
    running.push(authenticator);
    await authenticator.start();
    return authenticator;
  }

  async function newIngestKey(expiresAt: Date | null = null): Promise<CreatedKey> {
    return createKey(client, { role: 'ingest', tenant: 'acme', team: 'pay', expiresAt }, 'test');
  }

  before(async () => {
    database = await freshDatabase();
    client = new Client({ connectionString: database.url });
    await client.connect();
    await createTenant(client, { id: 'acme', name: null, timezone: 'UTC', currency: 'USD' }, 'test');
  });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'spanmeter-keys-'));
    snapshotPath = join(folder, 'keys.json');
  });

  afterEach(async () => {
    await Promise.all(running.splice(0).map((one) => one.stop(AbortSignal.timeout(1_000))));
    await rm(folder, { recursive: true });
  });

  after(async () => {
    await client.end();
    await database.drop();
  });

  it('proves a key from either header and tells its tenant, team and role', async () => {
    const key = await newIngestKey();
    const authenticator = await start(database.url);
    const identity = { role: 'ingest', tenant: 'acme', team: 'pay', keyId: key.id };
    assert.deepEqual(await authenticator.authenticate(bearer(key.key)), identity);
    assert.deepEqual(await authenticator.authenticate(plain(key.key)), identity);
    const scheme: HeaderLookup = (name) => (name === 'authorization' ? `bearer  ${key.key}` : undefined);
    assert.deepEqual(await authenticator.authenticate(scheme), identity);
  });

  it('refuses no key, another scheme, a malformed key and an unknown key as unauthenticated', async () => {
    const authenticator = await start(database.url);
    const basic: HeaderLookup = (name) => (name === 'authorization' ? 'Basic sm_abc' : undefined);
    for (const header of [() => undefined, basic, plain('am_x'), plain('sm_short'), plain(NEVER_SEEN)]) {
      await assert.rejects(authenticator.authenticate(header), { name: 'Refusal', code: 'unauthenticated' });
    }
  });

  it('knows a key made after it started', async () => {
    const authenticator = await start(database.url);
    const key = await newIngestKey();
    assert.equal((await authenticator.authenticate(plain(key.key))).keyId, key.id);
  });

  it('refuses a revoked key as soon as the notification is here', async () => {
    const key = await newIngestKey();
    const authenticator = await start(database.url);
    await authenticator.authenticate(plain(key.key));
    assert.equal(await revokeKey(client, key.id, 'test'), true);
    assert.equal(await revokeKey(client, key.id, 'test'), false);
    await until(() =>
      authenticator.authenticate(plain(key.key)).then(
        () => false,
        (error: { code: string }) => error.code === 'unauthenticated',
      ),
    );
  });

  it('sees a revocation by polling where no notification comes', async () => {
    const key = await newIngestKey();
    const authenticator = await start(database.url, { pollMs: 20 });
    await client.query('ALTER TABLE spanmeter.api_keys DISABLE TRIGGER USER');
    try {
      await client.query('UPDATE spanmeter.api_keys SET revoked_at = now() WHERE id = $1', [key.id]);
      await until(() =>
        authenticator.authenticate(plain(key.key)).then(
          () => false,
          () => true,
        ),
      );
    } finally {
      await client.query('ALTER TABLE spanmeter.api_keys ENABLE TRIGGER USER');
    }
  });

  it('refuses an expired key at once, without asking anybody', async () => {
    let now = Date.now();
    const key = await newIngestKey(new Date(now + 60_000));
    const authenticator = await start(database.url, { clock: () => now });
    await authenticator.authenticate(plain(key.key));
    now += 60_000;
    await assert.rejects(authenticator.authenticate(plain(key.key)), {
      code: 'unauthenticated',
      message: /expired/,
    });
  });

  it('takes the old and the new key after a rotation, until the old one ends', async () => {
    const old = await newIngestKey();
    let now = Date.now();
    const oldExpiresAt = new Date(now + 3_600_000);
    const fresh = await rotateKey(client, old.id, { expiresAt: null, oldExpiresAt }, 'test');
    assert.equal(fresh.rotatedFrom, old.id);
    const authenticator = await start(database.url, { clock: () => now });
    assert.equal((await authenticator.authenticate(plain(old.key))).keyId, old.id);
    const identity = await authenticator.authenticate(plain(fresh.key));
    assert.deepEqual(identity, { role: 'ingest', tenant: 'acme', team: 'pay', keyId: fresh.id });
    now += 3_600_000;
    await assert.rejects(authenticator.authenticate(plain(old.key)), { code: 'unauthenticated' });
    await authenticator.authenticate(plain(fresh.key));
  });

  it('while the store is down: 503 for an unknown key, a cached one goes on; and recovers by itself', async () => {
    const relay = await startRelay(new URL(database.url));
    const key = await newIngestKey();
    const authenticator = await start(relay.url);
    await relay.cut();
    await until(() => !authenticator.reachable);
    await authenticator.authenticate(plain(key.key));
    for (const unknown of [NEVER_SEEN, 'sm_short']) {
      await assert.rejects(authenticator.authenticate(plain(unknown)), (error: Record<string, unknown>) => {
        assert.equal(error['code'], 'unavailable');
        assert.ok(Number(error['retryAfterMs']) > 0);
        return true;
      });
    }
    await relay.mend();
    await until(() => authenticator.reachable);
    await assert.rejects(authenticator.authenticate(plain(NEVER_SEEN)), { code: 'unauthenticated' });
    await Promise.all(running.splice(0).map((one) => one.stop(AbortSignal.timeout(1_000))));
    await relay.cut();
  });

  it('starts from its snapshot of hashes while the store is down', async () => {
    const key = await newIngestKey();
    const first = await start(database.url);
    await first.stop(AbortSignal.timeout(1_000));
    const text = await readFile(snapshotPath, 'utf8');
    assert.equal(text.includes(key.key.slice(3)), false, 'no key in the file');
    assert.ok(text.includes(hashKey(key.key)));
    assert.equal((await stat(snapshotPath)).mode & 0o777, 0o600);
    const second = await start('postgres://nobody@127.0.0.1:1/none');
    assert.equal((await second.authenticate(plain(key.key))).keyId, key.id);
    await assert.rejects(second.authenticate(plain(NEVER_SEEN)), { code: 'unavailable' });
  });

  it('starts without a snapshot, or with a garbled one, and refuses every key as unavailable', async () => {
    const authenticator = await start('postgres://nobody@127.0.0.1:1/none');
    await assert.rejects(authenticator.authenticate(plain(NEVER_SEEN)), { code: 'unavailable' });
    await writeFile(snapshotPath, '{"version":1,"keys":[{"hash":"not a hash"}]}');
    const second = await start('postgres://nobody@127.0.0.1:1/none');
    await assert.rejects(second.authenticate(plain(NEVER_SEEN)), { code: 'unavailable' });
  });

  it('asks the store about a flood of unknown keys only so often', async () => {
    const authenticator = await start(database.url, { clock: () => 1_000_000_000_000 });
    const codes = await Promise.all(
      Array.from({ length: 300 }, (_, index) =>
        authenticator.authenticate(plain(`sm_${String(index).padStart(43, '0')}`)).then(
          () => 'ok',
          (error: { code: string }) => error.code,
        ),
      ),
    );
    assert.equal(codes.filter((code) => code === 'unauthenticated').length, 50, 'the burst is answered');
    assert.equal(codes.filter((code) => code === 'unavailable').length, 250, 'the rest may try again');
    await assert.rejects(authenticator.authenticate(plain(`sm_${'0'.repeat(43)}`)), {
      code: 'unauthenticated',
    });
  });
});
