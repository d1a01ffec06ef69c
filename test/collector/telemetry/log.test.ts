import assert from 'node:assert/strict';
import { createLogger } from '@spanmeter/collector/dist/telemetry/log.js';
import type { LogLevel } from '@spanmeter/collector/dist/telemetry/log.js';
import { Secret } from '@spanmeter/collector/dist/pipeline/secret.js';

function capture(isTTY = false, level: LogLevel = 'debug') {
  const lines: string[] = [];
  const log = createLogger({ level, destination: { isTTY, write: (line: string) => lines.push(line) } });
  const last = (): Record<string, unknown> => JSON.parse(lines.at(-1)!) as Record<string, unknown>;
  return { log, lines, last };
}

describe('the log', () => {
  it('writes one JSON object per line with the name of the level and an ISO time', () => {
    const { log, lines, last } = capture();
    log.info({ exporter: 'otlp_http', spans: 3 }, 'two\nlines');
    assert.equal(lines.length, 1);
    assert.match(lines[0]!, /^[^\n]+\n$/);
    const { time, ...rest } = last();
    assert.deepEqual(rest, { level: 'info', exporter: 'otlp_http', spans: 3, msg: 'two\nlines' });
    assert.equal(new Date(String(time)).toISOString(), time);
  });

  it('leaves out what is below its level', () => {
    const { log, lines } = capture(false, 'warn');
    log.debug({}, 'no');
    log.info({}, 'no');
    log.warn({}, 'yes');
    log.error({}, 'yes');
    assert.equal(lines.length, 2);
  });

  it('writes one readable line on a terminal, without control characters of the data', () => {
    const { log, lines } = capture(true);
    log.warn({ model: 'evil\u001b[2Jname', error: new Error('broken') }, 'a\nb');
    assert.equal(lines.length, 1);
    assert.equal(lines[0]!.split('\n').length, 2);
    assert.match(lines[0]!, /WARN/);
    assert.match(lines[0]!, /a\\nb/);
    assert.ok(!lines[0]!.includes('\u001b[2J'));
    assert.match(lines[0]!, /broken/);
  });

  const key = 'sm_live_0123456789abcdefghijkl';
  const secrets: readonly (readonly [string, object | string])[] = [
    ['a key in the message', `unknown key ${key} was sent`],
    ['a key in a nested field', { request: { list: ['x', { text: `key ${key}` }] } }],
    ['a key as the name of a field', { [key]: 1 }],
    ['an authorization field', { headers: { Authorization: `Basic ${key}` } }],
    ['an x-api-key field', { headers: { 'x-api-key': key } }],
    ['an authorization header in text', `authorization: Bearer ${key}`],
    ['a bearer token in text', `sent Bearer ${key.slice(3)}`],
    ['a password in a URL', `postgres://app:${key.slice(3)}@db:5432/x failed`],
    ['a password with odd characters in a URL', `postgres://app:p@${key.slice(3)}/w#@db:5432/x failed`],
    ['a password in a connection string', `host=db password=${key.slice(3)} user=app`],
    ['a password in JSON text', `{"password":"${key.slice(3)}"}`],
    ['an error', { error: new Error(`cannot use ${key}`) }],
    ['the cause of an error', { error: new Error('outer', { cause: new Error(`cannot use ${key}`) }) }],
    ['a map', { headers: new Map([['authorization', key.slice(3)]]) }],
    ['a secret option', { token: 1, nested: { header: new Secret(key.slice(3)) } }],
    ['a password field', { options: { password: key.slice(3), bearerToken: key.slice(3) } }],
  ];
  for (const [where, value] of secrets) {
    it(`hides the secret in ${where}`, () => {
      for (const isTTY of [false, true]) {
        const { log, lines } = capture(isTTY);
        if (typeof value === 'string') log.error({}, value);
        else log.error(value, 'message');
        assert.ok(!lines[0]!.includes('0123456789abcdefghijkl'), lines[0]);
        assert.ok(lines[0]!.includes('[REDACTED]'), lines[0]);
      }
    });
  }

  it('leaves ordinary text as it is', () => {
    const { log, last } = capture();
    const text = 'GET http://127.0.0.1:8889/metrics?at=me@home needs bearer authentication; tokens: 12';
    log.info({ input_tokens: 12, address: 'http://127.0.0.1:4318/v1/traces' }, text);
    assert.equal(last()['msg'], text);
    assert.equal(last()['input_tokens'], 12);
    assert.equal(last()['address'], 'http://127.0.0.1:4318/v1/traces');
  });

  it('logs what JSON cannot hold, and bounds what is huge or goes round in circles', () => {
    const { log, lines, last } = capture();
    const circle: Record<string, unknown> = { name: 'circle' };
    circle['self'] = circle;
    log.info(
      { big: 2n ** 70n, bytes: new Uint8Array(9), circle, long: 'x'.repeat(1e6), level: 'mine' },
      'odd',
    );
    assert.ok(lines[0]!.length < 20_000);
    assert.equal(last()['big'], String(2n ** 70n));
    assert.equal(last()['bytes'], '[9 bytes]');
    assert.equal(last()['level'], 'info');
    assert.equal(last()['field_level'], 'mine');
  });
});
