import type { Reading, SpendGroup } from './spend-client.ts';
import { clock, count, left, paint, right, sparkline, usd, type Paint } from './view-text.ts';

/** Where a viewer can look further. */
export interface Pointer {
  readonly label: string;
  readonly address: string;
}

/** Everything that one frame of the live view shows. */
export interface Frame {
  readonly reading: Reading;
  /** Figures of a little while ago, for what is new since. */
  readonly before: Reading | undefined;
  readonly upSeconds: number;
  /** Spend of each past interval in USD, oldest first; for the curve only. */
  readonly pulse: readonly number[];
  readonly pointers: readonly Pointer[];
  readonly colour: boolean;
}

/** Width of the view; every line fits. */
export const VIEW_COLUMNS = 80;

const MAX_ROWS = 8;
/** Two tables stand side by side, so that all four fit a terminal of 25 lines. */
const HALF = 38;
const CALLS = 5;
const MONEY = 10;
const INDENT = '  ';

/** The live view as lines of at most 80 columns. Pure. */
export function renderFrame(frame: Frame): string[] {
  const ink = paint(frame.colour);
  const { reading, before } = frame;
  return [
    ...heading(frame, ink),
    ...beside(
      table('TENANT', reading.tenants, before?.tenants, ink),
      table('SERVICE', reading.services, before?.services, ink),
    ),
    ...beside(
      table('TEAM', reading.teams, before?.teams, ink),
      table('MODEL', reading.models, before?.models, ink),
    ),
    ...frame.pointers.map(({ label, address }) => `${INDENT}${ink.faint(left(label, 11))} ${address}`),
    `${INDENT}${ink.faint('Ctrl-C stops everything.')}`,
  ];
}

function heading({ reading, upSeconds, pulse }: Frame, ink: Paint): string[] {
  const { total, meanLatencyMs } = reading;
  const title = `${INDENT}Spanmeter demo · three services, two providers, real SDK calls`;
  const facts = [
    `${count(total.calls)} calls`,
    `${count(total.inputTokens + total.outputTokens)} tokens`,
    `${count(total.errors)} errors`,
    total.unpricedCalls > 0 ? ink.warning(`${count(total.unpricedCalls)} without a price`) : '',
    meanLatencyMs === null ? '' : `${Math.round(meanLatencyMs)} ms`,
  ].filter((fact) => fact !== '');
  return [
    '',
    `${ink.strong(left(title, VIEW_COLUMNS - 7))}${right(clock(upSeconds), 7)}`,
    '',
    `${INDENT}${ink.strong(ink.money(usd(total.costUsd)))}   ${facts.join(' · ')}`,
    `${INDENT}${ink.money(sparkline(pulse))} ${ink.faint('spend, the last minutes')}`,
    '',
  ];
}

/** Puts two blocks of lines next to each other, with an empty line below. */
function beside(one: readonly string[], other: readonly string[]): string[] {
  const rows = Array.from({ length: Math.max(one.length, other.length) }, (_, index) => {
    const near = one[index] ?? ' '.repeat(HALF);
    return `${INDENT}${near}${INDENT}${other[index] ?? ''}`.trimEnd();
  });
  return [...rows, ''];
}

/** Lines of exactly `HALF` columns. */
function table(
  title: string,
  groups: readonly SpendGroup[],
  before: readonly SpendGroup[] | undefined,
  ink: Paint,
): string[] {
  const numbers = `${right('CALLS', CALLS)}${right('USD', MONEY)} `;
  const lines = [ink.faint(left(title, HALF - numbers.length) + numbers)];
  for (const group of groups.slice(0, MAX_ROWS)) {
    const was = before?.find(({ name }) => name === group.name);
    lines.push(row(group, before !== undefined && group.costUsd !== was?.costUsd, ink));
  }
  const more = groups.length - MAX_ROWS;
  if (more > 0) lines.push(ink.faint(left(`and ${more} more`, HALF)));
  return lines;
}

/** A row ends in a mark while the group is spending. */
function row(group: SpendGroup, spending: boolean, ink: Paint): string {
  const unknown = group.unpricedCalls > 0 && Number(group.costUsd) === 0;
  const calls = right(count(group.calls), CALLS);
  const cost = right(unknown ? 'no price' : shortUsd(group.costUsd), MONEY);
  const name = left(group.name, HALF - calls.length - cost.length - 1);
  return `${name}${calls}${unknown ? ink.warning(cost) : ink.money(cost)}${spending && !unknown ? ink.money('▴') : ' '}`;
}

/** Four decimals while they fit the column, then two, then none. */
function shortUsd(exact: string): string {
  const [whole = ''] = exact.split('.');
  return usd(exact, whole.length <= 3 ? 4 : whole.length <= 5 ? 2 : 0);
}

/** One line for output that is no terminal. */
export function renderLine({ reading, upSeconds }: Frame): string {
  const { total, tenants } = reading;
  const parts = tenants.map(({ name, costUsd }) => `${name} ${usd(costUsd)}`);
  return (
    `${clock(upSeconds)}  ${usd(total.costUsd)}  ${total.calls} calls, ${total.errors} errors, ` +
    `${total.unpricedCalls} without a price  |  ${parts.join('  ')}`
  );
}
