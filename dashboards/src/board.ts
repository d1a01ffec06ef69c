import {
  AnnotationQueryBuilder,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
} from '@grafana/grafana-foundation-sdk/dashboard';
import type { Dashboard, Panel, RowPanel } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Filter } from './filters.ts';
import { UIDS } from './links.ts';
import type { BoardName } from './links.ts';
import { buildPanel } from './panels.ts';
import type { PanelSpec } from './panels.ts';
import type { Target } from './targets.ts';
import { POSTGRES } from './targets.ts';
import { boardVariables } from './variables.ts';

/** Columns of Grafana's grid. */
const GRID_WIDTH = 24;
/** Tag by which dashboards list one another. */
export const TAG = 'spanmeter';

/** Panels under a heading. */
export interface RowSpec {
  readonly id: number;
  readonly title: string;
  readonly panels: readonly PanelSpec[];
}

/** Marks in time over every panel. */
export interface AnnotationSpec {
  readonly name: string;
  readonly color: string;
  /** Rows with `time`, `text` and `tags`. */
  readonly target: Target;
}

/** A dashboard, as its own file writes it. */
export interface BoardSpec {
  readonly name: BoardName;
  readonly title: string;
  readonly description: string;
  readonly tags: readonly string[];
  /** Start of the range at first, such as `now-7d`. */
  readonly from: string;
  /** Filters that no query of it has. */
  readonly unused: readonly Filter[];
  readonly annotations: readonly AnnotationSpec[];
  readonly rows: readonly RowSpec[];
}

/** One of the dashboards. */
export interface Board {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  /** Makes Grafana's classic model. Throws where the specification does not hold together. */
  build(): Dashboard;
}

/** Puts panels from left to right, a new line where one does not fit; so none lies on another. */
function layOut(
  panels: readonly PanelSpec[],
  top: number,
): { readonly panels: readonly Panel[]; readonly y: number } {
  let x = 0;
  let y = top;
  let lineHeight = 0;
  const placed = panels.map((spec) => {
    if (spec.width < 1 || spec.width > GRID_WIDTH) throw new Error(`panel ${spec.id} is ${spec.width} wide`);
    if (x + spec.width > GRID_WIDTH) {
      x = 0;
      y += lineHeight;
      lineHeight = 0;
    }
    const gridPos = { x, y, w: spec.width, h: spec.height };
    x += spec.width;
    lineHeight = Math.max(lineHeight, spec.height);
    return { ...buildPanel(spec), gridPos };
  });
  return { panels: placed, y: y + lineHeight };
}

function requireUniqueIds(rows: readonly RowSpec[]): void {
  const seen = new Set<number>();
  for (const id of rows.flatMap((row) => [row.id, ...row.panels.map((panel) => panel.id)])) {
    if (seen.has(id)) throw new Error(`two panels have the id ${id}`);
    seen.add(id);
  }
}

function placeRows(rows: readonly RowSpec[]): (Panel | RowPanel)[] {
  const out: (Panel | RowPanel)[] = [];
  let y = 0;
  for (const { id, title, panels } of rows) {
    const gridPos = { x: 0, y, w: GRID_WIDTH, h: 1 };
    out.push({ type: 'row', id, title, collapsed: false, panels: [], gridPos });
    const placed = layOut(panels, y + 1);
    out.push(...placed.panels);
    y = placed.y;
  }
  return out;
}

/** The alerts and notes of Grafana itself, which every classic dashboard has. */
const BUILT_IN = new AnnotationQueryBuilder()
  .name('Annotations & Alerts')
  .builtIn(1)
  .type('dashboard')
  .datasource({ type: 'grafana', uid: '-- Grafana --' })
  .enable(true)
  .hide(true)
  .iconColor('rgba(0, 211, 255, 1)');

function annotation({ name, color, target }: AnnotationSpec): AnnotationQueryBuilder {
  return new AnnotationQueryBuilder()
    .name(name)
    .datasource(POSTGRES)
    .enable(true)
    .iconColor(color)
    .target(target.build('A'));
}

/** Makes a dashboard of its specification. */
export function board(spec: BoardSpec): Board {
  const { name, title, description } = spec;
  const build = (): Dashboard => {
    requireUniqueIds(spec.rows);
    const others = new DashboardLinkBuilder('Spanmeter')
      .type(DashboardLinkType.Dashboards)
      .tags([TAG])
      .icon('external link')
      .tooltip('The other dashboards, at the same time with the same choices')
      .asDropdown(true)
      .includeVars(true)
      .keepTime(true);
    const built = new DashboardBuilder(title)
      .uid(UIDS[name])
      .description(description)
      .tags([TAG, ...spec.tags])
      .readonly()
      .tooltip(DashboardCursorSync.Crosshair)
      .time({ from: spec.from, to: 'now' })
      .refresh('1m')
      .timezone('browser')
      .variables([...boardVariables(spec.unused)])
      .annotations([BUILT_IN, ...spec.annotations.map(annotation)])
      .link(others)
      .version(1)
      .build();
    return { ...built, id: null, panels: placeRows(spec.rows) };
  };
  return { uid: UIDS[name], title, description, build };
}
