import { formatVariable, type VariableValue } from './formats.ts';
import type { TimeRange } from './time-range.ts';

/** A variable with what is chosen in it. */
export interface ChosenVariable {
  readonly name: string;
  /** `All` is chosen. */
  readonly all: boolean;
  /** What `All` means where the board says so itself; it goes into queries as it is. */
  readonly allValue?: string | undefined;
  /** The values that are chosen; of `All` every option. A variable of one value has a string. */
  readonly value: VariableValue;
  /** Multi-value or with `All`: decides how it is written where a query gives no format. */
  readonly canBeMany: boolean;
}

/** How a data source writes a variable for which the query gives no format. */
export type DefaultFormat = (value: VariableValue, canBeMany: boolean) => string;

/** `$name`, `[[name:format]]`, `${name.field:format}`, as in Grafana. */
const REFERENCE = /\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\$\{(\w+)(?:\.([^:^}]+))?(?::([^}]+))?\}/g;

/** Variables that a board always has. */
function builtIn(name: string, range: TimeRange): string | undefined {
  if (name === '__from') return String(range.fromMs);
  if (name === '__to') return String(range.toMs);
  return undefined;
}

function written(variable: ChosenVariable, format: string | undefined, fallback: DefaultFormat): string {
  if (variable.all && variable.allValue !== undefined) {
    if (format === 'text') return 'All';
    // What All means is the board author's own text: formats do not touch it.
    return format === 'percentencode'
      ? formatVariable(variable.name, variable.allValue, format)
      : variable.allValue;
  }
  if (format === undefined) return fallback(variable.value, variable.canBeMany);
  if (format === 'queryparam' && variable.all) return `var-${variable.name}=$__all`;
  return formatVariable(variable.name, variable.value, format);
}

/** Puts chosen values where a text names variables. What names none (macros, `$1`) stays as it is. */
export function expandVariables(
  text: string,
  variables: ReadonlyMap<string, ChosenVariable>,
  range: TimeRange,
  fallback: DefaultFormat = (value, many) => formatVariable('', value, many ? 'glob' : 'raw'),
): string {
  return text.replace(REFERENCE, (whole: string, ...groups: (string | undefined)[]) => {
    const [plain, square, squareFormat, braced, , bracedFormat] = groups;
    const name = plain ?? square ?? braced ?? '';
    const format = squareFormat ?? bracedFormat;
    const known = builtIn(name, range);
    if (known !== undefined) return format === undefined ? known : formatVariable(name, known, format);
    const variable = variables.get(name);
    return variable === undefined ? whole : written(variable, format, fallback);
  });
}
