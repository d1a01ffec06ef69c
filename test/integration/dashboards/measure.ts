import { DURATION_BUCKETS } from '@spanmeter/processors';
import {
  fieldTitle,
  rowCount,
  rowsOf,
  type Field,
  type Frame,
} from '@spanmeter/dashboards/dist/preview/frame.js';
import type { TargetRun } from '../../support/grafana/run-board.ts';
import type { Oracle } from './oracle.ts';
import type { SeededStack } from './seed.ts';
import type { SentCall } from './sent-calls.ts';

/** A figure as the board shows it beside what was worked out apart from it. */
export interface Check {
  readonly what: string;
  readonly measured: number;
  readonly expected: number;
  /** How far they may be apart, as a part of the expected one. */
  readonly tolerance: number;
}

/** What an expectation sees. */
export interface Seen {
  readonly run: TargetRun;
  readonly frame: Frame;
  /** What was sent in the board's range, from the start of its first bucket on. */
  readonly sent: Oracle;
  /** Everything. */
  readonly all: Oracle;
  /** What was sent while Prometheus watched, of label sets that it knew. */
  readonly live: Oracle;
  /** By how much `increase` adds to what the samples say: it guesses what lies around them. */
  readonly growth: number;
  readonly stack: SeededStack;
  readonly nowMs: number;
  /** Start and end of the board's range. */
  readonly fromMs: number;
  readonly toMs: number;
}

export type Expectation = (seen: Seen) => readonly Check[] | Promise<readonly Check[]>;
export type Figure = (calls: Oracle) => number;
type Key = (call: SentCall) => string | null;

/** `$__rate_interval` in the proof, in seconds: the data source's interval is said to be a quarter of it. */
export const RATE_SECONDS = 480;
export const PROOF_SCRAPE_INTERVAL = '2m';
/** Sums of decimals read as floats. */
const EXACT = 1e-9;
/** What is left of the guess of `increase` once `growth` is taken into account. */
const EXTRAPOLATED = 0.05;

const last = (field: Field): number => {
  // As Grafana's `lastNotNull`: neither nothing nor no number.
  const value = field.values.findLast((one) => typeof one === 'number' && !Number.isNaN(one));
  return typeof value === 'number' ? value : NaN;
};

const numbers = (frame: Frame): readonly Field[] => frame.fields.filter(({ type }) => type === 'number');

function check(what: string, measured: number, expected: number, tolerance: number = EXACT): Check {
  return { what, measured, expected, tolerance };
}

/** Whether a figure is what it should be. */
export function holds({ measured, expected, tolerance }: Check): boolean {
  if (!Number.isFinite(measured)) return false;
  return Math.abs(measured - expected) <= Math.max(Math.abs(expected) * tolerance, 1e-9);
}

/** The tiles of one row. A figure may be of other calls than those in the range. */
export function tiles(figures: Readonly<Record<string, Figure>>, of?: (seen: Seen) => Oracle): Expectation {
  return (seen) => {
    const calls = of?.(seen) ?? seen.sent;
    const [row = {}] = rowsOf(seen.frame);
    return Object.entries(figures).map(([column, figure]) => {
      return check(column, Number(row[column] ?? NaN), figure(calls), 1e-8);
    });
  };
}

export interface Rows {
  /** How calls belong to rows: a key for each column of text. */
  readonly keys: Readonly<Record<string, Key>>;
  readonly figures: Readonly<Record<string, Figure>>;
  readonly of?: (seen: Seen) => Oracle;
  /** Rows that the query stops at. */
  readonly limit?: number;
  readonly tolerance?: number;
}

const cell = (value: unknown): string =>
  typeof value === 'string' ? value : value === null || value === undefined ? '' : JSON.stringify(value);

