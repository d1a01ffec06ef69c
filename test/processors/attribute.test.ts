import assert from 'node:assert/strict';
import { createAttribution, createNormalizer } from '@spanmeter/processors';
import type { AttributionOptions, Call, RecordContext } from '@spanmeter/processors';
import type { AttributeRecord } from './spans.ts';
import { GPT_4O, groupOf, run, spanOf } from './spans.ts';

function attributed(
  attributes: AttributeRecord,
  resource: AttributeRecord = {},
  context: Partial<RecordContext> = {},
  options: AttributionOptions = {},
): Call {
  const group = groupOf([spanOf({ ...GPT_4O, ...attributes }, { resource })], context);
  run([group], createNormalizer(), createAttribution(options));
  const [call] = group.calls;
  if (call == null) throw new Error('the span was rejected');
  return call;
}

const GATEWAY = { role: 'gateway', keyId: 'k1' } as const;
const INGEST = { role: 'ingest', tenant: 'acme', keyId: 'k1' } as const;

describe('the tenant of a call', () => {
  const cases: readonly (readonly [
    string,
    AttributeRecord,
    AttributeRecord,
    Partial<RecordContext>,
    string,
    string,
    string | undefined,
  ])[] = [
    ['nobody claims it', {}, {}, {}, 'default', 'default', undefined],
    ['the resource says', {}, { 'tenant.id': 'r' }, {}, 'r', 'resource', undefined],
    [
      'the span says, over the resource',
      { 'tenant.id': 's' },
      { 'tenant.id': 'r' },
      {},
      's',
      'span',
      undefined,
    ],
    [
      'the header says, over both',
      { 'tenant.id': 's' },
      {},
      { declaredTenant: 'h' },
      'h',
      'header',
      undefined,
    ],
    [
      'a gateway declares it',
      { 'tenant.id': 's' },
      {},
      { ...GATEWAY, tenant: 'own' },
      's',
      'span',
      undefined,
    ],
    ['a gateway does not declare it', {}, {}, { ...GATEWAY, tenant: 'own' }, 'own', 'credential', undefined],
    ['a gateway without a tenant declares none', {}, {}, GATEWAY, 'default', 'default', undefined],
    ['an ingest key proves it', {}, {}, INGEST, 'acme', 'credential', undefined],
    ['an ingest key is contradicted by a span', { 'tenant.id': 'b' }, {}, INGEST, 'acme', 'credential', 'b'],
    [
      'an ingest key is contradicted by a header',
      {},
      {},
      { ...INGEST, declaredTenant: 'b' },
      'acme',
      'credential',
      'b',
    ],
    ['an ingest key is agreed with', { 'tenant.id': 'acme' }, {}, INGEST, 'acme', 'credential', undefined],
  ];
  for (const [when, span, resource, context, tenant, provenance, claimed] of cases) {
    it(`where ${when} is ${tenant}, by ${provenance}`, () => {
      const call = attributed(span, resource, context);
      assert.equal(call.tenantId, tenant);
      assert.equal(call.attribution['tenant'], provenance);
      assert.equal(call.attributes['claimed_tenant'], claimed);
    });
  }

  it('that was not admitted falls to the next in line, and the claim is kept', () => {
    const options = { admitTenant: (tenant: string) => tenant !== 'one-too-many' };
    const open = attributed({ 'tenant.id': 'one-too-many' }, {}, {}, options);
    assert.equal(open.tenantId, 'default');
    assert.equal(open.attributes['claimed_tenant'], 'one-too-many');
    const gateway = attributed({ 'tenant.id': 'one-too-many' }, {}, { ...GATEWAY, tenant: 'own' }, options);
    assert.equal(gateway.tenantId, 'own');
    assert.equal(attributed({ 'tenant.id': 'fine' }, {}, {}, options).tenantId, 'fine');
  });

  it('is never asked for admission where a credential proves it', () => {
    const options = { admitTenant: () => false };
    assert.equal(attributed({}, {}, INGEST, options).tenantId, 'acme');
  });

  it('by default is what the configuration says', () => {
    assert.equal(attributed({}, {}, {}, { defaultTenant: 'house' }).tenantId, 'house');
  });
});

