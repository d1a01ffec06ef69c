import type { Expectation } from '../measure.ts';
import { BUDGETS } from './budgets.ts';
import { CACHE } from './cache.ts';
import { COLLECTOR } from './collector.ts';
import { DATA_QUALITY } from './data-quality.ts';
import { MODELS } from './models.ts';
import { OVERVIEW } from './overview.ts';
import { TENANT } from './tenant.ts';

/** Panels that show nothing but 0 while all is well, and why what they count is not provoked here. */
export const QUIET: Readonly<Record<string, string>> = {
  'spanmeter-collector/9': 'a journal or memory that is full would refuse the calls of every other panel',
};

/** Panels of metrics that this collector does not serve (yet): held to that, so that none stays here for nothing. */
export const AWAITED: readonly string[] = ['spanmeter-budgets/6'];

/** What every query of every panel must show, by the board's uid and then `panelId/refId`. */
export const EXPECTED: Readonly<Record<string, Readonly<Record<string, Expectation>>>> = {
  'spanmeter-overview': OVERVIEW,
  'spanmeter-tenant': TENANT,
  'spanmeter-models': MODELS,
  'spanmeter-cache': CACHE,
  'spanmeter-budgets': BUDGETS,
  'spanmeter-data-quality': DATA_QUALITY,
  'spanmeter-collector': COLLECTOR,
};
