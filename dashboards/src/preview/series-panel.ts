import type { PanelJson } from '../expand/board-json.ts';
import type { TimeRange } from '../expand/time-range.ts';
import { axisWidth, ticks, timeAxis, verticalAxis, type Area } from './axis.ts';
import { displayOf, type FieldDisplay } from './field-display.ts';
import type { Field, Frame } from './frame.ts';
import { colorNamed, escaped, seriesColor } from './html.ts';

/** Where something is drawn, in pixels, and what it is of. */
export interface Canvas {
  readonly width: number;
  readonly height: number;
  readonly range: TimeRange;
  readonly nowMs: number;
}

export interface DrawnSeries {
  readonly display: FieldDisplay;
  readonly color: string;
  readonly points: readonly (readonly [ms: number, value: number])[];
}

const LEGEND_LINE = 20;
const MAX_LEGEND_LINES = 2;

/** Each number column of each answer with its times. */
export function seriesOf(panel: PanelJson, frames: readonly Frame[], nowMs: number): readonly DrawnSeries[] {
  const out: DrawnSeries[] = [];
  for (const frame of frames) {
    const time = frame.fields.find(({ type }) => type === 'time');
    for (const field of frame.fields) {
      if (field.type !== 'number' || time === undefined) continue;
      const display = displayOf(panel, field, nowMs);
      const color = display.fixedColor ?? seriesColor(out.length);
      out.push({ display, color, points: pointsOf(time, field) });
    }
  }
  return out;
}

function pointsOf(time: Field, field: Field): [number, number][] {
  return field.values.flatMap((value, row): [number, number][] => {
    const at = time.values[row];
    return typeof value === 'number' && Number.isFinite(value) && typeof at === 'number' ? [[at, value]] : [];
  });
}

/** Names and colours, in as many lines as there is room for; what is left over is counted. */
export function legendOf(
  entries: readonly { readonly title: string; readonly color: string }[],
  width: number,
): { readonly html: string; readonly height: number } {
  let x = 0;
  let line = 0;
  let shown = 0;
  for (const { title } of entries) {
    const size = Math.min(title.length, 40) * 6.6 + 34;
    if (x + size > width) {
      line++;
      x = 0;
    }
    if (line >= MAX_LEGEND_LINES) break;
    x += size;
    shown++;
  }
  const items = entries
    .slice(0, shown)
    .map(({ title, color }) => `<span><i style="background:${color}"></i>${escaped(title)}</span>`);
  const rest = entries.length - shown;
  const lines = Math.min(MAX_LEGEND_LINES, line + 1);
  const more = rest > 0 ? `<em>+${rest}</em>` : '';
  return { html: `<div class="legend">${items.join('')}${more}</div>`, height: lines * LEGEND_LINE + 4 };
}

type Stacked = readonly (readonly [ms: number, from: number, to: number])[];

function stack(series: readonly DrawnSeries[], isStacked: boolean): readonly Stacked[] {
  const above = new Map<number, number>();
  return series.map(({ points }) =>
    points.map(([at, value]) => {
      const from = isStacked ? (above.get(at) ?? 0) : 0;
      above.set(at, from + value);
      return [at, from, from + value] as const;
    }),
  );
}

function linePath(points: readonly (readonly [number, number])[]): string {
  return points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');
}

/** Least distance of two points of a series; what a bar stands for. */
function stepOf(series: readonly DrawnSeries[]): number {
  let step = Infinity;
  const times = [...new Set(series.flatMap(({ points }) => points.map(([at]) => at)))].toSorted(
    (a, b) => a - b,
  );
  times.forEach((at, index) => {
    if (index > 0) step = Math.min(step, at - (times[index - 1] ?? 0));
  });
  return Number.isFinite(step) ? step : 0;
}

interface Plot {
  readonly area: Area;
  x(ms: number): number;
  y(value: number): number;
}

function bars(series: readonly DrawnSeries[], stacks: readonly Stacked[], plot: Plot): string {
  const step = stepOf(series);
  return stacks
    .flatMap((points, index) =>
      points.map(([at, from, to]) => {
        const width = step === 0 ? 8 : Math.max(1, (plot.x(at + step) - plot.x(at)) * 0.86);
        const [top, bottom] = [plot.y(to), plot.y(from)];
        const left = Math.max(plot.area.left, plot.x(at) - width / 2);
        return (
          `<rect x="${left.toFixed(1)}" y="${top.toFixed(1)}" width="${width.toFixed(1)}" ` +
          `height="${Math.max(0, bottom - top).toFixed(1)}" fill="${series[index]?.color}" fill-opacity=".75"/>`
        );
      }),
    )
    .join('');
}

