import type { PanelJson } from '../expand/board-json.ts';
import { timeAxis, type Area } from './axis.ts';
import type { Frame } from './frame.ts';
import { escaped } from './html.ts';
import type { Canvas } from './series-panel.ts';
import { formatValue } from './units.ts';

interface Bucket {
  readonly bound: number;
  readonly counts: readonly number[];
}

/** Buckets by their upper bound; counts of Prometheus' buckets include those below, so they are taken off. */
function bucketsOf({ fields }: Frame): readonly Bucket[] {
  const rising = fields
    .filter(({ type }) => type === 'number')
    .map(({ labels, name, legend, values }) => {
      const le = labels?.['le'] ?? legend ?? name;
      return {
        bound: le === '+Inf' ? Infinity : Number(le),
        counts: values.map((value) => Number(value ?? 0)),
      };
    })
    .filter(({ bound }) => !Number.isNaN(bound))
    .toSorted((a, b) => a.bound - b.bound);
  return rising.map(({ bound, counts }, index) => ({
    bound,
    counts: counts.map((count, column) => Math.max(0, count - (rising[index - 1]?.counts[column] ?? 0))),
  }));
}

/** From dark blue to bright yellow, by how full a cell is. */
function shade(part: number): string {
  const hue = 250 - 200 * part;
  return `hsl(${hue.toFixed(0)} 70% ${(22 + 42 * part).toFixed(0)}%)`;
}

/** A heatmap of a histogram over time. */
export function drawHeatmap(panel: PanelJson, frames: readonly Frame[], canvas: Canvas): string {
  const frame = frames[0] ?? { refId: 'A', fields: [] };
  const used = bucketsOf(frame);
  const full = used.map(({ counts }) => counts.some((count) => count > 0));
  const [first, last] = [full.indexOf(true), full.lastIndexOf(true)];
  const buckets = first === -1 ? used : used.slice(Math.max(0, first - 1), last + 2);
  const times = (frame.fields.find(({ type }) => type === 'time')?.values ?? []) as readonly number[];
  const yAxis = panel.options?.['yAxis'] as { unit?: string } | undefined;
  const unit = yAxis?.unit ?? panel.fieldConfig?.defaults?.unit ?? 's';
  const area: Area = { left: 70, top: 8, width: canvas.width - 80, height: canvas.height - 40 };
  const rowHeight = area.height / Math.max(1, buckets.length);
  const most = Math.max(...buckets.flatMap(({ counts }) => counts), 1e-12);
  const { fromMs, toMs } = canvas.range;
  const columnMs = times.length > 1 ? (times[1] ?? 0) - (times[0] ?? 0) : (toMs - fromMs) / 50;
  const cells: string[] = [];
  buckets.forEach(({ bound, counts }, row) => {
    const y = area.top + area.height - (row + 1) * rowHeight;
    if (row % Math.ceil(buckets.length / 9) === 0) {
      const label = formatValue(bound, unit);
      cells.push(
        `<text x="${area.left - 8}" y="${y + rowHeight / 2 + 4}" text-anchor="end">${escaped(label)}</text>`,
      );
    }
    counts.forEach((count, column) => {
      if (count <= 0) return;
      const x = area.left + (((times[column] ?? 0) - fromMs) / (toMs - fromMs)) * area.width;
      const width = Math.max(2, (columnMs / (toMs - fromMs)) * area.width - 0.5);
      if (x < area.left - width) return;
      cells.push(
        `<rect x="${x.toFixed(1)}" y="${(y + 0.5).toFixed(1)}" width="${width.toFixed(1)}" ` +
          `height="${(rowHeight - 1).toFixed(1)}" fill="${shade(Math.sqrt(count / most))}"/>`,
      );
    });
  });
  return `<svg width="${canvas.width}" height="${canvas.height}">${timeAxis(area, canvas.range)}${cells.join('')}</svg>`;
}
