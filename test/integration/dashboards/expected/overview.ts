import { dayIn, isBillable, usd } from '../oracle.ts';
import {
  figureOf,
  rowsCheck,
  series,
  sums,
  table,
  tiles,
  RATE_SECONDS,
  type Expectation,
} from '../measure.ts';
import * as f from './figures.ts';

export const OVERVIEW: Readonly<Record<string, Expectation>> = {
  '1/A': tiles({
    Spend: f.spend,
    Calls: f.count,
    Tokens: f.tokens,
    'Per call': f.perCall,
    'Per 1M tokens': (calls) => (calls.usd / calls.tokens) * 1e6,
    'Calls without a price': f.unpriced,
    'Calls with a price': (calls) => 1 - calls.unpriced / calls.count,
    'Spend with a team': (calls) => 1 - f.withoutTeam(calls),
  }),
  '2/A': (seen) => {
    const earlier = f.before(seen).usd;
    return tiles({
      'Spend before': () => earlier,
      Change: (calls) => calls.usd - earlier,
      'Change in percent': (calls) => calls.usd / earlier - 1,
    })(seen);
  },
  '3/A': figureOf('spend of today', ({ all, nowMs }) => {
    return usd(all.where(({ zone, startedMs }) => dayIn(zone, startedMs) === dayIn(zone, nowMs)).cost);
  }),
  '3/B': figureOf('spend of the month', ({ all, nowMs }) => {
    const month = (zone: string, ms: number): string => dayIn(zone, ms).slice(0, 7);
    return usd(all.where(({ zone, startedMs }) => month(zone, startedMs) === month(zone, nowMs)).cost);
  }),
  '3/C': figureOf(
    'the month at its pace',
    ({ all, nowMs, toMs }) => {
      const month = (zone: string, ms: number): string => dayIn(zone, ms).slice(0, 7);
      const spent = all.where(({ zone, startedMs }) => month(zone, startedMs) === month(zone, nowMs)).usd;
      const at = new Date(toMs);
      const days = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 0)).getUTCDate();
      const start = Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), 1);
      return (spent * days * 86_400_000) / (toMs - start);
    },
    // Its clock shows minutes.
    1e-3,
  ),
  '4/A': sums(f.provider, f.spend, f.billable),
  '5/A': table({
    keys: { day: ({ zone, startedMs }) => dayIn(zone, startedMs), provider: f.provider },
    figures: { cost_usd: f.spend },
    of: f.billable,
  }),
  '6/A': series({
    labels: { model: f.model },
    figure: (calls) => calls.usd * 3_600,
    per: RATE_SECONDS,
    of: f.timely,
  }),
  '7/A': series({
    labels: { outcome: ({ error }) => (error === null ? 'ok' : 'error') },
    figure: f.count,
    per: RATE_SECONDS,
    of: f.liveBillable,
  }),
  '8/A': table({
    keys: { model: f.model, provider: f.provider },
    figures: { spend: f.spend, calls: f.count, tokens: f.tokens, per_call: f.perCall, errors: f.failed },
    of: f.billable,
    limit: 20,
  }),
  '9/A': table({
    keys: { tenant: f.tenant },
    figures: { spend: f.spend, calls: f.count },
    of: f.billable,
    limit: 20,
  }),
  '10/A': table({
    keys: { team: ({ team }) => team, feature: ({ feature }) => feature ?? '(none)' },
    figures: { spend: f.spend, calls: f.count },
    of: f.billable,
    limit: 20,
  }),
  '11/A': (seen) => {
    const earlier = f.before(seen).by((call) => JSON.stringify([call.tenant, call.model]));
    const spentBefore = (calls: Parameters<typeof f.spend>[0]): number => {
      const [call] = calls.calls;
      const part = earlier.get(JSON.stringify([call!.tenant, call!.model]));
      return part === undefined ? 0 : part.usd;
    };
    const inRange = (call: { startedMs: number }): boolean => seen.sent.calls.includes(call as never);
    const now = (calls: Parameters<typeof f.spend>[0]): number => calls.where(inRange).usd;
    const both = (): typeof seen.sent =>
      seen.all.where((call) => isBillable(call) && (inRange(call) || f.before(seen).calls.includes(call)));
    return table({
      keys: { tenant: f.tenant, model: f.model },
      figures: {
        spend: now,
        before: spentBefore,
        change: (calls) => now(calls) - spentBefore(calls),
      },
      of: both,
      limit: 20,
    })(seen);
  },
  '12/A': rowsCheck((seen) => {
    const dearest = f
      .lastHours(1)(seen)
      .calls.filter(({ cost }) => cost !== null && cost > 0n);
    return dearest.toSorted((a, b) => Number(b.cost! - a.cost!)).slice(0, 20);
  }),
};
