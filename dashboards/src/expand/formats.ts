/** What a variable stands for: one value, or several of a multi-value one. */
export type VariableValue = string | readonly string[];

const list = (value: VariableValue): readonly string[] => (typeof value === 'string' ? [value] : value);

/** As `lodash.escapeRegExp`, and Grafana's, do it. */
function regexEscape(text: string): string {
  return text.replace(/[\\^$*+?.()|[\]{}/]/g, '\\$&');
}

function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function luceneEscape(text: string): string {
  return text.replace(/([!*+\-=<>\s&|()[\]{}^~?:\\/"])/g, '\\$1');
}

function quoted(value: VariableValue, mark: string, escaped: string): string {
  return list(value)
    .map((one) => `${mark}${one.replaceAll(mark, escaped)}${mark}`)
    .join(',');
}

function dated(value: VariableValue, how: string = 'iso'): string {
  const ms = Number(list(value)[0]);
  if (how === 'ms') return String(ms);
  if (how === 'seconds') return String(Math.round(ms / 1_000));
  if (how === 'iso') return new Date(ms).toISOString();
  throw new Error(`a date format that is not known here: ${how}`);
}

/** Grafana's formats of `${name:format}`; throws on one that it does not have, where Grafana falls back to glob. */
export function formatVariable(name: string, value: VariableValue, format: string): string {
  const [id = '', ...args] = format.split(':');
  switch (id) {
    case 'raw':
    case 'csv':
    case 'text':
      return list(value).join(id === 'text' ? ' + ' : ',');
    case 'glob':
      return list(value).length > 1 ? `{${list(value).join(',')}}` : (list(value)[0] ?? '');
    case 'pipe':
      return list(value).join('|');
    case 'regex': {
      const escaped = list(value).map(regexEscape);
      return escaped.length === 1 ? (escaped[0] ?? '') : `(${escaped.join('|')})`;
    }
    case 'json':
      return JSON.stringify(value);
    case 'lucene':
      return typeof value === 'string'
        ? luceneEscape(value)
        : `(${value.map((one) => `"${luceneEscape(one)}"`).join(' OR ')})`;
    case 'sqlstring':
      return quoted(value, "'", "''");
    case 'singlequote':
      return quoted(value, "'", "\\'");
    case 'doublequote':
      return quoted(value, '"', '\\"');
    case 'percentencode':
      return percentEncode(typeof value === 'string' ? value : `{${value.join(',')}}`);
    case 'queryparam':
      return list(value)
        .map((one) => `var-${name}=${percentEncode(one)}`)
        .join('&');
    case 'date':
      return dated(value, args.join(':') || undefined);
    default:
      throw new Error(`no format is called ${format}`);
  }
}

/** What a variable without a format becomes in SQL: quoted where it may hold several values. */
export function sqlDefault(value: VariableValue, canBeMany: boolean): string {
  if (typeof value === 'string' && !canBeMany) return value.replaceAll("'", "''");
  return quoted(value, "'", "''");
}

/**
 * What a variable without a format becomes in PromQL: a regular expression where it may hold several values. A
 * double quote stays as it is, as in Grafana unless an experimental switch is on, so a query that writes such a
 * variable between double quotes breaks on it.
 */
export function promDefault(value: VariableValue, canBeMany: boolean): string {
  if (typeof value === 'string' && !canBeMany) {
    return value.replaceAll('\\', '\\\\').replaceAll("'", "\\\\'");
  }
  const escaped = list(value).map((one) =>
    one.replaceAll('\\', '\\\\\\\\').replace(/[$^*{}[\]+?.()|]/g, '\\\\$&'),
  );
  return escaped.length === 1 ? (escaped[0] ?? '') : `(${escaped.join('|')})`;
}
