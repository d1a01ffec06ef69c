import type { ComponentType } from './pipeline/component.ts';
import { batch } from './processors/batch.ts';
import { memoryLimiter } from './processors/memory-limiter.ts';
import { otlpReceiver } from './receivers/otlp.ts';

/** Every component that a configuration can name, one line each. */
export const COMPONENTS: readonly ComponentType[] = [
  // receivers
  otlpReceiver,
  // processors
  memoryLimiter,
  batch,
];
