import type { Command } from 'commander';
import { Refusal } from '../pipeline/refusal.ts';

/** What commands read and write besides the database. */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Writes to standard output as it is. */
  readonly write: (text: string) => void;
  /** Writes to standard error as it is. */
  readonly warn: (text: string) => void;
  readonly now: () => Date;
  readonly setExitCode: (code: number) => void;
  /** Columns of the terminal; 80 where there is none. */
  readonly columns: number;
  readonly colours: boolean;
}

/** A failure to tell the user of, in a sentence that says what to do. */
export class CliError extends Error {
  /** 1: failed; 2: bad usage or configuration; 3: `report --strict` found calls without a price. */
  readonly exitCode: 1 | 2 | 3;
  constructor(message: string, exitCode: 1 | 2 | 3 = 1, options: ErrorOptions = {}) {
    super(message, options);
    this.name = 'CliError';
    this.exitCode = exitCode;
  }
}

/** The context of this process. Colours only on a terminal, and never against NO_COLOR. */
export function processContext(process: NodeJS.Process): CliContext {
  const { stdout, stderr, env } = process;
  const noColour = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb';
  return {
    env,
    write: (text) => void stdout.write(text),
    warn: (text) => void stderr.write(text),
    now: () => new Date(),
    setExitCode: (code) => void (process.exitCode = code),
    columns: stdout.isTTY ? stdout.columns : 80,
    colours: stdout.isTTY && !noColour,
  };
}

/** Registers what a command does; a failure becomes one line on standard error and an exit code. */
export function runs(
  command: Command,
  context: CliContext,
  action: (operands: readonly string[]) => Promise<void>,
): Command {
  return command.action(async () => {
    try {
      await action(command.args);
    } catch (error) {
      if (error instanceof CliError) {
        context.warn(`error: ${error.message}\n`);
        context.setExitCode(error.exitCode);
      } else if (error instanceof Refusal) {
        // It may repeat what was typed.
        context.warn(`error: ${printable(error.message)}\n`);
        context.setExitCode(error.code === 'invalid' ? 2 : 1);
      } else {
        throw error;
      }
    }
  });
}

export type Align = 'left' | 'right';

export interface Column {
  readonly title: string;
  readonly align: Align;
  /** Never cut: a long one makes its line wider than the terminal. */
  readonly whole?: boolean;
}

export interface TableOptions {
  readonly columns: number;
  readonly colours: boolean;
  /** The last row is a total: set off by a rule. */
  readonly total?: boolean;
}

const GAP = '  ';
const MIN_TEXT_WIDTH = 6;
/** What is left of the width for a column that is never cut. */
const MIN_WHOLE_WIDTH = 24;

/** Text that cannot move the cursor, colour the screen or turn the writing direction. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '?');
}

/** Columns that a terminal uses for a text: East Asian wide characters and emoji take two. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    if (/\p{Mn}/u.test(character)) continue;
    width += WIDE.test(character) ? 2 : 1;
  }
  return width;
}

const WIDE =
  /[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]|\p{Emoji_Presentation}|[\u{20000}-\u{3FFFD}]/u;

function cut(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = '';
  for (const character of text) {
    if (displayWidth(kept + character) > width - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

function pad(text: string, width: number, align: Align): string {
  const space = ' '.repeat(Math.max(0, width - displayWidth(text)));
  return align === 'right' ? space + text : text + space;
}

function mayCut(column: Column | undefined): boolean {
  return column?.align === 'left' && column.whole !== true;
}

/** Narrows the widest text column, one by one, until the table fits; numbers are never cut. */
function widthsOf(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  available: number,
): number[] {
  const widths = columns.map((column, index) =>
    Math.max(displayWidth(column.title), ...rows.map((row) => displayWidth(row[index] ?? ''))),
  );
  const used = (): number =>
    widths.reduce(
      (sum, width, index) =>
        sum + (columns[index]?.whole === true ? Math.min(width, MIN_WHOLE_WIDTH) : width),
      GAP.length * (widths.length - 1),
    );
  while (used() > available) {
    const widest = Math.max(0, ...widths.filter((_, index) => mayCut(columns[index])));
    if (widest <= MIN_TEXT_WIDTH) break;
    const at = widths.findIndex((width, index) => width === widest && mayCut(columns[index]));
    widths[at] = widest - 1;
  }
  return widths;
}

const BOLD = '\u001B[1m';
const DIM = '\u001B[2m';
const PLAIN = '\u001B[0m';

function styled(text: string, style: string, colours: boolean): string {
  return colours ? `${style}${text}${PLAIN}` : text;
}

/** Bold on a terminal that takes colours. */
export function bold(text: string, colours: boolean): string {
  return styled(text, BOLD, colours);
}

/** Rows under a header, numbers to the right, within the terminal's width where text can be cut. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  options: TableOptions,
): string {
  const cells = rows.map((row) => row.map(printable));
  const widths = widthsOf(columns, cells, options.columns);
  const line = (row: readonly string[]): string =>
    columns
      .map((column, index) =>
        pad(cut(row[index] ?? '', widths[index] ?? 0), widths[index] ?? 0, column.align),
      )
      .join(GAP)
      .trimEnd();
  const rule = styled(widths.map((width) => '─'.repeat(width)).join(GAP), DIM, options.colours);
  const lines = [bold(line(columns.map((column) => column.title)), options.colours), rule];
  cells.forEach((row, index) => {
    const isTotal = options.total === true && index === cells.length - 1;
    if (isTotal) lines.push(rule);
    lines.push(isTotal ? bold(line(row), options.colours) : line(row));
  });
  return `${lines.join('\n')}\n`;
}

/** `1234567` as `1,234,567`; the fraction stays as it is. */
export function grouped(decimal: string): string {
  const [whole = '', fraction] = decimal.split('.');
  const spaced = whole.replaceAll(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? spaced : `${spaced}.${fraction}`;
}

/** How many decimals show every amount exactly; at least 2. */
export function exactDecimals(amounts: readonly string[]): number {
  return Math.max(2, ...amounts.map((amount) => (amount.split('.')[1] ?? '').replace(/0+$/, '').length));
}

/** An exact amount with so many decimals; digits are only ever added or zeros taken away. */
export function amount(decimal: string, decimals: number): string {
  const [whole = '0', fraction = ''] = decimal.split('.');
  return grouped(`${whole}.${fraction.replace(/0+$/, '').padEnd(decimals, '0')}`);
}
