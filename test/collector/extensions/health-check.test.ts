import assert from 'node:assert/strict';
import { createHealthServer, healthCheck } from '@spanmeter/collector/dist/extensions/health-check.js';
import type { HealthState } from '@spanmeter/collector/dist/extensions/health-check.js';
import { SILENT_LOG } from '@spanmeter/collector/dist/pipeline/silent.js';

const FINE: HealthState = {
  journal: { state: 'ok' },
  postgres: { state: 'ok' },
  exporters: [{ id: 'otlp_http', state: 'ok', pendingSpans: 10, lagSeconds: 0.5 }],
};

describe('the health server', () => {
  let state: () => HealthState;
  const server = createHealthServer({ endpoint: '127.0.0.1:0', log: SILENT_LOG, state: () => state() });

  before(() => server.start());
  after(() => server.stop(AbortSignal.timeout(1_000)));

  async function ask(path: string, method = 'GET'): Promise<{ status: number; body: string }> {
    const response = await fetch(`http://127.0.0.1:${server.address.port}${path}`, { method });
    return { status: response.status, body: await response.text() };
  }

  it('answers 200 with all states while requests can be journalled', async () => {
    state = () => FINE;
    const { status, body } = await ask('/?verbose');
    assert.equal(status, 200);
    const { uptime_seconds: uptime, version, ...rest } = JSON.parse(body) as Record<string, unknown>;
    assert.ok(Number.isInteger(uptime));
    assert.match(String(version), /^\d+\.\d+\.\d+/);
    assert.deepEqual(rest, {
      status: 'ok',
      journal: { state: 'ok' },
      postgres: { state: 'ok' },
      exporters: [{ id: 'otlp_http', state: 'ok', pending_spans: 10, lag_seconds: 0.5 }],
    });
  });

  it('stays 200 while only the database is away, and says so', async () => {
    state = () => ({ ...FINE, postgres: { state: 'unavailable', message: 'connection refused' } });
    const { status, body } = await ask('/');
    assert.equal(status, 200);
    assert.deepEqual((JSON.parse(body) as Record<string, unknown>)['postgres'], {
      state: 'unavailable',
      message: 'connection refused',
    });
  });

  it('answers 503 when nothing can be journalled, and when the state cannot be read', async () => {
    state = () => ({ ...FINE, journal: { state: 'full', message: 'the journal is at its bound' } });
    const full = await ask('/');
    assert.equal(full.status, 503);
    assert.match(full.body, /"status":"unavailable".*at its bound/);
    state = () => {
      throw new Error('no state');
    };
    assert.equal((await ask('/')).status, 503);
  });

  it('answers /live with 200 whatever the state, other paths with 404 and POST with 405', async () => {
    state = () => {
      throw new Error('no state');
    };
    assert.deepEqual(await ask('/live'), { status: 200, body: 'alive\n' });
    assert.equal((await ask('/healthz')).status, 404);
    assert.equal((await ask('/', 'POST')).status, 405);
  });

  it('names its variable where the port is taken', async () => {
    const second = createHealthServer({
      endpoint: `127.0.0.1:${server.address.port}`,
      log: SILENT_LOG,
      state: () => FINE,
    });
    await assert.rejects(second.start(), /SPANMETER_HEALTH_ENDPOINT/);
  });

  it('listens on loopback unless told otherwise', () => {
    assert.deepEqual(healthCheck.options.parse({}), { endpoint: '127.0.0.1:13133', path: '/' });
    assert.equal(healthCheck.options.safeParse({ endpoint: 'nowhere' }).success, false);
    assert.equal(healthCheck.options.safeParse({ port: 1 }).success, false);
  });
});
