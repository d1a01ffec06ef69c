import type { BoardJson, GridPos, PanelJson } from '../expand/board-json.ts';
import type { TimeRange } from '../expand/time-range.ts';
import { drawColumns, drawLevels } from './bars-panel.ts';
import { rowCount, type Frame } from './frame.ts';
import { drawHeatmap } from './heatmap-panel.ts';
import { escaped } from './html.ts';
import { PAGE_STYLE } from './page-style.ts';
import { drawSeries, type Canvas } from './series-panel.ts';
import { drawStat, drawTable } from './table-panel.ts';
import { transformed } from './transform.ts';

const COLUMNS = 24;
const CELL_PX = 30;
const GAP_PX = 8;
const HEAD_PX = 84;
const TITLE_PX = 34;
const PADDING_PX = 8;

/** What a picture shows: a board with the answers to its queries. */
export interface PreviewInput {
  readonly board: BoardJson;
  readonly range: TimeRange;
  readonly nowMs: number;
  /** Answers by panel id, in the order of the queries. */
  readonly answers: ReadonlyMap<number, readonly Frame[]>;
  /** What is chosen in the variables that are shown, by label. */
  readonly choices: readonly { readonly label: string; readonly text: string }[];
  readonly widthPx: number;
}

/** A page, and the window that it fills exactly. */
export interface Preview {
  readonly html: string;
  readonly widthPx: number;
  readonly heightPx: number;
}

type Draw = (panel: PanelJson, frames: readonly Frame[], canvas: Canvas) => string;

const DRAWINGS: Readonly<Record<string, Draw>> = {
  stat: drawStat,
  gauge: drawStat,
  timeseries: drawSeries,
  table: drawTable,
  barchart: drawColumns,
  bargauge: drawLevels,
  heatmap: drawHeatmap,
};

function bottomOf(panels: readonly PanelJson[]): number {
  return Math.max(0, ...panels.map(({ gridPos }) => gridPos.y + gridPos.h));
}

function boxOf(
  { x, y, w, h }: GridPos,
  widthPx: number,
): Record<'left' | 'top' | 'width' | 'height', number> {
  const column = (widthPx - GAP_PX) / COLUMNS;
  return {
    left: GAP_PX + x * column,
    top: HEAD_PX + y * (CELL_PX + GAP_PX),
    width: w * column - GAP_PX,
    height: h * (CELL_PX + GAP_PX) - GAP_PX,
  };
}

function panelHtml(panel: PanelJson, input: PreviewInput): string {
  const box = boxOf(panel.gridPos, input.widthPx);
  const style = `left:${box.left}px;top:${box.top}px;width:${box.width}px;height:${box.height}px`;
  if (panel.type === 'row') {
    return `<div class="row" style="${style}">&#8964; ${escaped(panel.title ?? '')}</div>`;
  }
  const answers = input.answers.get(panel.id) ?? [];
  const draw = DRAWINGS[panel.type];
  if (draw === undefined) throw new Error(`no picture for a panel of type ${panel.type}`);
  const frames = transformed(answers, panel.transformations);
  const canvas: Canvas = {
    width: box.width - 2 * PADDING_PX,
    height: box.height - TITLE_PX - PADDING_PX,
    range: input.range,
    nowMs: input.nowMs,
  };
  const empty = frames.every((frame) => rowCount(frame) === 0);
  const noValue = panel.fieldConfig?.defaults?.noValue ?? 'No data';
  const body = empty ? `<p class="empty">${escaped(noValue)}</p>` : draw(panel, frames, canvas);
  return `<div class="panel" style="${style}"><h2>${escaped(panel.title ?? '')}</h2>${body}</div>`;
}

const UNITS: Readonly<Record<string, string>> = { m: 'minutes', h: 'hours', d: 'days' };

function rangeText(board: BoardJson): string {
  const from = board.time?.from ?? 'now-6h';
  const match = /^now-(\d+)([mhd])$/.exec(from);
  if (match === null) return `${from} to ${board.time?.to ?? 'now'}`;
  return `Last ${match[1]} ${UNITS[match[2] ?? '']}`;
}

/** The page of a board: its panels where the grid puts them, drawn from real answers in Grafana's dark look. */
export function previewPage(input: PreviewInput): Preview {
  const { board, choices, widthPx } = input;
  const heightPx = HEAD_PX + bottomOf(board.panels) * (CELL_PX + GAP_PX) + GAP_PX;
  const chosen = choices
    .map(({ label, text }) => `<span class="choice"><b>${escaped(label)}</b>${escaped(text)} &#9662;</span>`)
    .join('');
  const html =
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escaped(board.title)}</title>` +
    `<style>${PAGE_STYLE}body{width:${widthPx}px;height:${heightPx}px}</style>` +
    `<header><h1>${escaped(board.title)}</h1><time>${escaped(rangeText(board))} UTC</time></header>` +
    `<nav>${chosen}</nav>${board.panels.map((panel) => panelHtml(panel, input)).join('')}</html>`;
  return { html, widthPx, heightPx };
}
