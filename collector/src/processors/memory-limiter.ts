import { totalmem } from 'node:os';
import { z } from 'zod';
import type { ComponentType, Host } from '../pipeline/component.ts';
import { durationOption } from '../pipeline/option-types.ts';
import { Refusal } from '../pipeline/refusal.ts';

/** Options of the `memory_limiter` processor, named as the Collector's. */
export interface MemoryLimiterOptions {
  /** Milliseconds. */
  readonly check_interval: number;
  readonly limit_mib: number;
  readonly spike_limit_mib: number;
  readonly limit_percentage: number;
  readonly spike_limit_percentage: number;
}

const percentage = z.number().min(0).max(100);

const options: z.ZodType<MemoryLimiterOptions> = z
  .strictObject({
    check_interval: durationOption.prefault('1s').describe('How often memory is measured.'),
    limit_mib: z
      .number()
      .int()
      .nonnegative()
      .default(0)
      .describe('Resident memory in MiB that must not be passed; 0 means `limit_percentage` decides.'),
    spike_limit_mib: z
      .number()
      .int()
      .nonnegative()
      .default(0)
      .describe('Requests are refused from `limit_mib` minus this on; 0 means a fifth of the limit.'),
    limit_percentage: percentage
      .default(80)
      .describe('The limit as a share of the memory this process may use (its cgroup, else the machine).'),
    spike_limit_percentage: percentage
      .default(25)
      .describe('As `spike_limit_mib`, for a limit given as a percentage.'),
  })
  .refine((one) => one.limit_mib === 0 || one.spike_limit_mib < one.limit_mib, {
    error: 'spike_limit_mib must be smaller than limit_mib',
    path: ['spike_limit_mib'],
  })
  .refine((one) => one.limit_mib > 0 || one.spike_limit_percentage < one.limit_percentage, {
    error: 'spike_limit_percentage must be smaller than limit_percentage',
    path: ['spike_limit_percentage'],
  })
  .refine((one) => one.check_interval > 0, { error: 'must be greater than zero', path: ['check_interval'] });

/** The `memory_limiter` processor. */
export const memoryLimiter: ComponentType<MemoryLimiterOptions> = {
  kind: 'processor',
  type: 'memory_limiter',
  summary: 'Refuses requests at the door, to be sent again, while memory is short.',
  options,
};

const MIB = 1024 * 1024;
const RETRY_AFTER_MS = 1000;

/** Decides whether a request may be read at all. */
export interface MemoryGate {
  /** Throws Refusal `unavailable` while memory is above the soft limit. */
  admit(): void;
  /** Bytes of resident memory from which requests are refused. */
  readonly softLimitBytes: number;
  start(): void;
  stop(): void;
}

/** Where memory figures come from; replaceable so that a test can be short of memory. */
export interface MemorySource {
  residentBytes(): number;
  availableBytes(): number;
}

const PROCESS_MEMORY: MemorySource = {
  residentBytes: () => process.memoryUsage.rss(),
  availableBytes() {
    const machine = totalmem();
    const constrained = process.constrainedMemory();
    return constrained > 0 && constrained < machine ? constrained : machine;
  },
};

function softLimit(settings: MemoryLimiterOptions, memory: MemorySource): number {
  if (settings.limit_mib > 0) {
    const spike = settings.spike_limit_mib > 0 ? settings.spike_limit_mib : settings.limit_mib / 5;
    return (settings.limit_mib - spike) * MIB;
  }
  return ((settings.limit_percentage - settings.spike_limit_percentage) / 100) * memory.availableBytes();
}

/**
 * Watches this process's memory. It acts before a request's body is read, so nothing decoded is lost; resident
 * memory counts, since buffers live outside the JavaScript heap.
 */
export function createMemoryGate(
  settings: MemoryLimiterOptions,
  host: Host,
  memory: MemorySource = PROCESS_MEMORY,
): MemoryGate {
  const softLimitBytes = softLimit(settings, memory);
  const refused = host.metrics.counter(
    'otelcol_processor_memory_limiter_refused_requests',
    'Requests refused because memory was short.',
    ['processor'],
  );
  refused.add(0, { processor: host.id });
  let short = false;
  let timer: NodeJS.Timeout | undefined;
  const check = (): void => {
    const bytes = memory.residentBytes();
    const now = bytes > softLimitBytes;
    if (now !== short) {
      const fields = { residentMiB: Math.round(bytes / MIB), softLimitMiB: Math.round(softLimitBytes / MIB) };
      if (now) host.log.warn(fields, 'memory is short: requests are refused until it is not');
      else host.log.info(fields, 'memory is available again: requests are taken');
    }
    short = now;
  };
  return {
    softLimitBytes,
    admit() {
      if (!short) return;
      refused.add(1, { processor: host.id });
      throw new Refusal('unavailable', 'memory is short, send again later', { retryAfterMs: RETRY_AFTER_MS });
    },
    start() {
      check();
      timer ??= setInterval(check, settings.check_interval);
      timer.unref();
    },
    stop() {
      clearInterval(timer);
      timer = undefined;
    },
  };
}
