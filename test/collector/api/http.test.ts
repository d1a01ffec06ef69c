import assert from 'node:assert/strict';
import { request } from 'node:http';
import { z } from 'zod';
import { ROUTES } from '@spanmeter/collector/dist/api/routes.js';
import { createReader } from '@spanmeter/collector/dist/api/reader.js';
import type { SelfMetrics } from '@spanmeter/collector/dist/pipeline/component.js';
import { SILENT_METRICS } from '@spanmeter/collector/dist/pipeline/silent.js';
import { buildState } from '../../support/budget-builder.js';
import { freshDatabase, type FreshDatabase } from '../../support/database.js';
import { authenticatorOf, runApi, type Json, type RunningApi } from './running-api.js';

/** What routes need to be asked with. */
const NEEDED: Readonly<Record<string, string>> = { '/api/v1/whatif': '?no_cache=true' };

type Observation = Readonly<Record<string, string>>;

function recording(observed: Observation[]): SelfMetrics {
  return {
    ...SILENT_METRICS,
    histogram: (name) => ({
      observe(_value, labels = {}) {
        observed.push({ name, ...labels });
      },
    }),
  };
}

async function rawStatus(base: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(`${base}/api/metrics`, { headers }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    sent.on('error', reject);
    sent.end();
  });
}

