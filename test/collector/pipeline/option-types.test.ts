import assert from 'node:assert/strict';
import { z } from 'zod';
import { formatEndpoint, isLoopback, parseEndpoint } from '@spanmeter/collector/dist/pipeline/endpoint.js';
import { byteSizeOption, durationOption } from '@spanmeter/collector/dist/pipeline/option-types.js';

describe('option types', () => {
  for (const [text, ms, back] of [
    ['200ms', 200, '200ms'],
    ['1h30m', 5_400_000, '90m'],
    ['1.5s', 1500, '1500ms'],
    ['60s', 60_000, '1m'],
    ['7d', 604_800_000, '168h'],
    ['1d12h', 129_600_000, '36h'],
    ['0', 0, '0s'],
    [0, 0, '0s'],
  ] as const) {
    it(`read the duration ${text} as ${ms} milliseconds and write it as ${back}`, () => {
      assert.equal(durationOption.parse(text), ms);
      assert.equal(z.encode(durationOption, ms), back);
      assert.equal(durationOption.parse(back), ms);
    });
  }

  it('refuse what is not a duration', () => {
    for (const value of [5, '5', '5 s', '-1s', 's', '', '1w'])
      assert.equal(durationOption.safeParse(value).success, false);
  });

  it('read sizes', () => {
    assert.equal(byteSizeOption.parse('64MiB'), 67_108_864);
    assert.equal(byteSizeOption.parse(5), 5);
    for (const value of [0, -1, 1.5, '5MB', '', 'MiB'])
      assert.equal(byteSizeOption.safeParse(value).success, false);
  });
});

describe('an endpoint', () => {
  it('is read and written as host and port', () => {
    for (const text of ['127.0.0.1:4317', '[::1]:4317', ':4317', 'localhost:0', 'otel.example.com:65535']) {
      assert.equal(formatEndpoint(parseEndpoint(text)!), text);
    }
    for (const text of [
      'localhost',
      '1:2:3',
      '::1:4317',
      'http://x:1',
      'a:65536',
      'a:',
      '[::g]:1',
      'a b:1',
    ]) {
      assert.equal(parseEndpoint(text), null, text);
    }
  });

  it('is loopback only where no other machine can reach it', () => {
    for (const host of ['127.0.0.1', '127.9.9.9', '::1', '0:0:0:0:0:0:0:1', 'localhost', 'LocalHost'])
      assert.ok(isLoopback(host), host);
    for (const host of ['', '0.0.0.0', '::', '10.0.0.1', 'localhost.example.com', '127.0.0.1.example.com']) {
      assert.ok(!isLoopback(host), host);
    }
  });
});
