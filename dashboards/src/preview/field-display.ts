import type { FieldJson, PanelJson } from '../expand/board-json.ts';
import { cellText, fieldTitle, type Field } from './frame.ts';
import { colorNamed } from './html.ts';
import { formatValue } from './units.ts';

/** How a panel shows one field, defaults and overrides together. */
export interface FieldDisplay {
  readonly title: string;
  readonly unit: string;
  readonly decimals: number | undefined;
  readonly width: number | undefined;
  readonly min: number | undefined;
  readonly max: number | undefined;
  readonly noValue: string;
  /** How a table draws its cells: `auto`, `gauge`, `color-text`, … */
  readonly cell: string;
  readonly hidden: boolean;
  readonly thresholdColors: boolean;
  readonly custom: Readonly<Record<string, unknown>>;
  readonly fixedColor: string | undefined;
  text(value: unknown): string;
  /** By the thresholds; null where there are none. */
  color(value: number): string | null;
  readonly hasLinks: boolean;
}

interface Mapping {
  readonly type: string;
  readonly options?: Readonly<Record<string, unknown>>;
}

type Properties = Readonly<Record<string, unknown>>;

function matches(
  { id, options }: { readonly id: string; readonly options?: unknown },
  field: Field,
): boolean {
  if (id === 'byName') return options === field.name || options === fieldTitle(field);
  if (id === 'byType') return options === field.type;
  if (id === 'byRegexp') {
    const pattern = /^\/(.*)\/([a-z]*)$/s.exec(String(options));
    return new RegExp(pattern?.[1] ?? String(options), pattern?.[2]).test(fieldTitle(field));
  }
  return false;
}

function propertiesOf(panel: PanelJson, field: Field): Properties {
  const all: Record<string, unknown> = {};
  for (const { matcher, properties } of panel.fieldConfig?.overrides ?? []) {
    if (!matches(matcher, field)) continue;
    for (const { id, value } of properties) all[id] = value;
  }
  return all;
}

function mapped(mappings: readonly Mapping[], value: unknown): string | null {
  for (const { type, options = {} } of mappings) {
    if (type === 'value') {
      const found = options[cellText(value)] as { text?: string } | undefined;
      if (found?.text !== undefined) return found.text;
    }
    if (type === 'special') {
      const { match, result } = options as { match?: string; result?: { text?: string } };
      const empty = value === null || value === undefined;
      if (((match === 'null' || match === 'null+nan') && empty) || (match === 'empty' && value === '')) {
        return result?.text ?? null;
      }
    }
  }
  return null;
}

function colorAt(thresholds: FieldJson['thresholds'], value: number, max: number | undefined): string | null {
  const steps = thresholds?.steps ?? [];
  if (steps.length === 0) return null;
  const at = thresholds?.mode === 'percentage' ? (value / (max ?? 1)) * 100 : value;
  const step = steps.findLast((one) => one.value === null || at >= one.value);
  return step === undefined ? null : colorNamed(step.color);
}

/** What of a panel's settings holds for a field. */
export function displayOf(panel: PanelJson, field: Field, nowMs: number): FieldDisplay {
  const defaults: FieldJson = panel.fieldConfig?.defaults ?? {};
  const own = propertiesOf(panel, field);
  const pick = <T>(id: string, fallback: T): T => (id in own ? (own[id] as T) : fallback);
  const custom = { ...defaults.custom };
  for (const [id, value] of Object.entries(own)) if (id.startsWith('custom.')) custom[id.slice(7)] = value;
  const unit = pick('unit', defaults.unit ?? '');
  const decimals = pick<number | undefined>('decimals', defaults.decimals);
  const mappings = pick('mappings', (defaults.mappings ?? []) as readonly Mapping[]);
  const thresholds = pick('thresholds', defaults.thresholds);
  const max = pick<number | undefined>('max', defaults.max);
  const noValue = pick('noValue', defaults.noValue ?? '');
  const color = pick<FieldJson['color']>('color', defaults.color);
  const cellOptions = custom['cellOptions'] as { type?: string } | undefined;
  return {
    title: pick('displayName', defaults.displayName ?? fieldTitle(field)),
    unit,
    decimals,
    width: custom['width'] as number | undefined,
    min: pick<number | undefined>('min', defaults.min),
    max,
    noValue,
    cell: cellOptions?.type ?? 'auto',
    hidden: custom['hidden'] === true || custom['hideFrom.viz'] === true,
    thresholdColors: color?.mode === 'thresholds' || thresholds !== undefined,
    custom,
    fixedColor: color?.mode === 'fixed' ? colorNamed(color.fixedColor ?? 'green') : undefined,
    text(value) {
      const named = mapped(mappings, value);
      if (named !== null) return named;
      if (value === null || value === undefined) return noValue;
      if (typeof value !== 'number') return cellText(value);
      if (field.type === 'time' && unit !== 'dateTimeFromNow') return formatValue(value, 'dateTimeAsIso');
      return formatValue(value, unit, decimals, nowMs);
    },
    color: (value) => colorAt(thresholds, value, max),
    hasLinks: Array.isArray(own['links']) && own['links'].length > 0,
  };
}
