import type { VariableJson } from '@spanmeter/dashboards/dist/expand/board-json.js';
import type { ChosenVariable } from '@spanmeter/dashboards/dist/expand/template.js';

export interface VariableOption {
  readonly text: string;
  readonly value: string;
}

const ALL = '$__all';

function listed(variable: VariableJson): readonly VariableOption[] {
  const { type, query, options = [] } = variable;
  if (options.length > 0) {
    return options
      .map(({ text, value }) => ({ text: String(text), value: String(value) }))
      .filter(({ value }) => value !== ALL);
  }
  if (type === 'datasource') {
    const uid = query === 'prometheus' ? 'spanmeter-prometheus' : 'spanmeter-postgres';
    return [{ text: uid, value: uid }];
  }
  // `text : value` pairs apart by commas; a comma that belongs to a value is escaped.
  return (typeof query === 'string' ? query : '')
    .split(/(?<!\\),/)
    .map((part) => part.trim().replaceAll('\\,', ','))
    .filter((part) => part !== '' || type === 'textbox')
    .map((part) => {
      const pair = /^(.+?)\s:\s(.+)$/.exec(part);
      return pair === null ? { text: part, value: part } : { text: pair[1]!, value: pair[2]! };
    });
}

function matching(variable: VariableJson, found: readonly VariableOption[]): readonly VariableOption[] {
  if (variable.regex === undefined || variable.regex === '') return found;
  const literal = /^\/(.*)\/([a-z]*)$/s.exec(variable.regex);
  const pattern = new RegExp(literal?.[1] ?? variable.regex, literal?.[2]?.replace('g', ''));
  return found.flatMap((option) => {
    const match = pattern.exec(option.value);
    if (match === null) return [];
    const { text, value } = match.groups ?? {};
    if (text !== undefined || value !== undefined) {
      return [{ text: text ?? value ?? '', value: value ?? text ?? '' }];
    }
    return match[1] === undefined ? [option] : [{ text: match[1], value: match[1] }];
  });
}

/** What can be chosen in a variable: what its query found, filtered by its pattern, else what it lists. */
export function optionsOf(
  variable: VariableJson,
  found?: readonly VariableOption[],
): readonly VariableOption[] {
  const options = matching(variable, found ?? listed(variable));
  const sorted = variable.sort === undefined || variable.sort === 0 ? options : options.toSorted(byText);
  return [...new Map(sorted.map((option) => [option.value, option])).values()];
}

const byText = (a: VariableOption, b: VariableOption): number => (a.text < b.text ? -1 : 1);

/** What is chosen: what the viewer wants, else what the board has, else All or the first option. */
export function choose(
  variable: VariableJson,
  options: readonly VariableOption[],
  wanted?: string | readonly string[],
): ChosenVariable {
  const { name, allValue, includeAll = false, multi = false } = variable;
  const current = wanted ?? (variable.current?.value as string | readonly string[] | undefined);
  const first = typeof current === 'string' ? current : current?.[0];
  const canBeMany = multi || includeAll;
  const all = includeAll && (first === undefined || first === '' || first === ALL);
  const base = { name, canBeMany, allValue: allValue === '' ? undefined : allValue };
  if (all) return { ...base, all, value: options.map(({ value }) => value) };
  const value =
    current !== undefined && current !== '' && current.length > 0 ? current : (options[0]?.value ?? '');
  return { ...base, all: false, value: multi && typeof value === 'string' ? [value] : value };
}