/** A table: every row by itself, and all rows together for each figure. */
export function table({ keys, figures, of, limit = Infinity, tolerance = 1e-8 }: Rows): Expectation {
  return (seen) => {
    const calls = of?.(seen) ?? seen.sent;
    const parts = calls.by((call) => JSON.stringify(Object.values(keys).map((key) => key(call) ?? '')));
    const rows = rowsOf(seen.frame);
    const checks = Object.keys(figures).map((what) => ({ ...check(what, 0, 0, tolerance) }));
    for (const row of rows) {
      const name = JSON.stringify(Object.keys(keys).map((column) => cell(row[column])));
      const part = parts.get(name);
      if (part === undefined) throw new Error(`a row of calls that nobody sent: ${name}`);
      Object.entries(figures).forEach(([column, figure], index) => {
        const [measured, expected] = [Number(row[column] ?? 0), figure(part) || 0];
        const one = check(`${column} of ${name}`, measured, expected, tolerance);
        if (!holds(one)) throw new Error(`${one.what} is ${measured}, not ${expected}`);
        const all = checks[index]!;
        checks[index] = { ...all, measured: all.measured + measured, expected: all.expected + expected };
      });
    }
    return rows.length < limit ? [check('rows', rows.length, parts.size), ...checks] : checks;
  };
}

/** A time series of sums: each series over the whole range. */
export function sums(key: Key, figure: Figure, of?: (seen: Seen) => Oracle): Expectation {
  return (seen) => {
    const parts = (of?.(seen) ?? seen.sent).by(key);
    let [measured, expected] = [0, 0];
    for (const field of numbers(seen.frame)) {
      const name = field.labels?.['metric'] ?? fieldTitle(field);
      const part = parts.get(name) ?? parts.get('');
      if (part === undefined) throw new Error(`a series of calls that nobody sent: ${name}`);
      const total = field.values.reduce<number>((sum, value) => sum + Number(value ?? 0), 0);
      if (!holds(check(name, total, figure(part))))
        throw new Error(`${name} is ${total}, not ${figure(part)}`);
      measured += total;
      expected += figure(part);
    }
    return [check('sum of all steps', measured, expected)];
  };
}

/** A time series whose columns are figures: each over the whole range. */
export function columnSums(figures: Readonly<Record<string, Figure>>): Expectation {
  return ({ frame, sent }) =>
    Object.entries(figures).map(([column, figure]) => {
      const field = frame.fields.find(({ name }) => name === column);
      const total = (field?.values ?? [NaN]).reduce<number>((sum, value) => sum + Number(value ?? 0), 0);
      return check(column, total, figure(sent));
    });
}

/** A time series of shares: every step of every series by itself; what is printed is their mean. */
export function steps(key: Key, figure: Figure, stepMs: number): Expectation {
  return ({ frame, sent }) => {
    const time = frame.fields[0]!;
    const parts = sent.by((call) => `${key(call)} ${Math.floor(call.startedMs / stepMs) * stepMs}`);
    let [measured, expected, points] = [0, 0, 0];
    for (const field of numbers(frame)) {
      field.values.forEach((value, row) => {
        if (value === null) return;
        const name = `${field.labels?.['metric']} ${String(time.values[row])}`;
        const part = parts.get(name);
        if (part === undefined) throw new Error(`a step of calls that nobody sent: ${name}`);
        const one = check(name, Number(value), figure(part));
        if (!holds(one)) throw new Error(`${name} is ${one.measured}, not ${one.expected}`);
        measured += one.measured;
        expected += one.expected;
        points++;
      });
    }
    return [check(`mean of ${points} steps`, measured / points, expected / points)];
  };
}

/** How series of Prometheus belong to calls: the labels that they have. */
export interface Series {
  readonly labels?: Readonly<Record<string, Key>>;
  readonly figure: Figure;
  readonly of?: (seen: Seen) => Oracle;
  /** What a counter's increase is divided by: `$__rate_interval` for a rate. */
  readonly per?: number;
  readonly tolerance?: number;
  /** Not what a counter grew by, so that nothing is guessed. */
  readonly exact?: boolean;
  /** The query counts seconds since the figure until the end of the range. */
  readonly sinceEnd?: boolean;
}

function seriesParts(seen: Seen, { labels = {}, of }: Series): ReadonlyMap<string, Oracle> {
  const calls = of?.(seen) ?? seen.live;
  return calls.by((call) => JSON.stringify(Object.values(labels).map((key) => key(call) ?? '')));
}

