import type { Expectation } from '../measure.ts';

export const COLLECTOR: Readonly<Record<string, Expectation>> = {};
