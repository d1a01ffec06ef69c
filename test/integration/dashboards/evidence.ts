import type { TargetRun } from '../../support/grafana/run-board.ts';
import type { Check } from './measure.ts';

/** One query with what it showed. */
export interface EvidenceRow {
  readonly run: TargetRun;
  readonly title: string;
  readonly rows: number;
  readonly checks: readonly Check[];
}

const MOST = 3;

function number(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  return Number.isInteger(value) ? String(value) : value.toPrecision(8).replace(/\.?0+$/, '');
}

/** A table in Markdown: each query, what came back, and the same figure worked out from the calls. */
export function evidenceTable(rows: readonly EvidenceRow[]): string {
  const lines = rows.map(({ run, title, rows: count, checks }) => {
    const shown = checks.slice(0, MOST);
    const figures = shown.map(({ what, measured }) => `${what} ${number(measured)}`).join('; ');
    const expected = shown.map((one) => number(one.expected)).join('; ');
    const source = run.kind === 'sql' ? 'PostgreSQL' : 'Prometheus';
    const cells = [
      `\`${run.key}\``,
      title,
      source,
      `${run.ms.toFixed(0)} ms`,
      String(count),
      figures,
      expected,
    ];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return [
    '| query | panel | source | time | rows | shown | worked out from the calls |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...lines,
    '',
  ].join('\n');
}

/** How many alerts each rule has on the proof's traffic. */
export function ruleTable(firing: ReadonlyMap<string, number>): string {
  const lines = [...firing].map(([name, count]) => `| ${name} | ${count} |`);
  return ['| rule | series that it holds for |', '| --- | --- |', ...lines, ''].join('\n');
}
