import type { TransformationJson } from '../expand/board-json.ts';
import { cellText, fieldTitle, rowCount, rowsOf, type Field, type Frame } from './frame.ts';

type Options = Readonly<Record<string, unknown>>;
type Row = Record<string, unknown>;

function frameOf(rows: readonly Row[], like: readonly Field[]): Frame {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const fields = names.map((name): Field => {
    const type = like.find((field) => field.name === name)?.type ?? 'number';
    return { name, type, values: rows.map((row) => row[name] ?? null) };
  });
  return { refId: 'A', fields };
}

/** Rows of several answers in one table, those that agree in every text and time they share as one. */
function merge(frames: readonly Frame[]): Frame[] {
  const fields = frames.flatMap((frame) => frame.fields);
  const keys = [...new Set(fields.filter(({ type }) => type !== 'number').map(({ name }) => name))];
  const rows = new Map<string, Row>();
  for (const frame of frames) {
    for (const row of rowsOf(frame)) {
      const key = JSON.stringify(keys.map((name) => row[name] ?? null));
      rows.set(key, { ...rows.get(key), ...row });
    }
  }
  const merged = frameOf([...rows.values()], fields);
  const order = [...keys, ...merged.fields.map(({ name }) => name).filter((name) => !keys.includes(name))];
  return [{ ...merged, fields: inOrder(merged.fields, order) }];
}

function inOrder(fields: readonly Field[], order: readonly string[]): readonly Field[] {
  const place = (field: Field): number => {
    const at = order.indexOf(field.name);
    return at === -1 ? order.length : at;
  };
  return fields.toSorted((a, b) => place(a) - place(b));
}

function organize(frame: Frame, options: Options): Frame {
  const excluded = (options['excludeByName'] ?? {}) as Record<string, boolean>;
  const renamed = (options['renameByName'] ?? {}) as Record<string, string>;
  const index = (options['indexByName'] ?? {}) as Record<string, number>;
  const order = Object.keys(index).toSorted((a, b) => (index[a] ?? 0) - (index[b] ?? 0));
  const kept = inOrder(
    frame.fields.filter(({ name }) => excluded[name] !== true),
    order,
  );
  return { ...frame, fields: kept.map((field) => ({ ...field, name: renamed[field.name] || field.name })) };
}

function groupingToMatrix(frame: Frame, options: Options): Frame {
  const [column, row, value] = [
    options['columnField'],
    options['rowField'],
    options['valueField'],
  ] as string[];
  const rows = new Map<unknown, Row>();
  const corner = `${row}\\${column}`;
  const names: string[] = [];
  for (const one of rowsOf(frame)) {
    const name = String(one[column ?? '']);
    if (!names.includes(name)) names.push(name);
    const at = one[row ?? ''];
    rows.set(at, { ...(rows.get(at) ?? { [corner]: at }), [name]: one[value ?? ''] });
  }
  const type = frame.fields.find(({ name }) => name === row)?.type ?? 'string';
  const all = [...rows.values()];
  const column1: Field = { name: corner, type, values: all.map((one) => one[corner]) };
  const others = names.map((name): Field => ({
    name,
    type: 'number',
    values: all.map((one) => one[name] ?? null),
  }));
  return { ...frame, fields: [column1, ...others] };
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return cellText(a) < cellText(b) ? -1 : 1;
}

function sortBy(frame: Frame, options: Options): Frame {
  const [wanted] = (options['sort'] ?? []) as { field?: string; desc?: boolean }[];
  const by = frame.fields.find(
    (field) => field.name === wanted?.field || fieldTitle(field) === wanted?.field,
  );
  if (by === undefined) return frame;
  const order = Array.from({ length: rowCount(frame) }, (_, row) => row).toSorted(
    (a, b) => compare(by.values[a], by.values[b]) * (wanted?.desc === true ? -1 : 1),
  );
  return {
    ...frame,
    fields: frame.fields.map((field) => ({ ...field, values: order.map((row) => field.values[row]) })),
  };
}

function limit(frame: Frame, options: Options): Frame {
  const most = Number(options['limitField'] ?? 10);
  return {
    ...frame,
    fields: frame.fields.map((field) => ({ ...field, values: field.values.slice(0, most) })),
  };
}

/** Does what a panel's transformations ask. Throws on one that is not known here. */
export function transformed(
  frames: readonly Frame[],
  transformations: readonly TransformationJson[] = [],
): readonly Frame[] {
  let now = frames;
  for (const { id, options = {}, disabled } of transformations) {
    if (disabled === true) continue;
    if (id === 'merge') now = merge(now);
    else if (id === 'organize') now = now.map((frame) => organize(frame, options));
    else if (id === 'groupingToMatrix') now = now.map((frame) => groupingToMatrix(frame, options));
    else if (id === 'sortBy') now = now.map((frame) => sortBy(frame, options));
    else if (id === 'limit') now = now.map((frame) => limit(frame, options));
    else throw new Error(`no transformation is called ${id}`);
  }
  return now;
}