function lines(series: readonly DrawnSeries[], stacks: readonly Stacked[], plot: Plot): string {
  return stacks
    .map((points, index) => {
      const { color = '', display } = series[index] ?? {};
      const upper = points.map(([at, , to]) => [plot.x(at), plot.y(to)] as const);
      if (upper.length === 1) {
        const [[x, y] = [0, 0]] = upper;
        return `<circle cx="${x}" cy="${y}" r="3" fill="${color}"/>`;
      }
      const opacity = Number(display?.custom['fillOpacity'] ?? 0) / 100;
      const lower = points.map(([at, from]) => [plot.x(at), plot.y(from)] as const).toReversed();
      const area = `${linePath(upper)}${linePath(lower).replace('M', 'L')}Z`;
      const dash = (display?.custom['lineStyle'] as { fill?: string } | undefined)?.fill === 'dash';
      return (
        (opacity > 0 && points.length > 0
          ? `<path d="${area}" fill="${color}" fill-opacity="${opacity}"/>`
          : '') +
        `<path d="${linePath(upper)}" fill="none" stroke="${color}" stroke-width="1.5"` +
        `${dash ? ' stroke-dasharray="8 6"' : ''}/>`
      );
    })
    .join('');
}

/** Lines at thresholds, where the panel asks for them. */
function thresholdLines(panel: PanelJson, plot: Plot, high: number): string {
  const { custom = {}, thresholds } = panel.fieldConfig?.defaults ?? {};
  const style = (custom['thresholdsStyle'] as { mode?: string } | undefined)?.mode ?? 'off';
  if (!style.includes('line')) return '';
  return (thresholds?.steps ?? [])
    .filter(({ value }) => value !== null && value <= high)
    .map(({ value, color }) => {
      const y = plot.y(value ?? 0);
      const { left, width } = plot.area;
      return `<line x1="${left}" x2="${left + width}" y1="${y}" y2="${y}" stroke="${colorNamed(color)}"/>`;
    })
    .join('');
}

/** A time series panel as SVG with its legend. */
export function drawSeries(panel: PanelJson, frames: readonly Frame[], canvas: Canvas): string {
  const series = seriesOf(panel, frames, canvas.nowMs);
  const { custom = {}, min, max } = panel.fieldConfig?.defaults ?? {};
  const isStacked = (custom['stacking'] as { mode?: string } | undefined)?.mode === 'normal';
  const stacks = stack(series, isStacked);
  const tops = stacks.flatMap((points) => points.map(([, , to]) => to));
  const marks = ticks(
    min ?? Math.min(Number(custom['axisSoftMin'] ?? Infinity), ...tops.filter(Number.isFinite), 0),
    max ?? Math.max(...tops, 0),
  );
  const format = (value: number): string => series[0]?.display.text(value) ?? String(value);
  const legend = legendOf(
    series.map(({ display, color }) => ({ title: display.title, color })),
    canvas.width,
  );
  const left = axisWidth(marks, format);
  const height = canvas.height - legend.height;
  const area = { left, top: 8, width: canvas.width - left - 10, height: height - 32 };
  const [low = 0, high = 1] = [marks[0], marks.at(-1)];
  const { fromMs, toMs } = canvas.range;
  const plot: Plot = {
    area,
    x: (ms) => area.left + ((ms - fromMs) / (toMs - fromMs)) * area.width,
    y: (value) => area.top + area.height - ((value - low) / (high - low || 1)) * area.height,
  };
  const drawn = custom['drawStyle'] === 'bars' ? bars(series, stacks, plot) : lines(series, stacks, plot);
  return (
    `<svg width="${canvas.width}" height="${height}">${verticalAxis(area, marks, format)}` +
    `${timeAxis(area, canvas.range)}<g clip-path="inset(0)">${drawn}</g>` +
    `${thresholdLines(panel, plot, high)}</svg>${legend.html}`
  );
}
