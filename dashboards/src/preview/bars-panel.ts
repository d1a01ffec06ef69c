import type { PanelJson } from '../expand/board-json.ts';
import { axisWidth, ticks, verticalAxis, type Area } from './axis.ts';
import { displayOf } from './field-display.ts';
import { cellText, rowCount, type Frame } from './frame.ts';
import { colorNamed, escaped, seriesColor } from './html.ts';
import { legendOf, type Canvas } from './series-panel.ts';

const LABEL_PX = 84;

function dayText(value: unknown): string {
  const text = typeof value === 'number' ? new Date(value).toISOString() : cellText(value);
  return /^\d{4}-\d\d-\d\dT00:00:00/.test(text) ? text.slice(0, 10) : text.slice(0, 16);
}

/** Bars over the texts of the first column, one on the other. */
export function drawColumns(panel: PanelJson, frames: readonly Frame[], canvas: Canvas): string {
  const frame = frames[0] ?? { refId: 'A', fields: [] };
  const names = frame.fields.find(({ type }) => type !== 'number');
  const fields = frame.fields.filter(({ type }) => type === 'number');
  const rows = rowCount(frame);
  const shown = fields.map((field, index) => {
    const display = displayOf(panel, field, canvas.nowMs);
    return { field, display, color: display.fixedColor ?? seriesColor(index) };
  });
  const sums = Array.from({ length: rows }, (_, row) =>
    fields.reduce((sum, { values }) => sum + Math.max(0, Number(values[row] ?? 0)), 0),
  );
  const marks = ticks(0, Math.max(...sums, 0));
  const format = (value: number): string => shown[0]?.display.text(value) ?? String(value);
  const legend = legendOf(
    shown.map(({ display, color }) => ({ title: display.title, color })),
    canvas.width,
  );
  const left = axisWidth(marks, format);
  const height = canvas.height - legend.height;
  const area: Area = { left, top: 8, width: canvas.width - left - 10, height: height - 32 };
  const high = marks.at(-1) ?? 1;
  const slot = area.width / Math.max(1, rows);
  const every = Math.max(1, Math.ceil(LABEL_PX / slot));
  const drawn: string[] = [];
  for (let row = 0; row < rows; row++) {
    let below = 0;
    const x = area.left + row * slot + slot * 0.1;
    for (const { field, color } of shown) {
      const value = Math.max(0, Number(field.values[row] ?? 0));
      const size = (value / high) * area.height;
      const y = area.top + area.height - below - size;
      below += size;
      drawn.push(
        `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${(slot * 0.8).toFixed(1)}" ` +
          `height="${size.toFixed(1)}" fill="${color}" fill-opacity=".75"/>`,
      );
    }
    if (row % every === 0) {
      const at = area.left + (row + 0.5) * slot;
      const label = escaped(dayText(names?.values[row]));
      drawn.push(`<text x="${at}" y="${area.top + area.height + 16}" text-anchor="middle">${label}</text>`);
    }
  }
  return `<svg width="${canvas.width}" height="${height}">${verticalAxis(area, marks, format)}${drawn.join('')}</svg>${legend.html}`;
}

/** One bar for each series or column against its maximum. */
export function drawLevels(panel: PanelJson, frames: readonly Frame[], canvas: Canvas): string {
  const bars = frames.flatMap((frame) =>
    frame.fields
      .filter(({ type }) => type === 'number')
      .map((field) => {
        const display = displayOf(panel, field, canvas.nowMs);
        const value = Number(field.values.findLast((one) => one !== null && one !== undefined) ?? 0);
        return { display, value };
      }),
  );
  const high = panel.fieldConfig?.defaults?.max ?? Math.max(...bars.map(({ value }) => value), 1e-9);
  const room = Math.max(1, Math.floor(canvas.height / 26));
  const shown = bars.slice(0, room);
  const size = Math.min(40, canvas.height / Math.max(1, shown.length));
  const drawn = shown.map(({ display, value }) => {
    const color = display.color(value) ?? colorNamed('green');
    const part = Math.max(0, Math.min(1, value / high));
    return (
      `<div class="level" style="height:${(size - 4).toFixed(0)}px"><label>${escaped(display.title)}</label>` +
      `<div><b style="width:${(part * 100).toFixed(1)}%;background:${color}"></b></div>` +
      `<span style="color:${color}">${escaped(display.text(value))}</span></div>`
    );
  });
  return `<div class="levels">${drawn.join('')}</div>`;
}
