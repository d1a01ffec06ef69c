import assert from 'node:assert/strict';
import type { DoorOptions, Entrance } from '@spanmeter/collector/dist/pipeline/door.js';
import { OPEN_IDENTITY } from '@spanmeter/collector/dist/pipeline/identity.js';
import type { Identity } from '@spanmeter/collector/dist/pipeline/identity.js';
import { Refusal } from '@spanmeter/collector/dist/pipeline/refusal.js';
import { CountedMetrics } from '../receivers/counted-metrics.ts';
import { testDoor } from '../receivers/harness.ts';
import { OtlpRecords } from '../receivers/records.ts';
import { traces } from '../receivers/wire.ts';

const ENTRANCE: Entrance = { receiver: 'otlp', transport: 'http' };
const INGEST: Identity = { role: 'ingest', tenant: 'acme', team: null, keyId: 'k1' };
const GATEWAY: Identity = { role: 'gateway', tenant: 'edge', team: null, keyId: 'k2' };

function open(changes: Partial<DoorOptions> = {}): {
  records: OtlpRecords;
  metrics: CountedMetrics;
  take: (identity: Identity, orgId?: string, body?: Uint8Array) => Promise<string | number>;
} {
  const records = new OtlpRecords();
  const metrics = new CountedMetrics();
  const door = testDoor(records, metrics, changes);
  return {
    records,
    metrics,
    /** The number of rejected spans, or the code of the refusal. */
    async take(identity, orgId, body = traces(1)) {
      try {
        const header = (name: string): string | undefined => (name === 'x-scope-orgid' ? orgId : undefined);
        return (await door.traces(body, 'protobuf', identity, header, ENTRANCE)).rejected;
      } catch (error) {
        assert.ok(error instanceof Refusal);
        return error.code;
      }
    },
  };
}

describe('the door', () => {
  it('writes what the credential proves and the header declares beside the spans', async () => {
    const { records, take } = open({ now: () => 42 });
    await take(INGEST, 'other');
    assert.deepEqual(records.all[0]!.context, {
      receivedUnixMs: 42,
      role: 'ingest',
      tenant: 'acme',
      declaredTenant: 'other',
      keyId: 'k1',
      team: null,
    });
  });

  it('takes no declaration from an absent or blank header', async () => {
    const { records, take } = open();
    await take(OPEN_IDENTITY);
    await take(OPEN_IDENTITY, '  ');
    assert.deepEqual(
      records.all.map(({ context }) => context.declaredTenant),
      [null, null],
    );
  });

  it('reads UTF-8 in the header, which Node gives as Latin-1', async () => {
    const { records, take } = open();
    await take(OPEN_IDENTITY, Buffer.from('Zürich 東京').toString('latin1'));
    await take(OPEN_IDENTITY, 'Z\u00fcrich');
    assert.deepEqual(
      records.all.map(({ context }) => context.declaredTenant),
      ['Zürich 東京', 'Zürich'],
    );
  });

  it('refuses a declared tenant of 3,000 bytes as invalid, and takes one of 512', async () => {
    const { records, metrics, take } = open();
    assert.equal(await take(OPEN_IDENTITY, 't'.repeat(3000)), 'invalid');
    assert.equal(await take(GATEWAY, 't'.repeat(513)), 'invalid');
    assert.equal(await take(OPEN_IDENTITY, 't'.repeat(512)), 0);
    assert.equal(records.all.length, 1);
    assert.equal(metrics.value('otelcol_receiver_accepted_spans'), 1);
  });

  it('cuts it between characters where an ingest key makes it a mere note', async () => {
    const { records, take } = open();
    assert.equal(await take(INGEST, Buffer.from('é'.repeat(1500)).toString('latin1')), 0);
    assert.equal(records.all[0]!.context.declaredTenant, 'é'.repeat(256));
  });

  it('lets neither read nor admin keys send', async () => {
    const { records, take } = open();
    assert.equal(await take({ ...INGEST, role: 'read' }), 'forbidden');
    assert.equal(await take({ ...INGEST, role: 'admin', tenant: null }), 'forbidden');
    assert.equal(records.all.length, 0);
  });

  it('limits the tenant of the key for ingest keys, and the declared one for gateway keys', async () => {
    const { take } = open({ limits: { spansPerSecond: 1, bytesPerSecond: 0 } });
    const body = traces(1000);
    assert.equal(await take(INGEST, 'x', body), 0);
    assert.equal(await take(INGEST, 'y', body), 'overloaded');
    assert.equal(await take(GATEWAY, 'x', body), 0);
    assert.equal(await take(GATEWAY, 'x', body), 'overloaded');
    assert.equal(await take(GATEWAY, 'y', body), 0);
    assert.equal(await take(GATEWAY, 'acme', body), 'overloaded');
  });

  it('refuses JSON that is larger than the limit once it is protobuf', async () => {
    const records = new OtlpRecords();
    const door = testDoor(records, new CountedMetrics(), { maxBodyBytes: 10, toProtobuf: () => traces(1) });
    await assert.rejects(
      door.traces(Buffer.from('{}'), 'json', OPEN_IDENTITY, () => undefined, ENTRANCE),
      (error: Refusal) => error.code === 'too_large',
    );
  });

  it('refuses more GenAI spans in one request than are stored together', async () => {
    const records = new OtlpRecords();
    const door = testDoor(records, new CountedMetrics(), { maxSpans: 3 });
    const take = (count: number): Promise<unknown> =>
      door.traces(traces(count), 'protobuf', OPEN_IDENTITY, () => undefined, ENTRANCE);
    await take(3);
    await assert.rejects(
      take(4),
      (error: Refusal) => error.code === 'too_large' && /at most 3/.test(error.message),
    );
    assert.equal(records.all.length, 1);
  });

  it('turns any other fault into a request to send again, keeping its cause', async () => {
    const cause = new Error('boom');
    const metrics = new CountedMetrics();
    const logged: object[] = [];
    const log = { debug() {}, info() {}, warn() {}, error: (fields: object) => void logged.push(fields) };
    const door = testDoor(new OtlpRecords(), metrics, {
      log,
      append: () => Promise.reject(cause),
    });
    await assert.rejects(
      door.traces(traces(2), 'protobuf', OPEN_IDENTITY, () => undefined, ENTRANCE),
      (error: Refusal) => error.code === 'unavailable' && error.cause === cause && error.retryAfterMs! > 0,
    );
    assert.deepEqual(logged, [{ err: cause }]);
    assert.equal(metrics.value('otelcol_receiver_failed_spans'), 2);
  });

  it('counts the spans of a scope that is kept as well as those of one that is not', async () => {
    const { records, metrics, take } = open();
    const plain = traces(4, { attributes: { 'http.method': 'GET' } });
    assert.equal(await take(OPEN_IDENTITY, undefined, Buffer.concat([plain, traces(2)])), 0);
    assert.equal(records.all[0]!.offsets.length, 12);
    assert.equal(metrics.value('otelcol_receiver_accepted_spans'), 6);
    assert.equal(metrics.value('spanmeter_receiver_skipped_spans'), 4);
  });
});
