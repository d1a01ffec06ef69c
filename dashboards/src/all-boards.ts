import type { Board } from './board.ts';
import { BUDGETS } from './boards/budgets.ts';
import { CACHE } from './boards/cache.ts';
import { COLLECTOR } from './boards/collector.ts';
import { DATA_QUALITY } from './boards/data-quality.ts';
import { MODELS } from './boards/models.ts';
import { OVERVIEW } from './boards/overview.ts';
import { TENANT } from './boards/tenant.ts';

/** Every dashboard, in the order of the documentation. */
export const ALL_BOARDS: readonly Board[] = [
  OVERVIEW,
  TENANT,
  MODELS,
  CACHE,
  BUDGETS,
  DATA_QUALITY,
  COLLECTOR,
];
