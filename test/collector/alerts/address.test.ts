import assert from 'node:assert/strict';
import { guardedLookup, isLoopback } from '@spanmeter/collector/dist/alerts/delivery/address.js';

function lookUp(name: string, all: boolean): Promise<unknown> {
  return new Promise((resolve, reject) =>
    guardedLookup(name, { all }, (error, address) => (error === null ? resolve(address) : reject(error))),
  );
}

describe('the addresses that notifications go to', () => {
  it('are those that the system finds, unless one of them is link-local', async () => {
    assert.equal(await lookUp('127.0.0.1', false), '127.0.0.1');
    assert.deepEqual(await lookUp('127.0.0.1', true), [{ address: '127.0.0.1', family: 4 }]);
    for (const all of [true, false]) {
      await assert.rejects(lookUp('169.254.169.254', all), /link-local/);
      await assert.rejects(lookUp('fe80::1', all), /link-local/);
      await assert.rejects(lookUp('no-such-name.invalid', all), /no-such-name/);
    }
  });

  it('are on this machine only where the whole range is', () => {
    for (const host of [
      'localhost',
      'LOCALHOST',
      '127.0.0.1',
      '127.1.2.3',
      '::1',
      '[::1]',
      '::ffff:127.0.0.1',
    ]) {
      assert.equal(isLoopback(host), true, host);
    }
    for (const host of ['localhost.example.com', '128.0.0.1', '10.0.0.1', '::2', '0.0.0.0']) {
      assert.equal(isLoopback(host), false, host);
    }
  });
});
