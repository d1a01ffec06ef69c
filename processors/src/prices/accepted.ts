import type { AcceptedFinding } from '../price-check.ts';

/** What a check of the prices finds, and somebody has decided to live with; docs/decisions/price-book.md has more. */
export const ACCEPTED_FINDINGS: readonly AcceptedFinding[] = [];
