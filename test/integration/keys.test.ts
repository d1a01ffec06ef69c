import assert from 'node:assert/strict';
import { readStatus } from '../collector/receivers/wire.ts';
import { chatSpan, CHAT_COST, type ChatChanges } from '../support/chat-span.ts';
import type { CollectorProcess } from '../support/collector-process.ts';
import { sumOf } from '../support/exposition-parser.ts';
import { bearer, startKeyedCollector, type FirstKeyEntry } from '../support/keyed-collector.ts';
import { buildTraces, type BuilderAttributes } from '../support/otlp-builder.ts';
import { exportGrpc, postOtlp, type OtlpPost } from '../support/otlp-client.ts';
import { query } from '../support/query.ts';
import { genAiMetrics, ownMetrics, settled, spanmeterBeside } from '../support/running-collector.ts';
import { until } from '../support/until.ts';

const key = (name: string): string => `sm_${name.padEnd(24, '0')}`;
const KEYS: readonly FirstKeyEntry[] = [
  { id: 'ingest', key: key('ingest'), role: 'ingest', tenant: 'tenant-a', team: 'payments' },
  { id: 'teamless', key: key('teamless'), role: 'ingest', tenant: 'tenant-t' },
  { id: 'expired', key: key('expired'), role: 'ingest', tenant: 'tenant-a', expires: '2026-01-01' },
  { id: 'gateway', key: key('gateway'), role: 'gateway' },
  { id: 'own', key: key('gateway-own'), role: 'gateway', tenant: 'gateway-own' },
  { id: 'read', key: key('read'), role: 'read', tenant: 'tenant-a' },
  { id: 'admin', key: key('admin'), role: 'admin' },
];

interface Refused {
  readonly title: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly status: number;
  readonly grpcCode: number;
  readonly code: string;
  readonly message: RegExp;
}

const unauthenticated = { status: 401, grpcCode: 16, code: 'unauthenticated' };
const forbidden = { status: 403, grpcCode: 7, code: 'forbidden' };
const REFUSED: readonly Refused[] = [
  { title: 'no key', headers: {}, ...unauthenticated, message: /API key is required/ },
  {
    title: 'an unknown key',
    headers: bearer(key('unknown')),
    ...unauthenticated,
    message: /unknown or revoked/,
  },
  { title: 'what is no key', headers: bearer('sm_short'), ...unauthenticated, message: /unknown or revoked/ },
  {
    title: "another service's token",
    headers: bearer('ghp_0123456789abcdef0123'),
    ...unauthenticated,
    message: /required/,
  },
  { title: 'the id of a key', headers: bearer('ingest'), ...unauthenticated, message: /required/ },
  {
    title: 'a key as basic authentication',
    headers: { authorization: `Basic ${key('ingest')}` },
    ...unauthenticated,
    message: /required/,
  },
  { title: 'an expired key', headers: bearer(key('expired')), ...unauthenticated, message: /expired/ },
  { title: 'a read key', headers: bearer(key('read')), ...forbidden, message: /role read may not send/ },
  {
    title: 'an admin key',
    headers: { 'x-api-key': key('admin') },
    ...forbidden,
    message: /role admin may not send/,
  },
];

interface Attributed {
  readonly title: string;
  readonly key: string;
  readonly header?: string;
  readonly resource?: BuilderAttributes;
  readonly span?: ChatChanges['attributes'];
  readonly row: Readonly<Record<string, unknown>>;
  /** Parts of the row's `attribution`. */
  readonly from: Readonly<Record<string, string>>;
  readonly claimed?: string;
}

