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
const NAME = 30;
const NUMBER = 9;
const MONEY = 12;
const DELTA = 11;

/** The live view as lines of at most 80 columns. Pure. */
export function renderFrame(frame: Frame): string[] {
  const ink = paint(frame.colour);
  const { reading, before } = frame;
  return [
    ...heading(frame, ink),
    ...table('TENANT', reading.tenants, before?.tenants, ink),
    ...table('TEAM', reading.teams, before?.teams, ink),
    ...table('MODEL', reading.models, before?.models, ink),
    ...table('SERVICE', reading.services, before?.services, ink),
    ...frame.pointers.map(({ label, address }) => `  ${ink.faint(left(label, 11))} ${address}`),
    `  ${ink.faint('Ctrl-C stops everything.')}`,
  ];
}

function heading({ reading, upSeconds, pulse }: Frame, ink: Paint): string[] {
  const { total, meanLatencyMs } = reading;
  const title = '  Spanmeter demo · three services, two providers, real SDK calls';
  const facts = [
    `${count(total.calls)} calls`,
    `${count(total.errors)} errors`,
    total.unpricedCalls > 0 ? ink.warning(`${count(total.unpricedCalls)} without a price`) : '',
    meanLatencyMs === null ? '' : `${Math.round(meanLatencyMs)} ms mean`,
  ].filter((fact) => fact !== '');
  return [
    '',
    `${ink.strong(left(title, VIEW_COLUMNS - 9))}${right(clock(upSeconds), 7)}`,
    '',
    `  ${ink.strong(ink.money(usd(total.costUsd)))}   ${facts.join(' · ')}`,
    `  ${ink.money(sparkline(pulse))} ${ink.faint('spend, the last minutes')}`,
    '',
  ];
}

function table(
  title: string,
  groups: readonly SpendGroup[],
  before: readonly SpendGroup[] | undefined,
  ink: Paint,
): string[] {
  const head =
    left(title, NAME) +
    right('CALLS', NUMBER) +
    right('TOKENS', NUMBER) +
    right('USD', MONEY) +
    right('NEW', DELTA);
  const lines = [`  ${ink.faint(head)}`];
  for (const group of groups.slice(0, MAX_ROWS)) {
    lines.push(
      `  ${row(
        group,
        before?.find(({ name }) => name === group.name),
        ink,
      )}`,
    );
  }
  if (groups.length > MAX_ROWS) lines.push(`  ${ink.faint(`and ${groups.length - MAX_ROWS} more`)}`);
  lines.push('');
  return lines;
}

function row(group: SpendGroup, before: SpendGroup | undefined, ink: Paint): string {
  const tokens = count(group.inputTokens + group.outputTokens);
  const unknown = group.unpricedCalls > 0 && Number(group.costUsd) === 0;
  const cost = right(unknown ? 'no price' : usd(group.costUsd), MONEY);
  return (
    left(group.name, NAME) +
    right(count(group.calls), NUMBER) +
    right(tokens, NUMBER) +
    (unknown ? ink.warning(cost) : ink.money(cost)) +
    ink.faint(right(delta(group, before), DELTA))
  );
}

/** What was spent since the frame before; display only, so a float will do. */
function delta(group: SpendGroup, before: SpendGroup | undefined): string {
  if (before === undefined) return '';
  const spent = Number(group.costUsd) - Number(before.costUsd);
  return spent > 0.000_05 ? `+${spent.toFixed(4)}` : '';
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
