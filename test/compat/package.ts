import type { Verdict } from './verdict.ts';

/** Placeholder. */
export async function checkPackage(verdict: Verdict): Promise<void> {
  verdict.compare('nothing', 0, 0);
}
