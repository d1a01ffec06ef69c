import { canonicalProvider, type TenantBooks } from '@spanmeter/processors';
import { civilDateIn, periodDays, type CivilDate, type Period } from '../api/civil-date.ts';
import { resolveRange } from '../api/range.ts';
import type { Reading } from '../api/reader.ts';
import { Refusal } from '../pipeline/refusal.ts';
import { WHAT_IF_GROUPS, type WhatIfGroup, type WhatIfQuestion } from './question.ts';
import { readWhatIf, type WhatIfLimits } from './read-what-if.ts';
import type { WhatIfReport } from './report.ts';

/** The question as people put it, on the command line or in a query. */
export interface WhatIfRequest {
  readonly period: Period;
  /** A day in the period; today in the tenant's zone where absent. */
  readonly date?: CivilDate | undefined;
  readonly provider?: string | undefined;
  readonly serviceName?: string | undefined;
  readonly fromModel?: string | undefined;
  readonly toModel?: string | undefined;
  readonly toProvider?: string | undefined;
  readonly noCache: boolean;
  readonly groupBy: string;
}

function groupsOf(text: string): WhatIfGroup[] {
  const keys = text.split(',').map((name) => {
    const key = WHAT_IF_GROUPS.find((known) => known === name.trim());
    if (key === undefined) {
      throw new Refusal('invalid', `"${name}" is none of ${WHAT_IF_GROUPS.join(', ')}.`);
    }
    return key;
  });
  if (new Set(keys).size !== keys.length) throw new Refusal('invalid', `"${text}" names a key twice.`);
  return keys;
}

function named(provider: string | undefined): string | null {
  return provider === undefined ? null : (canonicalProvider(provider) ?? provider);
}

/** What is asked. Rejects with Refusal `invalid` where that is nothing, or two things at once. */
export function questionOf(request: WhatIfRequest): WhatIfQuestion {
  const { fromModel = null, toModel, toProvider, noCache, serviceName = null } = request;
  if (noCache === (toModel !== undefined)) {
    throw new Refusal('invalid', 'Ask for another model (from and to), or for no cache: one of the two.');
  }
  if (toModel !== undefined && fromModel === null) {
    throw new Refusal('invalid', 'Name the model that ran as well as the one that might have (from and to).');
  }
  if (toModel === undefined && toProvider !== undefined) {
    throw new Refusal('invalid', 'A provider to go to needs a model to go to.');
  }
  return {
    change:
      toModel === undefined
        ? { kind: 'no_cache' }
        : { kind: 'model', model: toModel, provider: named(toProvider) },
    fromModel,
    provider: named(request.provider),
    serviceName,
    groupBy: groupsOf(request.groupBy),
  };
}

/** Answers a question about a period of one tenant, or of all, in one transaction. */
export async function askWhatIf(
  reading: Reading,
  books: TenantBooks,
  request: WhatIfRequest,
  now: Date,
  limits: WhatIfLimits,
): Promise<WhatIfReport> {
  const question = questionOf(request);
  const days = periodDays(request.period, request.date ?? civilDateIn(reading.timezone, now));
  const range = await resolveRange(reading, days, true);
  const answer = await readWhatIf(reading, books, range, question, limits);
  const { tenant, timezone } = reading;
  return { tenant, timezone, period: request.period, ...days, question, answer };
}
