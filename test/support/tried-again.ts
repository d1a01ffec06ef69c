import type { Context } from 'mocha';

/** Names tests that failed at first, where failed ones are tried again: mocha itself keeps silent on them. */
export const mochaHooks = {
  beforeEach(this: Context): void {
    const test = this.currentTest as unknown as { currentRetry(): number; fullTitle(): string } | undefined;
    if (test !== undefined && test.currentRetry() > 0)
      console.log(`\n      tried again: ${test.fullTitle()}`);
  },
};
