import { rowsOf } from '@spanmeter/dashboards/dist/preview/frame.js';
import { dayIn, isUnpriced, type Oracle } from '../oracle.ts';
import { check, counterOf, seriesOf, type Check, type Expectation, type Seen } from '../measure.ts';
import type { SentCall } from '../sent-calls.ts';

/** Summary of the alert that the seed puts there. */
const PROOF_ALERT = 'An alert of the proof';

/** A budget of the proof, and whose calls it holds. */
interface Held {
  readonly tenant: string;
  readonly budget: string;
  readonly limit: number;
  readonly hard: boolean;
  readonly calls: Oracle;
}

const sameDay = ({ zone, startedMs }: SentCall, nowMs: number): boolean =>
  dayIn(zone, startedMs) === dayIn(zone, nowMs);

/** Calls of the month that it is now in a zone. */
function ofMonth(zone: string, nowMs: number): (call: SentCall) => boolean {
  return ({ startedMs }) => dayIn(zone, startedMs).slice(0, 7) === dayIn(zone, nowMs).slice(0, 7);
}

/** Every budget with what it should have counted; the default is one for each tenant without a daily one. */
function heldBudgets({ all, nowMs }: Seen): readonly Held[] {
  const acme = all.where((call) => call.tenant === 'acme' && ofMonth('UTC', nowMs)(call));
  const kolkata = all.where(
    (call) => call.user === 'ana@kolkata-labs' && ofMonth('Asia/Kolkata', nowMs)(call),
  );
  const own: readonly Held[] = [
    { tenant: 'acme', budget: 'acme-month', limit: 4, hard: true, calls: acme },
    {
      tenant: 'acme',
      budget: 'acme-platform',
      limit: 500,
      hard: false,
      calls: acme.where(({ team }) => team === 'platform'),
    },
    {
      tenant: 'globex',
      budget: 'globex-day',
      limit: 0.5,
      hard: false,
      calls: all.where((call) => call.tenant === 'globex' && sameDay(call, nowMs)),
    },
    { tenant: 'kolkata-labs', budget: 'kolkata-user', limit: 25, hard: false, calls: kolkata },
    { tenant: '', budget: 'all-month', limit: 1_000, hard: false, calls: all.where(ofMonth('UTC', nowMs)) },
  ];
  const each = [...all.by(({ tenant }) => tenant)]
    .filter(([tenant]) => tenant !== 'globex')
    .map(([tenant, calls]): Held => {
      const today = calls.where((call) => sameDay(call, nowMs));
      return { tenant, budget: 'default', limit: 10, hard: false, calls: today };
    });
  return [...own, ...each];
}

type Figure = (held: Held) => number;

/** Every series by its budget; those of budgets that are expected and missing are a fault too. */
function byBudget(figure: Figure, limit: number = Infinity, tolerance: number = 1e-6): Expectation {
  return (seen) => {
    const budgets = new Map(heldBudgets(seen).map((held) => [`${held.tenant} ${held.budget}`, held]));
    let [measured, expected] = [0, 0];
    const found = seriesOf(seen.frame);
    for (const [labels, value] of found) {
      const name = `${labels['tenant'] ?? ''} ${labels['budget']}`;
      const held = budgets.get(name);
      if (held === undefined) throw new Error(`nobody made the budget ${name}`);
      const wanted = figure(held);
      if (Math.abs(value - wanted) > Math.abs(wanted) * tolerance + 1e-9) {
        throw new Error(`${name} is ${value}, not ${wanted}`);
      }
      measured += value;
      expected += wanted;
    }
    const count = check('budgets', found.length, Math.min(limit, budgets.size));
    return [count, { what: 'all budgets', measured, expected, tolerance }];
  };
}

const spent: Figure = ({ calls }) => calls.usd;
const used: Figure = ({ calls, limit }) => calls.usd / limit;

function counted(test: (held: Held) => boolean): Expectation {
  return (seen) => {
    const [[, measured] = [{}, NaN]] = seriesOf(seen.frame);
    return [check('budgets', measured, heldBudgets(seen).filter(test).length)];
  };
}

/** A figure that must have a value for every budget that has spend, without being worked out here. */
function present(test: (value: number) => boolean): Expectation {
  return (seen): Check[] => {
    const found = seriesOf(seen.frame);
    return [check('series that make sense', found.filter(([, value]) => test(value)).length, found.length)];
  };
}

/** Parts of the limits that are used, the most used first. */
export function budgetsUsed(limit: number): Expectation {
  return byBudget(used, limit);
}

export const BUDGETS: Readonly<Record<string, Expectation>> = {
  '1/A': counted(() => true),
  '1/B': counted((held) => used(held) > 1),
  '1/C': counted((held) => used(held) > 0.8),
  '1/D': present((value) => value >= 0),
  '1/E': counted(({ calls }) => calls.calls.some(isUnpriced)),
  '2/A': byBudget(used, 100),
  '2/B': byBudget(spent, 100),
  '2/C': byBudget(({ limit }) => limit, 100),
  '2/D': present((value) => value >= 0),
  '2/E': present((value) => value >= 0),
  '2/F': present((value) => value >= 0),
  '2/G': present((value) => value >= 0),
  '2/H': present((value) => value > Date.now() && value < Date.now() + 32 * 86_400_000),
  '2/I': byBudget(({ hard }) => (hard ? 1 : 0), 100),
  '2/J': byBudget(({ calls }) => calls.unpriced, 100),
  '3/A': byBudget(used, 20),
  '4/A': present((value) => value >= 0),
  '4/B': present((value) => value >= 0),
  '5/A': present((value) => value >= 0),
  '6/A': present((value) => value > 0),
  '7/A': (seen) => {
    const rows = rowsOf(seen.frame).filter((row) => row['summary'] === PROOF_ALERT);
    return [check('alerts of that name', rows.length, 1)];
  },
  '8/A': (seen) => {
    const rows = rowsOf(seen.frame).filter((row) => row['channel'] === 'proof');
    const sum = rows.reduce((total, row) => total + Number(row['notifications']), 0);
    return [check('notifications', sum, 3), check('outcomes', rows.length, 2)];
  },
  // The first message is where its counter begins.
  '9/A': counterOf('genai_notifications_total{outcome="sent"}', ({ stack }) => stack.hooked()),
  '12/A': (seen) => {
    const rows = rowsOf(seen.frame).filter((row) => row['actor'] === 'proof');
    return [check('changes', rows.length, 1)];
  },
  '10/A': (seen) => {
    const ana = heldBudgets(seen).find(({ budget }) => budget === 'kolkata-user')!;
    const [row = {}] = rowsOf(seen.frame);
    return [
      check('spent', Number(row['spent']), ana.calls.usd, 1e-9),
      check('used', Number(row['used']), ana.calls.usd / ana.limit, 1e-9),
      check('calls', Number(row['calls']), ana.calls.count),
    ];
  },
  '11/A': (seen) => {
    const rows = rowsOf(seen.frame);
    const limits = rows.reduce((sum, row) => sum + Number(row['limit_usd']), 0);
    return [check('budgets', rows.length, 6), check('limits', limits, 4 + 500 + 0.5 + 25 + 1_000 + 10)];
  },
};
