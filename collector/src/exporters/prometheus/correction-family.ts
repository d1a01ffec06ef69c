import { metricNamed } from '@spanmeter/processors';
import type { ExpositionFormat } from '../../telemetry/exposition.ts';
import { Family, type FamilyLimits, type FoldCounter } from './family.ts';
import { renderLabels, type LabelSet } from './labels.ts';
import { MONEY } from './values.ts';

/** By how much corrections moved the cost of some calls so far, in one direction. */
export interface CorrectionTotal {
  readonly labels: LabelSet;
  readonly direction: 'up' | 'down';
  /** Absolute, in 1e-12 USD; it only grows. */
  readonly picoUsd: bigint;
}

const NAME = 'genai_cost_corrections_usd_total';
const DIRECTIONS = ['up', 'down'] as const;

/** The totals of corrections as series, folded under the cap like those of calls. */
export class CorrectionFamily {
  readonly #limits: FamilyLimits;
  readonly #folded: FoldCounter;
  #shown: readonly CorrectionTotal[] = [];
  #family: Family<bigint>;
  #foldedBefore = 0;

  constructor(limits: FamilyLimits, folded: FoldCounter) {
    this.#limits = limits;
    this.#folded = folded;
    this.#family = this.#make(() => {});
  }

  /** `totals` in an order in which new ones come last, so that the same ones are folded every time. */
  *render(totals: readonly CorrectionTotal[], format: ExpositionFormat): Generator<string> {
    if (totals !== this.#shown) this.#show(totals);
    yield* this.#family.render(format);
  }

  #make(folded: FoldCounter): Family<bigint> {
    const settings = {
      name: NAME,
      help: metricNamed(NAME).help,
      kind: MONEY,
      extra: { label: 'direction', values: DIRECTIONS },
    };
    return new Family(settings, this.#limits, 0, folded);
  }

  #show(totals: readonly CorrectionTotal[]): void {
    let foldedNow = 0;
    const family = this.#make(() => void foldedNow++);
    for (const { labels, direction, picoUsd } of totals) {
      const dimensions = { labels, text: renderLabels(labels, this.#limits.labelNames), slots: [] };
      family.at(dimensions, DIRECTIONS.indexOf(direction)).value += picoUsd;
    }
    this.#family = family;
    this.#shown = totals;
    // Counts a label set when it is folded first, not each time that the totals are read.
    for (let each = this.#foldedBefore; each < foldedNow; each++) this.#folded(NAME);
    this.#foldedBefore = Math.max(this.#foldedBefore, foldedNow);
  }
}