const ATTRIBUTED: readonly Attributed[] = [
  {
    title: 'a key of tenant A alone',
    key: key('ingest'),
    row: { tenant_id: 'tenant-a', team: 'payments', key_id: 'ingest' },
    from: { tenant: 'credential', team: 'credential', key: 'credential' },
  },
  {
    title: 'a key of tenant A whose span, resource and header claim tenant B',
    key: key('ingest'),
    header: 'tenant-b',
    resource: { 'tenant.id': 'tenant-b', 'team.id': 'other' },
    span: { 'tenant.id': 'tenant-b', 'team.id': 'other' },
    row: { tenant_id: 'tenant-a', team: 'payments', key_id: 'ingest' },
    from: { tenant: 'credential', team: 'credential' },
    claimed: 'tenant-b',
  },
  {
    title: 'a key of tenant A whose resource alone claims tenant B',
    key: key('ingest'),
    resource: { 'tenant.id': 'tenant-b' },
    row: { tenant_id: 'tenant-a' },
    from: { tenant: 'credential' },
    claimed: 'tenant-b',
  },
  {
    title: 'a key of tenant A that names tenant A',
    key: key('ingest'),
    header: 'tenant-a',
    row: { tenant_id: 'tenant-a' },
    from: { tenant: 'credential' },
  },
  {
    title: 'a key without a team, whose span names one',
    key: key('teamless'),
    span: { 'team.id': 'search' },
    row: { tenant_id: 'tenant-t', team: 'search', key_id: 'teamless' },
    from: { tenant: 'credential', team: 'span' },
  },
  {
    title: 'a gateway key that declares by header, before span and resource',
    key: key('gateway'),
    header: 'by-header',
    resource: { 'tenant.id': 'by-resource' },
    span: { 'tenant.id': 'by-span' },
    row: { tenant_id: 'by-header', key_id: 'gateway' },
    from: { tenant: 'header', key: 'credential' },
  },
  {
    title: 'a gateway key whose span declares, before the resource',
    key: key('gateway'),
    resource: { 'tenant.id': 'by-resource' },
    span: { 'tenant.id': 'by-span' },
    row: { tenant_id: 'by-span' },
    from: { tenant: 'span' },
  },
  {
    title: 'a gateway key whose resource declares',
    key: key('gateway'),
    resource: { 'tenant.id': 'by-resource' },
    row: { tenant_id: 'by-resource' },
    from: { tenant: 'resource' },
  },
  {
    title: 'a gateway key that declares nothing',
    key: key('gateway'),
    row: { tenant_id: 'default' },
    from: { tenant: 'default' },
  },
  {
    title: 'a gateway key with a tenant of its own that declares nothing',
    key: key('gateway-own'),
    row: { tenant_id: 'gateway-own' },
    from: { tenant: 'credential' },
  },
  {
    title: 'a gateway key with a tenant of its own that declares another',
    key: key('gateway-own'),
    header: 'beyond-own',
    row: { tenant_id: 'beyond-own', key_id: 'own' },
    from: { tenant: 'header' },
  },
];

