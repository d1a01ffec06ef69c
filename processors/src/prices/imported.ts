import type { OverlayEntry, OverlayPatch } from '../overlay-entry.ts';
import type { ContextTier, Modifier, Rates } from '../price-entry.ts';
import { IMPORT_DATE, IMPORT_SOURCE, IMPORTED_MODELS, IMPORTED_PATCHES } from './imported/index.ts';

/** A model that the base lacks, as the generated files write it. */
export interface ImportedModel {
  readonly model: string;
  readonly aliases?: readonly string[];
  readonly rates: Rates;
  readonly tiers?: readonly ContextTier[];
  readonly modifiers?: readonly Modifier[];
}

/** What the base lacks of models that it has. */
export interface ImportedPatch {
  readonly models: readonly string[];
  readonly rates?: Rates;
  readonly tiers?: readonly ContextTier[];
  readonly modifiers?: readonly Modifier[];
}

const REVIEW = { source: `${IMPORT_SOURCE}, model map`, reviewed: IMPORT_DATE };

/** Imported models, as overlay entries without a date: they apply whenever they were called. */
export const IMPORTED_ENTRIES: readonly OverlayEntry[] = Object.entries(IMPORTED_MODELS).flatMap(
  ([seller, models]) =>
    models.map(({ model, aliases, ...period }) => ({
      seller,
      model,
      ...(aliases === undefined ? {} : { aliases }),
      periods: [period],
      ...REVIEW,
    })),
);

/** Imported conditions and rates, as patches of the models that they name. */
export const IMPORTED_CONDITIONS: readonly OverlayPatch[] = Object.entries(IMPORTED_PATCHES).flatMap(
  ([seller, patches]) => patches.map((patch) => ({ sellers: [seller], ...patch, ...REVIEW })),
);