describe('the team of a call', () => {
  const teams = [
    { service: 'checkout-*', team: 'payments' },
    { service: '*-search', team: 'discovery' },
    { service: 'a*b*c', team: 'middle' },
  ];
  const cases: readonly (readonly [
    string,
    AttributeRecord,
    AttributeRecord,
    Partial<RecordContext>,
    string | null,
    string | undefined,
  ])[] = [
    ['its key', { 'team.id': 's' }, {}, { ...INGEST, team: 'k' }, 'k', 'credential'],
    ['its span', { 'team.id': 's', team: 't' }, { 'team.id': 'r' }, {}, 's', 'span'],
    ['its resource', { team: 't' }, { 'team.id': 'r', 'service.name': 'checkout-api' }, {}, 'r', 'resource'],
    ['the plain name', { team: 't' }, { 'service.name': 'checkout-api' }, {}, 't', 'span'],
    [
      'its service',
      {},
      { 'service.name': 'checkout-api', 'service.namespace': 'n' },
      {},
      'payments',
      'mapping',
    ],
    ["its service's end", {}, { 'service.name': 'web-search' }, {}, 'discovery', 'mapping'],
    ["its service's middle", {}, { 'service.name': 'a-xbx-c' }, {}, 'middle', 'mapping'],
    ['its namespace', {}, { 'service.name': 'other', 'service.namespace': 'n' }, {}, 'n', 'resource'],
    ['nothing', {}, { 'service.name': 'acb' }, {}, null, undefined],
  ];
  for (const [by, span, resource, context, team, provenance] of cases) {
    it(`is told by ${by}`, () => {
      const call = attributed(span, resource, context, { teams });
      assert.equal(call.team, team);
      assert.equal(call.attribution['team'], provenance);
    });
  }
});

describe('the other dimensions of a call', () => {
  it('are read from span and resource with their provenance', () => {
    const call = attributed(
      {
        'user.id': 'u',
        'session.id': 's',
        'gen_ai.conversation.id': 'c',
        'spanmeter.feature': 'f',
        'gen_ai.agent.name': 'a',
      },
      { 'service.name': 'api', 'deployment.environment.name': 'prod', 'user.id': 'not this one' },
      INGEST,
    );
    assert.equal(call.userId, 'u');
    assert.equal(call.sessionId, 's');
    assert.equal(call.conversationId, 'c');
    assert.equal(call.feature, 'f');
    assert.equal(call.agentName, 'a');
    assert.equal(call.serviceName, 'api');
    assert.equal(call.environment, 'prod');
    assert.equal(call.keyId, 'k1');
    assert.deepEqual(call.attribution, {
      tenant: 'credential',
      user: 'span',
      conversation: 'span',
      session: 'span',
      feature: 'span',
      agent: 'span',
      environment: 'resource',
      service: 'resource',
      key: 'credential',
    });
  });

  it('fall back to older and other names', () => {
    assert.equal(attributed({ 'enduser.id': 'e' }).userId, 'e');
    assert.equal(attributed({ 'enduser.id': 'e', 'user.id': 'u' }).userId, 'u');
    assert.equal(attributed({ 'gen_ai.conversation.id': 'c' }).sessionId, 'c');
    assert.equal(attributed({}, { 'deployment.environment': 'old' }).environment, 'old');
    assert.equal(attributed({ 'user.id': 42 }).userId, '42');
    assert.equal(attributed({ 'user.id': '  ' }).userId, null);
  });

  it('keep apart what belongs to different resources in one batch', () => {
    const one = spanOf(GPT_4O, { resource: { 'service.name': 'one' } });
    const two = spanOf(GPT_4O, { resource: { 'service.name': 'two' } });
    const none = spanOf(GPT_4O);
    const group = groupOf([one, two, none, one]);
    run([group], createNormalizer(), createAttribution());
    assert.deepEqual(
      group.calls.map((call) => call?.serviceName),
      ['one', 'two', 'unknown_service', 'one'],
    );
  });
});
