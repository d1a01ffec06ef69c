import { setTimeout as sleep } from 'node:timers/promises';
import { readSpend, type Reading } from './spend-client.ts';
import { VIEW_COLUMNS, renderFrame, renderLine, type Frame, type Pointer } from './view.ts';

/** What the live view watches and where it shows it. */
export interface Watch {
  readonly api: string;
  readonly pointers: readonly Pointer[];
  readonly output: NodeJS.WriteStream;
  readonly stop: AbortSignal;
  /** Says why the demo cannot go on, or undefined. */
  readonly failed: () => string | undefined;
}

const FRAME_MS = 1000;
const LINE_MS = 5000;
const PULSE_LENGTH = 48;
const PULSE_FRAMES = 3;
const DELTA_FRAMES = 10;
const MAX_MISSED = 10;

const HIDE_CURSOR = '\u001B[?25l';
const SHOW_CURSOR = '\u001B[?25h';
const CLEAR_BELOW = '\u001B[0J';
const CLEAR_LINE_END = '\u001B[K';

/**
 * Shows spend as it grows until `stop` aborts: redrawn in place on a terminal, a line every five seconds
 * elsewhere. Rejects when a process that it depends on has ended.
 */
export async function watchSpend(watch: Watch): Promise<void> {
  const { output, stop } = watch;
  const live = output.isTTY && (process.env['TERM'] ?? '') !== 'dumb';
  const started = performance.now();
  const history: Reading[] = [];
  let drawn = 0;
  let missed = 0;
  if (live) output.write(HIDE_CURSOR);
  try {
    while (!stop.aborted) {
      const failure = watch.failed();
      if (failure !== undefined) throw new Error(failure);
      const reading = await readSpend(watch.api).catch(() => undefined);
      missed = reading === undefined ? missed + 1 : 0;
      if (missed > MAX_MISSED) throw new Error(`the API at ${watch.api} does not answer`);
      if (reading !== undefined) {
        history.push(reading);
        if (history.length > PULSE_LENGTH * PULSE_FRAMES + 1) history.shift();
        const frame = frameOf(watch, reading, history, (performance.now() - started) / 1000, live);
        if (live) drawn = redraw(output, renderFrame(frame), drawn);
        else output.write(`${renderLine(frame)}\n`);
      }
      await sleep(live ? FRAME_MS : LINE_MS, undefined, { signal: stop }).catch(() => undefined);
    }
  } finally {
    if (live) output.write(SHOW_CURSOR);
  }
}

function frameOf(
  watch: Watch,
  reading: Reading,
  history: readonly Reading[],
  upSeconds: number,
  live: boolean,
): Frame {
  const colour = live && (process.env['NO_COLOR'] ?? '') === '';
  const before = history[Math.max(0, history.length - 1 - DELTA_FRAMES)];
  return { reading, before, upSeconds, pulse: pulseOf(history), pointers: watch.pointers, colour };
}

/** Spend between every third reading, for the curve. */
function pulseOf(history: readonly Reading[]): number[] {
  const pulse: number[] = [];
  for (let end = history.length - 1; end >= PULSE_FRAMES; end -= PULSE_FRAMES) {
    const spent = Number(history[end]?.total.costUsd) - Number(history[end - PULSE_FRAMES]?.total.costUsd);
    pulse.unshift(spent);
  }
  return pulse;
}

/** Writes over the lines drawn before; returns how many there are now. */
function redraw(output: NodeJS.WriteStream, lines: readonly string[], drawn: number): number {
  // A window too low for everything keeps its top: moving up beyond the window would smear the screen.
  const fitting = lines.slice(0, Math.max(1, (output.rows || lines.length + 1) - 1));
  const up = drawn === 0 ? '' : `\u001B[${drawn}A`;
  const narrow = output.columns > 0 && output.columns < VIEW_COLUMNS;
  const text = fitting.map((line) => `${narrow ? cut(line, output.columns) : line}${CLEAR_LINE_END}\n`);
  output.write(`${up}\r${text.join('')}${CLEAR_BELOW}`);
  return fitting.length;
}

// eslint-disable-next-line no-control-regex -- colour codes take no columns
const COLOUR_CODE = /(\u001B\[[0-9;]*m)/;

/** The first `columns` visible characters of `line`, colour codes kept. */
function cut(line: string, columns: number): string {
  let left = columns;
  return line
    .split(COLOUR_CODE)
    .map((part) => {
      if (COLOUR_CODE.test(part)) return part;
      const kept = part.slice(0, left);
      left -= kept.length;
      return kept;
    })
    .join('');
}
