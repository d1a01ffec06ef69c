import assert from 'node:assert/strict';
import type { BudgetState } from '@spanmeter/collector/dist/budgets/budget.js';
import type { BudgetWatch } from '@spanmeter/collector/dist/budgets/budget-watch.js';
import type { BudgetForecasts } from '@spanmeter/collector/dist/forecast/forecast.js';
import type { Identity } from '@spanmeter/collector/dist/pipeline/identity.js';
import { buildState } from '../../support/budget-builder.ts';
import { authenticatorOf, runApi, type Json, type RunningApi } from './running-api.ts';

const USD = 1_000_000_000_000n;
const PATH = '/api/v1/budgets/status';

function identity(role: Identity['role'], tenant: string | null, team: string | null = null): Identity {
  return { role, tenant, team, keyId: `k_${role}` };
}

const KEYS = {
  admin: identity('admin', null),
  read: identity('read', 'acme'),
  ingest: identity('ingest', 'acme'),
  payments: identity('ingest', 'acme', 'payments'),
  gateway: identity('gateway', null),
};

function team(value: string, spentPicoUsd: bigint): BudgetState {
  const changes = { scope: 'team', spentPicoUsd, unpricedCalls: 0 } as const;
  return buildState('acme', changes, { id: value, scope: 'team', scopeValue: value, hard: true });
}

const STATES = [
  buildState('', { scope: 'all', spentPicoUsd: 1n }, { id: 'all', scope: 'all' }),
  team('payments', 10n * USD),
  team('search', 10n * USD - 1n),
  buildState('acme', { spentPicoUsd: 12n * USD + USD / 2n, unpricedCalls: 3 }),
  buildState('beta', { spentPicoUsd: 0n, unpricedCalls: 0 }),
];

const WATCH: BudgetWatch = {
  states: (tenant) => (tenant === null ? STATES : STATES.filter(({ tenantId }) => tenantId === tenant)),
  onChange: () => () => undefined,
};

const FORECASTS: BudgetForecasts = {
  of: ({ tenantId }) =>
    tenantId === 'beta'
      ? null
      : {
          expectedPicoUsd: 20n * USD,
          lowPicoUsd: 15n * USD,
          highPicoUsd: 30n * USD,
          exhaustedAtMs: 1_790_000_000_000,
          method: 'run_rate',
        },
};

describe('GET /api/v1/budgets/status', () => {
  let api: RunningApi;
  let watch: BudgetWatch | null = WATCH;

  before(async () => {
    // Nothing listens there: the answer needs no database.
    api = await runApi('postgres://nobody@127.0.0.1:1/none', {
      authenticator: authenticatorOf(KEYS),
      budgets: () => watch,
      forecasts: () => FORECASTS,
      now: () => new Date('2026-11-20T09:15:00Z'),
    });
  });
  beforeEach(() => (watch = WATCH));
  after(() => api.close());

  async function ids(query: string, key: string): Promise<string[]> {
    const { status, body } = await api.get(`${PATH}${query}`, key);
    assert.equal(status, 200, JSON.stringify(body));
    return body.budgets.map((one: Json) => `${one.tenant}/${one.id}`);
  }

  it('tells all about a budget, amounts exactly', async () => {
    const { body } = await api.get(`${PATH}?tenant=acme&limit=1`, 'admin');
    assert.deepEqual(body, {
      as_of: '2026-11-20T09:15:00.000Z',
      budgets: [
        {
          tenant: 'acme',
          id: 'default',
          name: 'Default',
          scope: 'tenant',
          scope_value: null,
          period: 'day',
          timezone: 'UTC',
          period_start: '2026-09-21T14:13:20.000Z',
          period_end: '2026-09-22T14:13:20.000Z',
          limit_usd: '10.000000000000',
          spent_usd: '12.500000000000',
          remaining_usd: '0.000000000000',
          used_percent: 125,
          level: 'exceeded',
          hard: false,
          refuse: false,
          complete: false,
          unpriced_calls: 3,
          forecast: {
            expected_usd: '20.000000000000',
            low_usd: '15.000000000000',
            high_usd: '30.000000000000',
            exhausted_at: '2026-09-21T14:13:20.000Z',
            method: 'run_rate',
          },
        },
      ],
      truncated: true,
    });
  });

  it('refuses from spent >= limit on, and calls it exceeded above the limit only', async () => {
    const { body } = await api.get(`${PATH}?tenant=acme`, 'read');
    const shown = body.budgets.map((one: Json) => [
      one.id,
      one.level,
      one.refuse,
      one.used_percent,
      one.complete,
    ]);
    assert.deepEqual(shown, [
      ['default', 'exceeded', false, 125, false],
      ['payments', 'warning', true, 100, true],
      ['search', 'warning', false, 99.99, true],
    ]);
  });

  it('shows each key what is its own to know', async () => {
    assert.deepEqual(await ids('', 'ingest'), ['acme/default', 'acme/payments', 'acme/search']);
    assert.deepEqual(await ids('?tenant=acme', 'payments'), ['acme/default', 'acme/payments']);
    assert.deepEqual(await ids('?tenant=beta', 'gateway'), ['beta/default']);
    assert.equal((await ids('', 'admin')).length, 5);
    assert.deepEqual(await ids('?tenant=nobody', 'admin'), []);
    const refusals: [string, string, number][] = [
      ['?tenant=beta', 'ingest', 403],
      ['?tenant=beta', 'read', 403],
      ['?team=search', 'payments', 403],
      ['', 'gateway', 400],
      ['?tenat=acme', 'admin', 400],
      ['?tenant=acme&limit=0', 'admin', 400],
      ['', 'unknown', 401],
    ];
    for (const [query, key, status] of refusals) {
      assert.equal((await api.get(`${PATH}${query}`, key)).status, status, `${key} ${query}`);
    }
  });

  it('narrows budgets by what a call has, and keeps those that look at something else', async () => {
    assert.deepEqual(await ids('?team=search', 'ingest'), ['acme/default', 'acme/search']);
    assert.deepEqual(await ids('?team=none&user=ann', 'ingest'), ['acme/default']);
  });

  it('answers 503 until the spend was read once', async () => {
    watch = null;
    const { status, headers, body } = await api.get(`${PATH}?tenant=acme`, 'ingest');
    assert.equal(status, 503);
    assert.equal(body.error.code, 'unavailable');
    assert.equal(headers.get('retry-after'), '1');
  });
});
