import { intervalMs, type TimeRange } from './time-range.ts';

/** Grafana's own pattern: an argument list ends at the first closing parenthesis, whatever it belongs to. */
const MACRO = /\$([_a-zA-Z0-9]+)\(([^)]*)\)/g;

/** RFC 3339 with as many decimals as needed, as Go writes it. */
function rfc3339(ms: number): string {
  return new Date(ms).toISOString().replace(/\.?0+Z$/, 'Z');
}

const unixSeconds = (ms: number): string => String(Math.floor(ms / 1_000));
const unixNanos = (ms: number): string => String(BigInt(ms) * 1_000_000n);

function first(name: string, [column]: readonly string[]): string {
  if (column === undefined || column === '') {
    throw new Error(`missing time column argument for macro ${name}`);
  }
  return column;
}

function groupSeconds(name: string, args: readonly string[]): number {
  const [, interval] = args;
  if (interval === undefined) {
    throw new Error(`macro ${name} needs time column and interval and optional fill value`);
  }
  try {
    return intervalMs(interval.replace(/^'+|'+$/g, '')) / 1_000;
  } catch (cause) {
    throw new Error(`error parsing interval ${interval}`, { cause });
  }
}

function evaluate(name: string, args: readonly string[], { fromMs, toMs }: TimeRange): string {
  switch (name) {
    case '__time':
      return `${first(name, args)} AS "time"`;
    case '__timeEpoch':
      return `extract(epoch from ${first(name, args)}) as "time"`;
    case '__timeFilter':
      return `${first(name, args)} BETWEEN '${rfc3339(fromMs)}' AND '${rfc3339(toMs)}'`;
    case '__timeFrom':
      return `'${rfc3339(fromMs)}'`;
    case '__timeTo':
      return `'${rfc3339(toMs)}'`;
    case '__timeGroup':
    case '__timeGroupAlias': {
      const seconds = groupSeconds(name, args);
      const group = `floor(extract(epoch from ${args[0]})/${seconds})*${seconds}`;
      return name === '__timeGroup' ? group : `${group} AS "time"`;
    }
    case '__unixEpochFilter': {
      const column = first(name, args);
      return `${column} >= ${unixSeconds(fromMs)} AND ${column} <= ${unixSeconds(toMs)}`;
    }
    case '__unixEpochNanoFilter': {
      const column = first(name, args);
      return `${column} >= ${unixNanos(fromMs)} AND ${column} <= ${unixNanos(toMs)}`;
    }
    case '__unixEpochNanoFrom':
      return unixNanos(fromMs);
    case '__unixEpochNanoTo':
      return unixNanos(toMs);
    case '__unixEpochFrom':
      return unixSeconds(fromMs);
    case '__unixEpochTo':
      return unixSeconds(toMs);
    case '__unixEpochGroup':
    case '__unixEpochGroupAlias': {
      const seconds = groupSeconds(name, args);
      const group = `floor((${args[0]})/${seconds})*${seconds}`;
      return name === '__unixEpochGroup' ? group : `${group} AS "time"`;
    }
    default:
      throw new Error(`unknown macro "${name}"`);
  }
}

/**
 * Puts what Grafana's PostgreSQL data source would for its macros (`$__timeFilter(column)` and so on), and
 * `$__interval` and `$__interval_ms`. Throws on an unknown macro or missing arguments, where Grafana shows an
 * error. Its traps are kept: arguments hold no `)`, `$__timeFilter` includes both ends, `$__timeGroup` counts
 * from the epoch in UTC, and a comma right after `$__timeGroup(…)` names the column "time".
 */
export function expandPostgresMacros(
  sql: string,
  range: TimeRange,
  interval: { readonly text: string; readonly ms: number },
): string {
  const withIntervals = sql
    .replaceAll(/\$\{__interval_ms\}|\$__interval_ms\b/g, String(interval.ms))
    .replaceAll(/\$\{__interval\}|\$__interval\b/g, interval.text);
  return withIntervals.replace(MACRO, (whole: string, name: string, list: string, at: number) => {
    const args = list.split(',').map((arg) => arg.trim());
    const old = name === '__timeGroup' && withIntervals[at + whole.length] === ',';
    return evaluate(old ? '__timeGroupAlias' : name, args, range);
  });
}
