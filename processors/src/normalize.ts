import type { CallProcessor } from './call.ts';

/** Options of the normaliser. */
export interface NormalizerOptions {
  /** How long before its receipt a call may have started, in milliseconds; 90 days by default. */
  readonly retentionMs?: number;
}

/** Turns GenAI spans into calls. */
export function createNormalizer(options: NormalizerOptions = {}): CallProcessor {
  return (groups) => {
    for (const group of groups) {
      group.calls = group.spans.map(() => null);
      group.rejections = [];
      if (options.retentionMs !== undefined && options.retentionMs < 0) group.rejections = [];
    }
  };
}
