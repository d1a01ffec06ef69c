import assert from 'node:assert/strict';
import { createRateLimiter } from '@spanmeter/collector/dist/pipeline/rate-limit.js';

describe('the limits of a tenant', () => {
  it('do not exist at zero', () => {
    const limiter = createRateLimiter({ spansPerSecond: 0, bytesPerSecond: 0 });
    limiter.charge('a', 1e9, 1e12, 0);
    assert.equal(limiter.waitMs('a', 0), 0);
  });

  it('let one large request through and make the next one wait until it is paid for', () => {
    const limiter = createRateLimiter({ spansPerSecond: 100, bytesPerSecond: 0 });
    assert.equal(limiter.waitMs('a', 0), 0);
    limiter.charge('a', 1100, 1, 0);
    const waitMs = limiter.waitMs('a', 0);
    assert.equal(waitMs, 10_001);
    assert.ok(limiter.waitMs('a', waitMs - 10) > 0);
    assert.equal(limiter.waitMs('a', waitMs), 0);
  });

  it('save up one second at most', () => {
    const limiter = createRateLimiter({ spansPerSecond: 100, bytesPerSecond: 0 });
    limiter.charge('a', 1, 1, 0);
    assert.equal(limiter.waitMs('a', 1_000_000), 0);
    limiter.charge('a', 200, 1, 1_000_000);
    assert.equal(limiter.waitMs('a', 1_000_000), 1001);
  });

  it('hold for bytes as for spans, whichever takes longer', () => {
    const limiter = createRateLimiter({ spansPerSecond: 100, bytesPerSecond: 1000 });
    limiter.charge('a', 200, 10_000, 0);
    assert.equal(limiter.waitMs('a', 0), 9001);
  });

  it('are not lifted by a clock that stands still or by other tenants', () => {
    const limiter = createRateLimiter({ spansPerSecond: 10, bytesPerSecond: 0 });
    limiter.charge('a', 20, 0, 5);
    for (let i = 0; i < 100; i++) assert.equal(limiter.waitMs(`t${i}`, 5), 0);
    assert.equal(limiter.waitMs('a', 5), 1001);
  });

  it('are kept for a bounded number of tenants, the rest of them sharing one allowance', () => {
    const limiter = createRateLimiter({ spansPerSecond: 10, bytesPerSecond: 0 }, 20);
    for (let i = 0; i < 20; i++) limiter.charge(`t${i}`, 100, 0, 0);
    limiter.charge('new1', 100, 0, 0);
    assert.ok(limiter.waitMs('new2', 0) > 0);
    assert.ok(limiter.waitMs('t0', 0) > 0);
    // Later, quiet tenants are forgotten in favour of new ones.
    assert.equal(limiter.waitMs('new3', 60_000), 0);
  });
});
