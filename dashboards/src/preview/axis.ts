import { escaped } from './html.ts';
import type { TimeRange } from '../expand/time-range.ts';

/** A drawing area in pixels. */
export interface Area {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

const TARGET_LINES = 5;
const TIME_STEPS_MS = [
  60_000, 300_000, 600_000, 1_800_000, 3_600_000, 7_200_000, 10_800_000, 21_600_000, 43_200_000, 86_400_000,
  172_800_000, 432_000_000, 604_800_000,
];
const LABEL_PX = 90;

/** Values at which lines are drawn: round numbers from the lowest to beyond the highest. */
export function ticks(low: number, high: number): readonly number[] {
  const span = high - low || Math.abs(high) || 1;
  const rough = span / TARGET_LINES;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((one) => one * power >= rough) ?? 10) * power;
  const first = Math.floor(low / step);
  const last = Math.ceil(high / step);
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
}

/** Lines and labels of the vertical axis. */
export function verticalAxis(
  area: Area,
  values: readonly number[],
  format: (value: number) => string,
): string {
  const low = values[0] ?? 0;
  const high = values.at(-1) ?? 1;
  return values
    .map((value) => {
      const y = area.top + area.height - ((value - low) / (high - low || 1)) * area.height;
      return (
        `<line x1="${area.left}" x2="${area.left + area.width}" y1="${y}" y2="${y}" class="grid"/>` +
        `<text x="${area.left - 8}" y="${y + 4}" text-anchor="end">${escaped(format(value))}</text>`
      );
    })
    .join('');
}

/** Widest label of an axis, in pixels. */
export function axisWidth(values: readonly number[], format: (value: number) => string): number {
  return Math.max(...values.map((value) => format(value).length), 2) * 6.6 + 14;
}

/** Labels of the time axis, in UTC. */
export function timeAxis(area: Area, range: TimeRange): string {
  const span = range.toMs - range.fromMs;
  const most = Math.max(2, Math.floor(area.width / LABEL_PX));
  const step = TIME_STEPS_MS.find((one) => span / one <= most) ?? 2_592_000_000;
  const out: string[] = [];
  for (let at = Math.ceil(range.fromMs / step) * step; at <= range.toMs; at += step) {
    const x = area.left + ((at - range.fromMs) / span) * area.width;
    const iso = new Date(at).toISOString();
    const text = step >= 86_400_000 ? iso.slice(5, 10).replace('-', '/') : iso.slice(11, 16);
    if (x < area.left + 14 || x > area.left + area.width - 14) continue;
    out.push(
      `<line x1="${x}" x2="${x}" y1="${area.top}" y2="${area.top + area.height}" class="grid"/>` +
        `<text x="${x}" y="${area.top + area.height + 16}" text-anchor="middle">${text}</text>`,
    );
  }
  return out.join('');
}