describe('keys at the running collector', function () {
  let collector: CollectorProcess;

  before(async () => {
    collector = await startKeyedCollector(KEYS);
  });
  after(() => collector?.dispose());

  const oneChat = (): Uint8Array => buildTraces([{ spans: [chatSpan()] }]);
  const statusWith = async (headers: Record<string, string>): Promise<number> =>
    (await postOtlp(collector.ports.http, { headers, body: oneChat() })).status;

  async function refusals(): Promise<(labels: Record<string, string>) => number> {
    const own = await ownMetrics(collector);
    return (labels) => sumOf(own, 'spanmeter_receiver_refused_requests', labels);
  }

  describe('that may not send', () => {
    for (const { title, headers, status, grpcCode, code, message } of REFUSED) {
      it(`${title}: ${status} and gRPC ${grpcCode}, whatever is sent, counted as ${code}`, async () => {
        const before = await refusals();
        const posts: OtlpPost[] = [
          { body: oneChat() },
          { body: '' },
          { body: 'garbage' },
          { path: '/v1/logs', body: '' },
          { headers: { 'content-type': 'application/json' }, body: '{}' },
        ];
        for (const post of posts) {
          const answer = await postOtlp(collector.ports.http, {
            ...post,
            headers: { ...post.headers, ...headers },
          });
          assert.equal(answer.status, status, answer.body.toString());
          const isJson = answer.headers['content-type'] === 'application/json';
          const refusal = isJson
            ? (JSON.parse(answer.body.toString()) as { code: number; message: string })
            : readStatus(answer.body);
          assert.equal(refusal.code, grpcCode);
          assert.match(refusal.message, message);
          assert.equal(answer.headers['retry-after'], undefined);
        }
        const grpc = await exportGrpc(collector.ports.grpc, oneChat(), headers);
        assert.equal(grpc.code, grpcCode, grpc.message);
        assert.match(grpc.message, message);
        const now = await refusals();
        assert.equal(now({ transport: 'http', code }) - before({ transport: 'http', code }), posts.length);
        assert.equal(now({ transport: 'grpc', code }) - before({ transport: 'grpc', code }), 1);
      });
    }

    it('leave no row, no series, and no trace of a key in the log', async () => {
      const before = await ownMetrics(collector);
      for (const { headers } of REFUSED) await statusWith(headers);
      await settled(collector);
      const now = await ownMetrics(collector);
      const appended = 'spanmeter_journal_appended_records_total';
      assert.equal(sumOf(now, appended), sumOf(before, appended));
      const log = collector.lines.join('\n');
      for (const { key: secret } of KEYS) assert.ok(!log.includes(secret), 'a key is in the log');
      assert.ok(!log.includes(key('unknown')));
    });
  });

  describe('that may send decide whose a call is', () => {
    for (const [index, one] of ATTRIBUTED.entries()) {
      it(`${one.title}: ${String(one.row['tenant_id'])}, by ${one.from['tenant']}`, async () => {
        const spanId = (index + 1).toString(16).padStart(16, '0');
        const spans = [chatSpan({ spanId, attributes: one.span ?? {} })];
        const body = buildTraces([{ resource: { 'service.name': 'app', ...one.resource }, spans }]);
        const declared = one.header === undefined ? {} : { 'x-scope-orgid': one.header };
        const overHttp = index % 2 === 0;
        if (overHttp) {
          const answer = await postOtlp(collector.ports.http, {
            headers: { ...bearer(one.key), ...declared },
            body,
          });
          assert.equal(answer.status, 200, answer.body.toString());
        } else {
          const answer = await exportGrpc(collector.ports.grpc, body, { 'x-api-key': one.key, ...declared });
          assert.equal(answer.code, 0, answer.message);
        }
        await settled(collector);
        const rows = await query<Record<string, unknown>>(
          collector.databaseUrl(),
          'SELECT * FROM spanmeter.calls WHERE span_id = $1',
          [spanId],
        );
        assert.equal(rows.length, 1);
        const row = rows[0]!;
        const expected = { cost_status: 'priced', cost_usd: CHAT_COST, ...one.row };
        assert.deepEqual(
          Object.fromEntries(Object.keys(expected).map((name) => [name, row[name]])),
          expected,
        );
        const attribution = row['attribution'] as Record<string, string>;
        for (const [dimension, from] of Object.entries(one.from)) assert.equal(attribution[dimension], from);
        const kept = row['attributes'] as Record<string, string> | null;
        assert.equal(kept?.['claimed_tenant'], one.claimed);
      });
    }

    it('so that nobody gets a row, a tenant or a series under a name that was only claimed', async () => {
      const body = buildTraces([{ resource: { 'tenant.id': 'victim' }, spans: [chatSpan()] }]);
      await postOtlp(collector.ports.http, {
        headers: { ...bearer(key('ingest')), 'x-scope-orgid': 'victim' },
        body,
      });
      await settled(collector);
      for (const table of ['calls', 'spend_rollup']) {
        const found = await query(
          collector.databaseUrl(),
          `SELECT FROM spanmeter.${table} WHERE tenant_id = 'victim'`,
        );
        assert.equal(found.length, 0, table);
      }
      assert.equal(
        (await query(collector.databaseUrl(), "SELECT FROM spanmeter.tenants WHERE id = 'victim'")).length,
        0,
      );
      const exposed = await genAiMetrics(collector);
      for (const { samples } of exposed.values())
        assert.ok(samples.every(({ labels }) => labels['tenant'] !== 'victim'));
    });

    it('also for what becomes a dead letter', async () => {
      const timeless = chatSpan({ startUnixNano: 0n, endUnixNano: 0n });
      const body = buildTraces([{ resource: { 'tenant.id': 'victim' }, spans: [timeless] }]);
      for (const [name, tenant] of [
        ['ingest', 'tenant-a'],
        ['gateway', 'victim'],
      ] as const) {
        await postOtlp(collector.ports.http, { headers: bearer(key(name)), body });
        await settled(collector);
        const letters = await query(
          collector.databaseUrl(),
          'SELECT tenant_id, reason FROM spanmeter.dead_letters WHERE tenant_id = $1',
          [tenant],
        );
        assert.deepEqual(letters, [{ tenant_id: tenant, reason: 'time_missing' }]);
      }
    });
  });

  describe('made by the command line', () => {
    before(async () => {
      for (const tenant of ['made', 'rotated', 'listed']) {
        const made = await spanmeterBeside(collector, 'tenant', 'create', tenant);
        assert.equal(made.code, 0, made.stderr);
      }
    });

    async function create(...args: string[]): Promise<{ id: string; secret: string }> {
      const made = await spanmeterBeside(collector, 'key', 'create', ...args);
      assert.equal(made.code, 0, made.stderr);
      const id = /k_[0-9a-f]{16}/.exec(made.stderr)?.[0];
      assert.ok(id, made.stderr);
      return { id, secret: made.stdout.trim() };
    }
    const revoke = async (id: string): Promise<void> => {
      const revoked = await spanmeterBeside(collector, 'key', 'revoke', id);
      assert.equal(revoked.code, 0, revoked.stderr);
    };

    it('work at once, and stop working when they are revoked, for sending and for reading', async () => {
      const [ingest, read] = await Promise.all([
        create('--tenant', 'made', '--team', 'cli'),
        create('--tenant', 'made', '--role', 'read', '--expires', '90d'),
      ]);
      const readStatusNow = async (): Promise<number> =>
        (await fetch(`http://127.0.0.1:${collector.ports.api}/api/metrics`, { headers: bearer(read.secret) }))
          .status;
      assert.equal(await statusWith(bearer(ingest.secret)), 200);
      assert.equal(await readStatusNow(), 200);
      await settled(collector);
      const rows = await query(
        collector.databaseUrl(),
        "SELECT team, key_id, cost_usd FROM spanmeter.calls WHERE tenant_id = 'made'",
      );
      assert.deepEqual(rows, [{ team: 'cli', key_id: ingest.id, cost_usd: CHAT_COST }]);

      await Promise.all([revoke(ingest.id), revoke(read.id)]);
      await until(
        () => statusWith(bearer(ingest.secret)),
        (status) => status !== 200,
      );
      assert.equal(await statusWith(bearer(ingest.secret)), 401);
      await until(readStatusNow, (status) => status !== 200);
      assert.equal(await readStatusNow(), 401);
      const grpc = await exportGrpc(collector.ports.grpc, oneChat(), bearer(ingest.secret));
      assert.equal(grpc.code, 16);
      assert.match(grpc.message, /unknown or revoked/);
    });

    it('are rotated without a gap, the old one works until it is revoked', async () => {
      const old = await create('--tenant', 'rotated');
      const made = await spanmeterBeside(collector, 'key', 'rotate', old.id);
      assert.equal(made.code, 0, made.stderr);
      const rotated = made.stdout.trim();
      assert.deepEqual([await statusWith(bearer(old.secret)), await statusWith(bearer(rotated))], [200, 200]);
      await revoke(old.id);
      await until(
        () => statusWith(bearer(old.secret)),
        (status) => status === 401,
      );
      assert.equal(await statusWith(bearer(rotated)), 200);
    });

    it('are not made for a tenant that does not exist', async () => {
      const refused = await spanmeterBeside(collector, 'key', 'create', '--tenant', 'no-such-tenant');
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, /There is no tenant "no-such-tenant"/);
      assert.equal(refused.stdout, '');
    });

    it('are listed without what is secret, with those of the keys file', async () => {
      const { secret } = await create('--tenant', 'listed');
      const list = await spanmeterBeside(collector, 'key', 'list', '--format', 'json');
      assert.equal(list.code, 0, list.stderr);
      const ids = (JSON.parse(list.stdout) as { id: string }[]).map(({ id }) => id);
      for (const { id, key: first } of KEYS) {
        assert.ok(ids.includes(id));
        assert.ok(!list.stdout.includes(first));
      }
      assert.ok(!list.stdout.includes(secret));
      assert.ok(!list.stdout.includes(secret.slice(3, 20)));
    });
  });
});
