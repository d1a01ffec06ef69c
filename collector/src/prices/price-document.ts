import { parsePriceOverrides, type ParseOptions, type PriceOverrides } from '@spanmeter/processors';
import { readPriceYaml, type Position } from './price-yaml.ts';

/** What one file says, or what is wrong with it. */
export interface PriceDocument {
  readonly overrides: PriceOverrides;
  /** One line each: file, line and column, what, why. */
  readonly faults: readonly string[];
  /** All of them; `faults` holds the first. */
  readonly faultCount: number;
}

/** Faults told of one reading. */
export const MAX_FAULTS_SHOWN = 20;

function placed(name: string, position: Position | null): string {
  return position === null ? name : `${name}:${position.line}:${position.column}`;
}

/** Reads the bytes of one prices file; `name` is what faults call it. Never throws. */
export function readPriceDocument(name: string, bytes: Buffer, options: ParseOptions = {}): PriceDocument {
  const text = readPriceYaml(bytes);
  if (text.faults.length > 0) {
    const lines = text.faults.map(({ position, message }) => `${placed(name, position)} ${message}`);
    const { overrides } = parsePriceOverrides(null);
    return { overrides, faults: lines.slice(0, MAX_FAULTS_SHOWN), faultCount: lines.length };
  }
  const { overrides, faults, faultCount } = parsePriceOverrides(text.value, options);
  const told = faults.slice(0, MAX_FAULTS_SHOWN).map(({ path, message, at, other }) => {
    const what = path === '' ? message : `${path} ${message}`;
    const second = other === undefined ? '' : ` (${placed(name, text.positionOf(other))})`;
    return `${placed(name, text.positionOf(at))} ${what}${second}`;
  });
  return { overrides, faults: told, faultCount };
}
