import { pino } from 'pino';
import type { Logger } from '../pipeline/component.ts';
import { redactText, redactValue } from './redact.ts';

/** Least severe level that is written. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** Where lines go: `process.stderr` and the like. A terminal gets readable lines, anything else JSON. */
export interface LogDestination {
  readonly isTTY?: boolean;
  write(line: string): unknown;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly destination: LogDestination;
}

/** Keys that pino writes itself; a second one of that name would make the JSON ambiguous. */
const RESERVED: ReadonlySet<string> = new Set(['level', 'time', 'msg']);

const COLOURS: Readonly<Record<string, string>> = { debug: '2', info: '32', warn: '33', error: '31' };

// oxlint-disable-next-line no-control-regex -- control characters are what must not reach a terminal
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;

function printable(text: string): string {
  return text.replace(CONTROL, (character) => JSON.stringify(character).slice(1, -1));
}

function showField(value: unknown): string {
  if (typeof value === 'string' && /^[\w.:/@+-]+$/.test(value)) return value;
  if (typeof value === 'object' && value !== null && 'stack' in value) {
    return printable(JSON.stringify({ ...value, stack: undefined }));
  }
  return printable(JSON.stringify(value) ?? 'undefined');
}

/** One JSON line of pino as one line for a terminal. */
function humanLine(json: string): string {
  const { level, time, msg, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const name = String(level);
  const shown = Object.entries(fields).map(
    ([key, value]) => ` \u001b[2m${printable(key)}=\u001b[0m${showField(value)}`,
  );
  const clock = String(time).slice(11, 23);
  const label = `\u001b[${COLOURS[name] ?? '0'}m${name.toUpperCase().padEnd(5)}\u001b[0m`;
  return `\u001b[2m${clock}\u001b[0m ${label} ${printable(String(msg))}${shown.join('')}\n`;
}

function safeFields(fields: object): Record<string, unknown> {
  const safe = redactValue(fields instanceof Error ? { error: fields } : fields);
  const out: Record<string, unknown> = {};
  if (typeof safe !== 'object' || safe === null) return out;
  for (const [key, value] of Object.entries(safe)) out[RESERVED.has(key) ? `field_${key}` : key] = value;
  return out;
}

/** Makes the collector's log: one line per event, secrets hidden wherever they stand; never throws. */
export function createLogger({ level, destination }: LoggerOptions): Logger {
  const write = (line: string): void => {
    destination.write(destination.isTTY === true ? humanLine(line) : line);
  };
  const sink = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write },
  );
  const at =
    (name: 'debug' | 'info' | 'warn' | 'error') =>
    (fields: object, message: string): void => {
      if (sink.isLevelEnabled(name)) sink[name](safeFields(fields), redactText(message));
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
