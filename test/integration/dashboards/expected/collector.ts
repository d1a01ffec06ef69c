import { rowsOf } from '@spanmeter/dashboards/dist/preview/frame.js';
import { check, RATE_SECONDS, seriesOf, type Check, type Expectation, type Seen } from '../measure.ts';

const NEAR = 0.1;

function total({ frame }: Seen): number {
  return seriesOf(frame).reduce((sum, [, value]) => sum + (Number.isNaN(value) ? 0 : value), 0);
}

/** A rate of something that happened so often while Prometheus watched. */
function rate(count: (seen: Seen) => number): Expectation {
  return (seen) => {
    const expected = (count(seen) * seen.growth) / RATE_SECONDS;
    return [check('per second', total(seen), expected, NEAR)];
  };
}

/** Nothing of the kind happened: what there is of it is 0. */
const none: Expectation = (seen) => [check('per second', total(seen), 0)];

/** A figure that nobody can work out beforehand, but that must be there and between bounds. */
function between(low: number, high: number): Expectation {
  return (seen): Check[] => {
    const found = seriesOf(seen.frame).map(([, value]) => value);
    const fine = found.filter((value) => value >= low && value <= high).length;
    return [check(`series between ${low} and ${high}`, fine, Math.max(1, found.length))];
  };
}

const spans = ({ stack }: Seen): number => stack.live.calls.length + stack.faults;

/** As `between`, of the database itself. */
async function bytes(seen: Seen, text: string): Promise<number> {
  const [row] = await seen.stack.query<{ value: string }>(text);
  return Number(row?.value);
}

export const COLLECTOR: Readonly<Record<string, Expectation>> = {
  '1/A': (seen) => [check('targets that are up', total(seen), 2)],
  '2/A': (seen) => [check('series', seriesOf(seen.frame).length, 1)],
  '3/A': between(1e-9, 1),
  '4/A': async (seen) => {
    const size = await bytes(seen, 'SELECT pg_database_size(current_database())::text AS value');
    return [check('bytes', total(seen), size, 0.3)];
  },
  '5/A': rate(spans),
  '5/B': none,
  '5/C': none,
  '5/D': none,
  '6/A': rate(({ stack }) => stack.faults),
  '7/A': rate(spans),
  '7/B': rate(({ stack }) => stack.requests),
  '8/A': between(0, 1e9),
  '9/A': none,
  '9/B': none,
  '10/A': between(0, 0),
  '10/B': between(0, 1e6),
  '11/A': between(0, 1),
  '12/A': between(1e-6, 5),
  '12/B': between(1e-6, 5),
  '12/C': between(1e-6, 5),
  '13/A': rate(({ stack }) => stack.live.calls.length),
  '14/A': none,
  '14/B': rate(({ stack }) => stack.faults),
  '14/C': none,
  '14/D': none,
  '14/E': none,
  '14/F': none,
  '15/A': rate(spans),
  '15/B': none,
  '15/C': none,
  '16/A': between(0, 100),
  '16/B': none,
  '17/A': rate(({ stack }) => stack.apiRequests),
  '17/B': none,
  '18/A': between(1e-6, 5),
  '18/B': between(1e-6, 5),
  '19/A': between(1e-6, 2),
  '20/A': between(2e7, 2e9),
  '20/B': between(1e6, 1e9),
  '21/A': between(1e-4, 2),
  '22/A': between(1e-5, 1),
  '23/A': between(50, 100_000),
  '24/A': between(1, 600),
  '25/A': (seen) => [check('keys', seriesOf(seen.frame).length, 2), ...ages(seen)],
  '26/A': async (seen) => {
    const tables = await bytes(
      seen,
      `SELECT count(*)::text AS value FROM pg_tables WHERE schemaname = 'spanmeter'
         AND tablename !~ '^calls_[0-9p]'`,
    );
    const rows = rowsOf(seen.frame);
    return [check('tables with bytes', Math.min(1, rows.length), Math.min(1, tables))];
  },
  '27/A': (seen) => {
    const rows = rowsOf(seen.frame).filter((row) => row['exporter'] === 'postgres');
    const done = rows.reduce((sum, row) => sum + Number(row['spans_done']), 0);
    return [check('spans_done', done, seen.all.calls.length + seen.stack.faultsInAll)];
  },
  '28/A': (seen) => {
    const [row = {}] = rowsOf(seen.frame);
    return [
      check('changed', Number(row['changed']), seen.stack.corrections),
      check('increase_usd', Number(row['increase_usd']), Number(seen.stack.corrected) / 1e12, 1e-9),
    ];
  },
};

function ages(seen: Seen): Check[] {
  return seriesOf(seen.frame).map(([labels, value]) =>
    check(`${labels['key_id']} is under three minutes old`, Number(value > 0 && value < 180), 1),
  );
}
