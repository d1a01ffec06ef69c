/** A cell: text is quoted and disarmed, a number is written as it is, null is empty. */
export type CsvCell = { readonly text: string | null } | { readonly number: string | number };

/** Spreadsheets run a cell that starts with one of these as a formula. */
const FORMULA_START = /^[\t\r\n ]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|^[\t\r]/;

function cellText(cell: CsvCell): string {
  if ('number' in cell) return String(cell.number);
  const text = cell.text ?? '';
  const safe = FORMULA_START.test(text) ? `'${text}` : text;
  return /[",\r\n]|^'| $|^ /.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** RFC 4180 with CRLF; text that a spreadsheet would run as a formula is led by an apostrophe. */
export function csv(header: readonly string[], rows: Iterable<readonly CsvCell[]>): string {
  let text = `${header.join(',')}\r\n`;
  for (const row of rows) text += `${row.map(cellText).join(',')}\r\n`;
  return text;
}
