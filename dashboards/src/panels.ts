import { MappingType, ThresholdsMode } from '@grafana/grafana-foundation-sdk/dashboard';
import type {
  DataTransformerConfig,
  DynamicConfigValue,
  Panel,
  ThresholdsConfig,
  ValueMapping,
} from '@grafana/grafana-foundation-sdk/dashboard';
import type { Target } from './targets.ts';
import { POSTGRES, PROMETHEUS } from './targets.ts';
import { describePanel } from './description.ts';
import type { PanelText } from './description.ts';
import type { CellLink } from './links.ts';
import { drawerOf } from './drawers.ts';
import type { Drawing } from './drawers.ts';

/** Width of a column that shows a whole instant, in pixels. */
export const TIME_PX = 150;
const HEAT_PX = 56;

/** How a column or tile is shown, by its name in the answer. */
export interface Field {
  /** Heading; the name itself where absent. */
  readonly title?: string;
  readonly unit?: string;
  readonly decimals?: number;
  readonly links?: readonly CellLink[];
  readonly width?: number;
  /** Drawn as a bar in its cell. */
  readonly gauge?: boolean;
  readonly thresholds?: Thresholds;
  /** What numbers or texts are called. */
  readonly names?: Readonly<Record<string, string>>;
}

/** Values from which a colour holds, the first from the start. */
export type Thresholds = readonly [string, ...(readonly [number, string])[]];

/** One panel, as a dashboard's file writes it. */
export interface PanelSpec {
  /** Stable within the dashboard: links and alerts name it. */
  readonly id: number;
  readonly title: string;
  readonly text: PanelText;
  readonly drawing: Drawing;
  /** Columns of the grid, of 24. */
  readonly width: number;
  /** Rows of the grid, of 30 pixels. */
  readonly height: number;
  readonly unit: string;
  readonly decimals?: number;
  readonly min?: number;
  readonly max?: number;
  readonly targets: readonly Target[];
  readonly fields?: Readonly<Record<string, Field>>;
  readonly thresholds?: Thresholds;
  readonly transformations?: readonly DataTransformerConfig[];
  /** What numbers or texts are called, everywhere in the panel. */
  readonly names?: Readonly<Record<string, string>>;
  /** A table's numbers are coloured by how great they are. */
  readonly heat?: boolean;
  /** Least step, such as `15m`. */
  readonly minInterval?: string;
}

function property(id: string, value: unknown): DynamicConfigValue {
  return { id, value };
}

function thresholdsOf([base, ...rest]: Thresholds): ThresholdsConfig {
  const steps = rest.map(([value, color]) => ({ value, color }));
  return { mode: ThresholdsMode.Absolute, steps: [{ value: null, color: base }, ...steps] };
}

function mappingsOf(names: Readonly<Record<string, string>>): ValueMapping[] {
  const options = Object.fromEntries(Object.entries(names).map(([value, text]) => [value, { text }]));
  return [{ type: MappingType.ValueToText, options }];
}

function propertiesOf(field: Field): DynamicConfigValue[] {
  const { title, unit, decimals, links, width, gauge, thresholds, names } = field;
  const out: DynamicConfigValue[] = [];
  if (title !== undefined) out.push(property('displayName', title));
  if (unit !== undefined) out.push(property('unit', unit));
  if (decimals !== undefined) out.push(property('decimals', decimals));
  if (width !== undefined) out.push(property('custom.width', width));
  if (links !== undefined) out.push(property('links', links));
  if (gauge === true) out.push(property('custom.cellOptions', { type: 'gauge', mode: 'basic' }));
  if (thresholds !== undefined) {
    out.push(property('thresholds', thresholdsOf(thresholds)), property('color', { mode: 'thresholds' }));
    if (gauge !== true) out.push(property('custom.cellOptions', { type: 'color-text' }));
  }
  if (names !== undefined) out.push(property('mappings', mappingsOf(names)));
  return out;
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** Makes Grafana's panel, without its place. Throws where it has no query, or mixes data sources. */
export function buildPanel(spec: PanelSpec): Panel {
  const { id, title, text, drawing, unit, targets, fields = {} } = spec;
  const [first] = targets;
  if (first === undefined) throw new Error(`panel ${id} (${title}) has no query`);
  if (targets.some(({ source }) => source !== first.source)) {
    throw new Error(`panel ${id} (${title}) asks two data sources`);
  }
  const empty = `${text.empty.charAt(0).toUpperCase()}${text.empty.slice(1)}`;
  const builder = drawerOf(drawing, first.overTime)
    .id(id)
    .title(title)
    .description(describePanel(text))
    .datasource(first.source === 'postgres' ? POSTGRES : PROMETHEUS)
    .unit(unit)
    .noValue(empty)
    .targets(targets.map((target, index) => target.build(LETTERS.charAt(index))))
    .transformations([...(spec.transformations ?? [])]);
  if (spec.decimals !== undefined) builder.decimals(spec.decimals);
  if (spec.min !== undefined) builder.min(spec.min);
  if (spec.max !== undefined) builder.max(spec.max);
  if (spec.minInterval !== undefined) builder.interval(spec.minInterval);
  if (spec.names !== undefined) builder.mappings(mappingsOf(spec.names));
  const { thresholds } = spec;
  if (thresholds !== undefined) {
    builder.thresholds({ build: () => thresholdsOf(thresholds) });
  }
  // A cell without a value is a dash; the text about emptiness is for a table without rows.
  if (drawing === 'table') builder.overrideByRegexp('.*', [property('noValue', '-')]);
  if (spec.heat === true) {
    const cell = property('custom.cellOptions', { type: 'color-background', mode: 'gradient' });
    // Narrow, so that 24 hours stand side by side.
    const narrow = property('custom.width', HEAT_PX);
    builder.overrideByFieldType('number', [cell, narrow, property('color', { mode: 'continuous-GrYlRd' })]);
  }
  for (const [name, field] of Object.entries(fields)) builder.overrideByName(name, propertiesOf(field));
  return builder.build();
}