describe('the API as a server', () => {
  let database: FreshDatabase;
  let api: RunningApi;
  const observed: Observation[] = [];

  before(async () => {
    database = await freshDatabase();
    api = await runApi(database.url, {
      metrics: recording(observed),
      allowedHosts: ['spend.test'],
      budgets: () => ({ states: () => [buildState('acme')], onChange: () => () => undefined }),
    });
  });

  after(async () => {
    await api.close();
    await database.drop();
  });

  it('describes every route in a valid OpenAPI document, with parameters and errors', async () => {
    const { status, body } = await api.get('/api/openapi.json');
    assert.equal(status, 200);
    assert.equal(body.openapi, '3.1.0');
    assert.deepEqual(Object.keys(body.paths), [...new Set(ROUTES.map((route) => route.path))]);
    const spend = body.paths['/api/v1/spend'].get;
    assert.ok(
      spend.parameters.some((parameter: Json) => parameter.name === 'group_by' && parameter.in === 'query'),
    );
    assert.deepEqual(Object.keys(spend.responses), ['200', '400', '401', '403', '405', '503']);
    const operations = Object.values(body.paths).flatMap((path: Json) => Object.values(path));
    const names = operations.map((operation: Json) => operation.operationId);
    assert.equal(names.length, ROUTES.length);
    assert.equal(new Set(names).size, names.length);
    const refs = JSON.stringify(body).matchAll(/"\$ref":"#\/([^"]+)"/g);
    for (const [, pointer] of refs) {
      const found = pointer!.split('/').reduce((node: Json, part) => node?.[part], body);
      assert.ok(found !== undefined, `${pointer} leads nowhere`);
    }
  });

  for (const route of ROUTES) {
    it(`gives an example of ${route.method ?? 'GET'} ${route.path} that its own schema takes`, () => {
      assert.deepEqual(route.answer.parse(route.example), route.example);
      assert.notEqual(Object.keys(route.example as object).length, 0);
    });
  }

  it('answers as its schemas say', async () => {
    for (const route of ROUTES.filter(({ method = 'GET' }) => method === 'GET')) {
      const { status, body } = await api.get(`${route.path}${NEEDED[route.path] ?? ''}`);
      assert.equal(status, 200, route.path);
      const strict = route.answer instanceof z.ZodObject ? route.answer.strict() : route.answer;
      assert.doesNotThrow(() => strict.parse(body), route.path);
    }
  });

  it('answers errors in one shape', async () => {
    const lost = await api.get('/api/nothing');
    assert.equal(lost.status, 404);
    assert.equal(lost.body.error.code, 'not_found');
    const posted = await fetch(`${api.base}/api/metrics`, { method: 'POST', body: '{}' });
    assert.equal(posted.status, 405);
    assert.equal(posted.headers.get('allow'), 'GET, HEAD');
    assert.equal(((await posted.json()) as Json).error.code, 'method_not_allowed');
  });

  it('answers HEAD, lets no other origin in and forbids sniffing, framing and caching', async () => {
    const head = await fetch(`${api.base}/api/metrics`, {
      method: 'HEAD',
      headers: { origin: 'http://evil.test' },
    });
    assert.equal(head.status, 200);
    assert.equal(head.headers.get('access-control-allow-origin'), null);
    assert.equal(head.headers.get('x-content-type-options'), 'nosniff');
    assert.equal(head.headers.get('cache-control'), 'no-store');
    assert.match(head.headers.get('content-security-policy') ?? '', /default-src 'none'/);
    assert.equal(head.headers.get('x-powered-by'), null);
    const preflight = await fetch(`${api.base}/api/metrics`, { method: 'OPTIONS' });
    assert.equal(preflight.status, 405);
  });

  it('serves no foreign host name while there is no authentication', async () => {
    assert.equal(await rawStatus(api.base, { host: 'rebound.evil.test' }), 403);
    assert.equal(await rawStatus(api.base, { host: 'localhost:8080' }), 200);
    assert.equal(await rawStatus(api.base, { host: '[::1]:8080' }), 200);
    assert.equal(await rawStatus(api.base, { host: 'spend.test' }), 200);
  });

  it('measures requests by route, method and status, and makes no label from what is sent', async () => {
    observed.length = 0;
    await api.get('/api/metrics?tenant=x');
    await api.get('/api/made-up/1');
    await fetch(`${api.base}/api/v1/calls`, { method: 'PROPFIND' });
    const name = 'spanmeter_http_request_duration_seconds';
    assert.deepEqual(observed, [
      { name, route: '/api/metrics', method: 'GET', status: '200' },
      { name, route: 'unmatched', method: 'GET', status: '404' },
      { name, route: '/api/v1/calls', method: 'other', status: '405' },
    ]);
  });

  it('refuses to be open to everybody', async () => {
    const { api: second } = api;
    await assert.rejects(second.listen('0.0.0.0:0'), /api_key_auth/);
    const keyed = await runApi(database.url, { authenticator: authenticatorOf({}) });
    const other = await runApi(database.url, { authenticator: authenticatorOf({}) });
    const port = new URL(keyed.base).port;
    await assert.rejects(
      other.api.close().then(() => other.api.listen(`127.0.0.1:${port}`)),
      /SPANMETER_API_ENDPOINT/,
    );
    await keyed.close();
    await other.close();
  });

  it('answers 503 with Retry-After while the database is down, and goes on after', async () => {
    const down = await runApi('postgres://nobody@127.0.0.1:1/none');
    const { status, headers, body } = await down.get('/api/v1/summary');
    assert.equal(status, 503);
    assert.equal(body.error.code, 'unavailable');
    assert.ok(Number(headers.get('retry-after')) > 0);
    assert.equal((await down.get('/api/openapi.json')).status, 200);
    await down.close();
  });

  it('gives up a query that takes too long, and bounds how many wait', async () => {
    const reader = createReader(api.pool, { statementTimeoutMs: 50, acquireTimeoutMs: 1_000, maxWaiting: 1 });
    const slow = () => reader.read('a', (reading) => reading.query('SELECT pg_sleep(30)'));
    await assert.rejects(slow(), { name: 'Refusal', code: 'unavailable', message: /longer than 0.05 s/ });
    const outcomes = await Promise.allSettled(Array.from({ length: 12 }, slow));
    const reasons = outcomes.map((outcome) =>
      outcome.status === 'rejected' ? String(outcome.reason) : 'done',
    );
    assert.ok(
      reasons.some((reason) => reason.includes('Too many queries')),
      reasons.join('\n'),
    );
    assert.equal((await api.get('/api/metrics')).status, 200);
  });
});