/** Every series (or row of a table) by its labels; the last value of each, and all of them together. */
export function series(wanted: Series): Expectation {
  const { labels = {}, figure, per = 1, tolerance = EXTRAPOLATED, exact = false } = wanted;
  return (seen) => {
    const parts = seriesParts(seen, wanted);
    const growth = exact ? 1 : seen.growth;
    let [measured, expected] = [0, 0];
    for (const [found, value] of seriesOf(seen.frame)) {
      // Beyond the bound of series: what is in it is in no series of its own.
      if (Object.keys(labels).some((label) => found[label] === 'other')) continue;
      const name = JSON.stringify(Object.keys(labels).map((label) => found[label] ?? ''));
      const part = parts.get(name);
      const wantedValue =
        wanted.sinceEnd === true && part !== undefined ? seen.toMs / 1_000 - figure(part) : null;
      if (wantedValue !== null && Math.abs(wantedValue - value) < 2) {
        measured += value;
        expected += wantedValue;
        continue;
      }
      const one = check(name, value, ((part === undefined ? 0 : figure(part)) * growth) / per, tolerance);
      if (Number.isNaN(value) && (part === undefined || Number.isNaN(one.expected))) continue;
      if (!holds(one)) throw new Error(`${name} is ${one.measured}, not ${one.expected}`);
      measured += one.measured;
      expected += one.expected;
    }
    return [check('all series', measured, expected, tolerance)];
  };
}

/** Labels and last value of each series; rows of a table are series too. */
export function seriesOf(frame: Frame): (readonly [Readonly<Record<string, string>>, number])[] {
  const value = frame.fields.find(({ name }) => name.startsWith('Value') && frame.fields[0]?.name === 'Time');
  if (value === undefined) return numbers(frame).map((field) => [field.labels ?? {}, last(field)] as const);
  return Array.from({ length: rowCount(frame) }, (_, row) => {
    const texts = frame.fields.filter(({ type }) => type === 'string');
    const labels = Object.fromEntries(texts.map(({ name, values }) => [name, cell(values[row])]));
    return [labels, Number(value.values[row])] as const;
  });
}

/** One figure of all series: a gauge, or a relation that must hold (then 1 against 1). */
export function figureOf(
  what: string,
  expected: (seen: Seen) => number | Promise<number>,
  tolerance: number = EXACT,
): Expectation {
  return async (seen) => {
    const measured = seriesOf(seen.frame).reduce((sum, [, value]) => sum + value, 0);
    return [check(what, measured, await expected(seen), tolerance)];
  };
}

/** A quantile as Prometheus estimates it from the buckets of what was sent. */
export function bucketQuantile(quantile: number, seconds: readonly number[]): number {
  const counts = [...DURATION_BUCKETS, Infinity].map((bound) => seconds.filter((one) => one <= bound).length);
  const rank = quantile * seconds.length;
  const at = counts.findIndex((count) => count >= rank);
  const [low, high] = [at === 0 ? 0 : DURATION_BUCKETS[at - 1]!, DURATION_BUCKETS[at]!];
  const below = at === 0 ? 0 : counts[at - 1]!;
  return low + ((high - low) * (rank - below)) / (counts[at]! - below);
}

/** A quantile in the proper sense, as `percentile_cont` has it. */
export function exactQuantile(quantile: number, values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = quantile * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return low + (high - low) * (at - Math.floor(at));
}

/** A counter that no increase sees, as it stands; the query itself must give series. */
export function counterOf(selector: string, expected: (seen: Seen) => number): Expectation {
  return async (seen) => {
    const [sample] = await seen.stack.prometheus.query(`sum(${selector})`);
    if (seriesOf(seen.frame).length === 0) throw new Error('no series');
    return [check(selector, sample?.value ?? NaN, expected(seen), 1e-6)];
  };
}

export { check };

/** A list of single calls: the same ones, and what they cost together. */
export function rowsCheck(of: (seen: Seen) => readonly SentCall[]): Expectation {
  return (seen) => {
    const wanted = of(seen);
    const rows = rowsOf(seen.frame);
    const cost = wanted.reduce((sum, call) => sum + Number(call.cost ?? 0n) / 1e12, 0);
    const found = rows.reduce((sum, row) => sum + Number(row['cost_usd'] ?? 0), 0);
    const traces = new Set(seen.all.calls.map(({ traceId }) => traceId));
    const unknown = rows.filter((row) => 'trace_id' in row && !traces.has(cell(row['trace_id'])));
    if (unknown.length > 0) throw new Error(`traces that nobody sent: ${JSON.stringify(unknown[0])}`);
    return [check('rows', rows.length, wanted.length), check('cost_usd', found, cost)];
  };
}
