import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rejectedSpans } from '@spanmeter/collector/dist/cli/replay-letter.js';
import { tracesUrl } from '@spanmeter/collector/dist/cli/deadletter.js';
import { hashKey } from '@spanmeter/collector/dist/keys/key.js';
import { freshDatabase, sql, type FreshDatabase } from '../../support/database.js';
import { spanmeter, type CliRun } from './running-cli.js';

interface Received {
  readonly tenant: string | undefined;
  readonly authorization: string | undefined;
  readonly body: string;
}

/** A collector's door that answers what a test tells it to. */
async function startDoor(answer: (body: string) => { status: number; body?: Uint8Array }): Promise<{
  readonly received: Received[];
  readonly endpoint: string;
  close(): Promise<void>;
}> {
  const received: Received[] = [];
  const server: Server = createServer((request: IncomingMessage, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const { authorization } = request.headers;
      received.push({ tenant: request.headers['x-scope-orgid']?.toString(), authorization, body });
      const { status, body: answered } = answer(body);
      response.writeHead(status).end(answered);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    received,
    endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

describe('spanmeter commands', () => {
  let database: FreshDatabase;
  let env: Record<string, string>;
  const run = (...args: string[]): Promise<CliRun> => spanmeter(args, env);

  beforeEach(async () => {
    database = await freshDatabase();
    env = { DATABASE_URL: database.url, USER: 'tester' };
  });

  afterEach(() => database.drop());

  async function storeLetter(tenant: string, payload: string): Promise<void> {
    await sql(
      database.url,
      `INSERT INTO spanmeter.dead_letters (tenant_id, digest, received_at, reason, detail, payload)
       VALUES ($1, sha256($2::bytea), now(), 'unreadable', 'bad field', $2::bytea)`,
      [tenant, Buffer.from(payload)],
    );
  }

  async function lettersLeft(): Promise<string[]> {
    const rows = await sql<{ body: string }>(
      database.url,
      `SELECT convert_from(payload, 'UTF8') AS body FROM spanmeter.dead_letters ORDER BY 1`,
    );
    return rows.map((row) => row.body);
  }

  it('creates and lists tenants', async () => {
    const made = await run('tenant', 'create', 'acme', '--timezone', 'Europe/Rome', '--currency', 'EUR');
    assert.deepEqual(made, { code: 0, out: 'Tenant acme is created (Europe/Rome, EUR).\n', err: '' });
    assert.match(
      (await run('tenant', 'create', 'acme', '--timezone', 'Europe/Rome', '--currency', 'EUR')).out,
      /already/,
    );
    const listed = await run('tenant', 'list');
    assert.match(listed.out, /acme +Europe\/Rome +EUR +active/);
    assert.equal(JSON.parse((await run('tenant', 'list', '--format', 'json')).out)[0].id, 'acme');
    const bad = await run('tenant', 'create', 'x', '--timezone', 'Mars');
    assert.equal(bad.code, 2);
    assert.match(bad.err, /^error: "Mars" is not an IANA time zone/);
    assert.equal((await run('tenant', 'create')).code, 2);
  });

  it('prints a new key once, alone on standard output, and only its hash is stored', async () => {
    await run('tenant', 'create', 'acme');
    const made = await run('key', 'create', '--tenant', 'acme', '--team', 'pay', '--expires', '90d');
    assert.equal(made.code, 0);
    assert.match(made.out, /^sm_[0-9A-Za-z]{43}\n$/);
    assert.match(made.err, /ingest, tenant acme, team pay, expires 2027-01-31T12:00:00.000Z/);
    const key = made.out.trim();
    const rows = await sql<{ hash: string }>(
      database.url,
      `SELECT encode(hash, 'hex') AS hash FROM spanmeter.api_keys`,
    );
    assert.deepEqual(rows, [{ hash: hashKey(key) }]);
    for (const format of ['table', 'json']) {
      const listed = await run('key', 'list', '--format', format);
      assert.equal(listed.out.includes(key.slice(3, 20)), false);
      assert.ok(listed.out.includes(key.slice(-4)));
    }
    const log = await sql<{ actor: string }>(database.url, `SELECT actor FROM spanmeter.audit_log`);
    assert.ok(log.every((entry) => entry.actor === 'cli:tester'));
  });

  it('rotates and revokes a key', async () => {
    await run('tenant', 'create', 'acme');
    const made = await run('key', 'create', '--tenant', 'acme', '--role', 'read');
    const id = /k_[0-9a-f]{16}/.exec(made.err)![0];
    const rotated = await run('key', 'rotate', id, '--old-expires', '7d');
    assert.match(rotated.out, /^sm_/);
    assert.match(rotated.err, /works until: 2026-11-09T12:00:00.000Z/);
    assert.deepEqual(await run('key', 'revoke', id), { code: 0, out: `Key ${id} is revoked.\n`, err: '' });
    assert.match((await run('key', 'revoke', id)).out, /already/);
    const listed = JSON.parse((await run('key', 'list', '--tenant', 'acme', '--format', 'json')).out);
    assert.deepEqual(
      listed.map((key: { role: string; revokedAt: string | null }) => [key.role, key.revokedAt === null]),
      [
        ['read', true],
        ['read', false],
      ],
    );
  });

  it('exits 1 for what is not there and 2 for what makes no sense', async () => {
    assert.equal((await run('key', 'create', '--tenant', 'nobody')).code, 1);
    assert.equal((await run('key', 'revoke', 'k_nothing')).code, 1);
    assert.equal((await run('key', 'create')).code, 2);
    assert.equal((await run('key', 'create', '--role', 'king')).code, 2);
    assert.equal((await run('key', 'create', '--role', 'admin', '--expires', 'yesterday')).code, 2);
    assert.equal((await run('deadletter', 'replay')).code, 2);
    assert.equal((await run('deadletter', 'replay', 'xyz')).code, 2);
    assert.equal((await run('deadletter', 'list', '--limit', '0')).code, 2);
  });

  it('says what to do where no database runs, none answers, or it is not ours', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'spanmeter-cli-'));
    try {
      const nothing = await spanmeter(['tenant', 'list'], { SPANMETER_DATA: folder });
      assert.equal(nothing.code, 1);
      assert.match(nothing.err, /^error: No PostgreSQL runs for the data directory .*Start the collector/);
    } finally {
      await rm(folder, { recursive: true });
    }
    for (const command of [['tenant', 'list'], ['report']]) {
      const down = await spanmeter(command, { DATABASE_URL: 'postgres://user:geheim@127.0.0.1:1/none' });
      assert.equal(down.code, 1);
      assert.match(down.err, /^error: The database cannot be reached: .*ECONNREFUSED/);
      assert.equal(down.err.includes('geheim'), false);
    }
    assert.equal((await spanmeter(['tenant', 'list'], { DATABASE_URL: 'mysql://x' })).code, 2);
    await sql(database.url, 'DROP SCHEMA spanmeter CASCADE');
    assert.match((await run('tenant', 'list')).err, /no Spanmeter schema/);
  });

  it('lists dead letters and replays what the collector takes, as its tenant', async () => {
    env['SPANMETER_API_KEY'] = 'sm_gateway';
    await storeLetter('acme', 'good');
    await storeLetter('acme', 'refused');
    await storeLetter('acme', 'partly');
    await storeLetter('acme', '');
    const listed = await run('deadletter', 'list');
    assert.match(listed.out, /acme +unreadable +4 +bad field/);
    const rejected = Uint8Array.of(0x0a, 0x02, 0x08, 0x01);
    const door = await startDoor((body) => {
      if (body === 'refused') return { status: 400 };
      return body === 'partly' ? { status: 200, body: rejected } : { status: 200 };
    });
    try {
      const replayed = await run('deadletter', 'replay', '--all', '--endpoint', door.endpoint);
      assert.equal(replayed.code, 1);
      assert.match(replayed.out, /^1 of 4 dead letters replayed/);
      assert.match(replayed.err, /answered 400/);
      assert.match(replayed.err, /refused its spans again/);
      assert.match(replayed.err, /no payload/);
    } finally {
      await door.close();
    }
    assert.deepEqual(door.received.map((one) => one.body).toSorted(), ['good', 'partly', 'refused']);
    assert.ok(
      door.received.every((one) => one.tenant === 'acme' && one.authorization === 'Bearer sm_gateway'),
    );
    assert.deepEqual(await lettersLeft(), ['', 'partly', 'refused']);
    const log = await sql(database.url, `SELECT FROM spanmeter.audit_log WHERE action = 'deadletter.replay'`);
    assert.equal(log.length, 1);
  });

  it('replays one dead letter by the beginning of its id, and keeps it while nobody listens', async () => {
    await storeLetter('acme', 'one');
    await storeLetter('acme', 'two');
    const letters = JSON.parse((await run('deadletter', 'list', '--format', 'json')).out);
    const id = letters[0].id.slice(0, 12);
    const lost = await run('deadletter', 'replay', id, '--endpoint', '127.0.0.1:1');
    assert.equal(lost.code, 1);
    assert.equal((await lettersLeft()).length, 2);
    const door = await startDoor(() => ({ status: 200 }));
    try {
      env['SPANMETER_OTLP_HTTP_ENDPOINT'] = door.endpoint;
      assert.equal((await run('deadletter', 'replay', id)).code, 0);
    } finally {
      await door.close();
    }
    assert.equal(door.received.length, 1);
    assert.equal((await lettersLeft()).length, 1);
  });

  it('reads rejected_spans of an OTLP answer, and none from anything else', () => {
    assert.equal(rejectedSpans(new Uint8Array()), 0);
    assert.equal(rejectedSpans(Uint8Array.of(0x0a, 0x00)), 0);
    assert.equal(rejectedSpans(Uint8Array.of(0x0a, 0x03, 0x08, 0xac, 0x02)), 300);
    assert.equal(rejectedSpans(Uint8Array.of(0x0a, 0x05, 0x12, 0x01, 0x78, 0x08, 0x07)), 7);
    assert.equal(rejectedSpans(Buffer.from('<html>')), 0);
  });

  it('finds the local door from its variable', () => {
    assert.equal(tracesUrl('127.0.0.1:4318'), 'http://127.0.0.1:4318/v1/traces');
    assert.equal(tracesUrl('0.0.0.0:4318'), 'http://127.0.0.1:4318/v1/traces');
    assert.equal(tracesUrl('https://collector.test/otlp/v1/traces'), 'https://collector.test/otlp/v1/traces');
  });
});
