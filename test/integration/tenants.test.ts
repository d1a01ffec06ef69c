import assert from 'node:assert/strict';
import { chatSpan } from '../support/chat-span.ts';
import type { CollectorProcess } from '../support/collector-process.ts';
import { bearer, startKeyedCollector, type FirstKeyEntry } from '../support/keyed-collector.ts';
import { buildTraces } from '../support/otlp-builder.ts';
import { postOtlp } from '../support/otlp-client.ts';
import { getApi, settled, spanmeterBeside } from '../support/running-collector.ts';

const key = (name: string): string => `sm_${name.padEnd(24, '0')}`;
const KEYS: readonly FirstKeyEntry[] = [
  { id: 'a-ingest', key: key('a-ingest'), role: 'ingest', tenant: 'tenant-a' },
  { id: 'b-ingest', key: key('b-ingest'), role: 'ingest', tenant: 'tenant-b' },
  { id: 'a-read', key: key('a-read'), role: 'read', tenant: 'tenant-a' },
  { id: 'b-read', key: key('b-read'), role: 'read', tenant: 'tenant-b' },
  { id: 'gateway', key: key('gateway'), role: 'gateway' },
  { id: 'admin', key: key('admin'), role: 'admin' },
];

/** Both tenants use these ids, models and services, so that nothing but the tenant tells their calls apart. */
const TRACE = 'ab'.repeat(16);
const CALLS_OF = { 'tenant-a': 3, 'tenant-b': 5 } as const;
const COST_OF = { 'tenant-a': '0.010500000000', 'tenant-b': '0.017500000000' } as const;
const PATHS = ['/api/metrics', '/api/v1/spend', '/api/v1/summary', '/api/v1/calls'];

interface Spend {
  readonly tenant: string | null;
  readonly total: { readonly cost_usd: string; readonly calls: number };
}
interface Calls {
  readonly calls: readonly {
    readonly tenant: string;
    readonly span_id: string;
    readonly user: string | null;
  }[];
  readonly next_cursor: string | null;
}

