import { dayIn, hourIn } from '../oracle.ts';
import { table, tiles, type Expectation } from '../measure.ts';
import * as f from './figures.ts';
import { budgetsUsed } from './budgets.ts';

const WEEKDAYS = ['7 Sun', '1 Mon', '2 Tue', '3 Wed', '4 Thu', '5 Fri', '6 Sat'];
const local = ({ zone, startedMs }: { zone: string; startedMs: number }): string => dayIn(zone, startedMs);

export const TENANT: Readonly<Record<string, Expectation>> = {
  '1/A': tiles({
    Spend: f.spend,
    Calls: f.count,
    Tokens: f.tokens,
    'Per call': f.perCall,
    'Calls without a price': f.unpriced,
    'Spend without a team': f.withoutTeam,
    Estimated: () => 0,
  }),
  '2/A': table({
    keys: { day: local, team: ({ team }) => team ?? '(none)' },
    figures: { cost_usd: f.spend },
    of: f.billable,
  }),
  '3/A': budgetsUsed(15),
  '4/A': table({
    keys: {
      weekday: (call) => WEEKDAYS[new Date(local(call)).getUTCDay()]!,
      hour: ({ zone, startedMs }) => String(hourIn(zone, startedMs)).padStart(2, '0'),
    },
    figures: { cost_usd: f.spend },
    of: f.billable,
  }),
  '5/A': table({
    keys: { tenant: f.tenant, day: local, provider: f.provider, model: f.model },
    figures: {
      calls: f.count,
      uncached_input: (calls) => f.input(calls) - f.cacheRead(calls) - f.cacheWrite(calls),
      cache_read: f.cacheRead,
      cache_write: f.cacheWrite,
      output: f.output,
      cost_usd: f.spend,
      unpriced_calls: f.unpriced,
    },
    of: f.billable,
    limit: 500,
  }),
  '6/A': table({
    keys: { tenant: f.tenant, team: ({ team }) => team, feature: ({ feature }) => feature ?? '(none)' },
    figures: { spend: f.spend, calls: f.count },
    of: f.billable,
    limit: 50,
  }),
  '7/A': table({
    keys: { tenant: f.tenant, service: f.service, environment: f.environment },
    figures: { spend: f.spend, calls: f.count },
    of: (seen) => f.billable(seen).where(({ team }) => team === null),
    limit: 50,
  }),
  '8/A': tiles(
    {
      Users: (calls) => calls.distinct(({ user }) => user),
      Conversations: (calls) => calls.distinct(({ conversation }) => conversation),
      'Per user': (calls) => calls.usd / calls.distinct(({ user }) => user),
      'Per conversation': (calls) =>
        calls.where(({ conversation }) => conversation !== null).usd /
        calls.distinct(({ conversation }) => conversation),
    },
    (seen) => f.lastHours(3)({ ...seen, sent: f.billable(seen) }),
  ),
  '9/A': table({
    keys: { tenant: f.tenant, user_id: ({ user }) => user },
    figures: { spend: f.spend, calls: f.count },
    of: (seen) => f.lastHours(3)({ ...seen, sent: f.billable(seen) }),
    limit: 50,
  }),
};
