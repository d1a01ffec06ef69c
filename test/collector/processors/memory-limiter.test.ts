import assert from 'node:assert/strict';
import { createMemoryGate, memoryLimiter } from '@spanmeter/collector/dist/processors/memory-limiter.js';
import { SILENT_LOG } from '@spanmeter/collector/dist/pipeline/silent.js';
import { CountedMetrics } from '../receivers/counted-metrics.ts';

const MIB = 1024 * 1024;

function gate(options: object, memory: { resident: number; available: number }) {
  const metrics = new CountedMetrics();
  const made = createMemoryGate(
    memoryLimiter.options.parse(options),
    { id: 'memory_limiter', log: SILENT_LOG, metrics },
    {
      residentBytes: () => memory.resident * MIB,
      availableBytes: () => memory.available * MIB,
    },
  );
  return { made, metrics };
}

describe('the memory limiter', () => {
  it('refuses with a retryable refusal above the soft limit, and takes again below it', () => {
    const memory = { resident: 79, available: 0 };
    const { made, metrics } = gate({ limit_mib: 100, check_interval: '1h' }, memory);
    for (const [resident, refused] of [
      [79, false],
      [81, true],
      [79, false],
    ] as const) {
      memory.resident = resident;
      made.start();
      made.stop();
      if (refused) assert.throws(() => made.admit(), { code: 'unavailable', retryAfterMs: 1000 });
      else made.admit();
    }
    assert.equal(metrics.value('otelcol_processor_memory_limiter_refused_requests'), 1);
  });

  it('takes a percentage of what the process may use where no size is given', () => {
    const { made } = gate({}, { resident: 1, available: 1000 });
    assert.equal(made.softLimitBytes, 550 * MIB);
  });

  it('takes a spike limit of its own', () => {
    assert.equal(
      gate({ limit_mib: 100, spike_limit_mib: 50 }, { resident: 1, available: 0 }).made.softLimitBytes,
      50 * MIB,
    );
  });

  it('refuses limits that make no sense', () => {
    for (const options of [
      { limit_mib: 10, spike_limit_mib: 10 },
      { limit_percentage: 20, spike_limit_percentage: 30 },
      { check_interval: '0' },
    ]) {
      assert.equal(memoryLimiter.options.safeParse(options).success, false);
    }
  });
});