describe('tenants at the running collector', function () {
  let collector: CollectorProcess;

  before(async () => {
    collector = await startKeyedCollector(KEYS);
    for (const [tenant, count] of Object.entries(CALLS_OF)) {
      const name = tenant.replace('tenant-', '');
      const spans = Array.from({ length: count }, (_, index) =>
        chatSpan({
          traceId: TRACE,
          spanId: (index + 1).toString(16).padStart(16, '0'),
          attributes: { 'user.id': `user-of-${tenant}` },
        }),
      );
      const body = buildTraces([{ resource: { 'service.name': 'shared' }, spans }]);
      const answer = await postOtlp(collector.ports.http, { headers: bearer(key(`${name}-ingest`)), body });
      assert.equal(answer.status, 200);
    }
    await settled(collector);
  });
  after(() => collector?.dispose());

  const get = <T>(path: string, name: string, status = 200): Promise<T> =>
    getApi<T>(collector, path, bearer(key(name)), status);

  for (const [tenant, reader, other] of [
    ['tenant-a', 'a-read', 'tenant-b'],
    ['tenant-b', 'b-read', 'tenant-a'],
  ] as const) {
    it(`${tenant} reads its own spend and calls and nothing of ${other}`, async () => {
      for (const group of ['provider', 'tenant', 'user', 'key', 'day,service_name']) {
        const spend = await get<Spend>(`/api/v1/spend?group_by=${group}`, reader);
        assert.equal(spend.tenant, tenant);
        assert.deepEqual(
          [spend.total.cost_usd, spend.total.calls],
          [COST_OF[tenant], CALLS_OF[tenant]],
          group,
        );
        assert.ok(!JSON.stringify(spend).includes(other), group);
      }
      const metrics = await get<Record<string, unknown>>('/api/metrics?period=month', reader);
      assert.equal(metrics['usage_count'], CALLS_OF[tenant]);
      assert.equal(metrics['total_cost'], Number(COST_OF[tenant]));
      for (const filter of [
        `trace_id=${TRACE}`,
        'service_name=shared',
        `tenant=${tenant}`,
        `user=user-of-${tenant}`,
      ]) {
        const { calls } = await get<Calls>(`/api/v1/calls?${filter}`, reader);
        assert.equal(calls.length, CALLS_OF[tenant], filter);
        assert.ok(calls.every((call) => call.tenant === tenant && call.user === `user-of-${tenant}`));
      }
      const summary = await get<object>('/api/v1/summary', reader);
      assert.ok(JSON.stringify(summary).includes(COST_OF[tenant]));
      assert.ok(!JSON.stringify(summary).includes(other));
    });

    it(`${tenant} finds nothing by what only ${other} has`, async () => {
      const { calls } = await get<Calls>(`/api/v1/calls?user=user-of-${other}`, reader);
      assert.deepEqual(calls, []);
      const foreign = other.replace('tenant-', '');
      const spend = await get<Spend>(`/api/v1/spend?key=${foreign}-ingest`, reader);
      assert.equal(spend.total.calls, 0);
    });

    it(`${tenant} gets 403 where it asks for ${other}, for nobody or for a tenant that does not exist`, async () => {
      for (const path of PATHS) {
        const refused = await get<object>(`${path}?tenant=${other}`, reader, 403);
        const unknown = await get<object>(`${path}?tenant=no-such-tenant`, reader, 403);
        assert.deepEqual(refused, unknown, 'the answers would tell which tenants exist');
      }
    });
  }

  it("another tenant's page cursor is refused and shows nothing", async () => {
    const page = await get<Calls>('/api/v1/calls?limit=1', 'a-read');
    assert.ok(page.next_cursor);
    const path = `/api/v1/calls?limit=1&cursor=${encodeURIComponent(page.next_cursor)}`;
    assert.equal((await get<Calls>(path, 'a-read')).calls.length, 1);
    const refused = await get<object>(path, 'b-read', 400);
    assert.ok(!JSON.stringify(refused).includes('tenant-a'));
  });

  it('keys that only send read nothing, and without a key there is 401', async () => {
    for (const path of PATHS) {
      for (const name of ['a-ingest', 'gateway']) await get(path, name, 403);
      await getApi(collector, path, {}, 401);
      await getApi(collector, path, bearer(key('unknown')), 401);
      await getApi(collector, `${path}?tenant=tenant-a`, {}, 401);
    }
  });

  it('an admin key reads all tenants, or the one it asks for', async () => {
    const all = await get<Spend>('/api/v1/spend?group_by=tenant', 'admin');
    assert.deepEqual([all.tenant, all.total.cost_usd, all.total.calls], [null, '0.028000000000', 8]);
    const one = await get<Spend>('/api/v1/spend?tenant=tenant-b', 'admin');
    assert.deepEqual([one.tenant, one.total.cost_usd, one.total.calls], ['tenant-b', COST_OF['tenant-b'], 5]);
  });

  it("the collector's own metrics and its health say nothing of tenants or keys", async () => {
    const { telemetry, health } = collector.ports;
    for (const address of [
      `127.0.0.1:${telemetry}/metrics`,
      `127.0.0.1:${health}/`,
      `127.0.0.1:${health}/live`,
    ]) {
      const text = await (await fetch(`http://${address}`)).text();
      for (const secret of ['tenant-a', 'tenant-b', 'a-ingest', ...KEYS.map((one) => one.key)])
        assert.ok(!text.includes(secret), `${address} has ${secret}`);
    }
  });

  it('a report of one tenant has its sum alone', async () => {
    const report = await spanmeterBeside(
      collector,
      'report',
      '--tenant',
      'tenant-a',
      '--period',
      'month',
      '--format',
      'json',
    );
    assert.equal(report.code, 0, report.stderr);
    const { total } = JSON.parse(report.stdout) as Spend;
    assert.deepEqual([total.cost_usd, total.calls], [COST_OF['tenant-a'], 3]);
  });
});
