import type { PanelJson } from '../expand/board-json.ts';
import { displayOf, type FieldDisplay } from './field-display.ts';
import { lastOf, rowCount, type Field, type Frame } from './frame.ts';
import { colorNamed, escaped } from './html.ts';
import type { Canvas } from './series-panel.ts';

const ROW_PX = 30;
/** Grafana's own: what does not fit is beyond the edge, to be scrolled to. */
const LEAST_COLUMN_PX = 100;

interface Column {
  readonly field: Field;
  readonly display: FieldDisplay;
  readonly high: number;
}

function columnsOf(panel: PanelJson, frame: Frame, nowMs: number): readonly Column[] {
  return frame.fields
    .map((field) => {
      const numbers = field.values.filter((value): value is number => typeof value === 'number');
      const display = displayOf(panel, field, nowMs);
      return { field, display, high: display.max ?? Math.max(0, ...numbers) };
    })
    .filter(({ display }) => !display.hidden);
}

function cell({ field, display, high }: Column, row: number): string {
  const value = field.values[row];
  const text = escaped(display.text(value));
  const number = typeof value === 'number' ? value : null;
  const color = number === null ? null : display.color(number);
  if (display.cell === 'gauge' && number !== null) {
    const part = Math.max(0, Math.min(1, high === 0 ? 0 : number / high));
    const fill = display.thresholdColors && color !== null ? color : '#73bf69';
    return (
      `<td class="gauge"><div><b style="width:${(part * 100).toFixed(1)}%;background:${fill}"></b></div>` +
      `<span>${text}</span></td>`
    );
  }
  const style =
    display.cell === 'color-text' && color !== null
      ? ` style="color:${color}"`
      : display.cell === 'color-background' && color !== null
        ? ` style="background:${color};color:#111"`
        : '';
  const kind = field.type === 'number' ? ' class="number"' : display.hasLinks ? ' class="link"' : '';
  return `<td${kind}${style}><div class="clip">${text}</div></td>`;
}

/** A table, as many rows as there is room for. */
export function drawTable(panel: PanelJson, frames: readonly Frame[], canvas: Canvas): string {
  const frame = frames[0] ?? { refId: 'A', fields: [] };
  const columns = columnsOf(panel, frame, canvas.nowMs);
  const rows = Math.min(rowCount(frame), Math.floor((canvas.height - ROW_PX) / ROW_PX));
  const head = columns
    .map(({ field, display }) => {
      const width = display.width === undefined ? '' : ` style="width:${display.width}px"`;
      const kind = field.type === 'number' && display.cell !== 'gauge' ? ' class="number"' : '';
      return `<th${kind}${width}><div class="clip">${escaped(display.title)}</div></th>`;
    })
    .join('');
  const body = Array.from(
    { length: rows },
    (_, row) => `<tr>${columns.map((column) => cell(column, row)).join('')}</tr>`,
  ).join('');
  const least = columns.reduce((sum, { display }) => sum + (display.width ?? LEAST_COLUMN_PX), 0);
  return `<table style="min-width:${least}px"><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table>`;
}

/** Figures as tiles: the last value of every column, with a line behind where it is over time. */
export function drawStat(panel: PanelJson, frames: readonly Frame[], canvas: Canvas): string {
  const tiles = frames.flatMap((frame) =>
    frame.fields.filter(({ type }) => type === 'number').map((field) => ({ field })),
  );
  const width = canvas.width / Math.max(1, tiles.length);
  const graph = panel.options?.['graphMode'] === 'area';
  const background = panel.options?.['colorMode'] === 'background';
  const shown = tiles.map(({ field }) => {
    const display = displayOf(panel, field, canvas.nowMs);
    const last = lastOf(field);
    return { field, display, last, text: display.text(last) };
  });
  const longest = Math.max(...shown.map(({ text }) => text.length), 1);
  const size = Math.max(13, Math.min(canvas.height * 0.42, 60, (width - 20) / (longest * 0.6)));
  const drawn = shown.map(({ field, display, last, text }) => {
    const color = (typeof last === 'number' ? display.color(last) : null) ?? colorNamed('green');
    const title = tiles.length > 1 ? `<small>${escaped(display.title)}</small>` : '';
    const style = background ? `background:${color}` : '';
    return (
      `<div class="tile" style="width:${width}px;height:${canvas.height}px;${style}">` +
      `${graph ? sparkline(field, width, canvas.height * 0.5, color) : ''}${title}` +
      `<strong style="font-size:${size.toFixed(0)}px;color:${background ? '#fff' : color}">${escaped(text)}</strong></div>`
    );
  });
  return `<div class="tiles">${drawn.join('')}</div>`;
}

function sparkline(field: Field, width: number, height: number, color: string): string {
  const values = field.values.map((value) => (typeof value === 'number' ? value : null));
  const known = values.filter((value) => value !== null);
  const [low, high] = [Math.min(...known, 0), Math.max(...known)];
  const points = values
    .map((value, index) =>
      value === null
        ? null
        : `${((index / Math.max(1, values.length - 1)) * width).toFixed(1)},${(height - ((value - low) / (high - low || 1)) * height).toFixed(1)}`,
    )
    .filter((point) => point !== null)
    .join(' ');
  return (
    `<svg class="spark" width="${width}" height="${height}"><polyline points="${points}" fill="none" ` +
    `stroke="${color}" stroke-width="1.5" opacity=".6"/></svg>`
  );
}
