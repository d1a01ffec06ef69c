import { openMetricsName } from '../../telemetry/exposition.ts';
import type { ExpositionFormat, MetricType } from '../../telemetry/exposition.ts';
import { FOLD_COUNT, foldLabels, renderLabels } from './labels.ts';
import type { LabelName, LabelSet } from './labels.ts';

/**
 * A family whose label sets are rendered once, when they are first seen: a scrape only appends numbers.
 *
 * Room for series, as parts of the cap: exact label sets may take 0.9 of it, and each step of folding a little
 * more, so that there is always room for what is folded. Beyond the last step nothing but the tenant is left,
 * and tenants are bounded elsewhere.
 */
const ROOM_BY_STEP: readonly number[] = [0.9, 0.94, 0.97, 1, Infinity];

/** Part of the cap that exact label sets of one tenant may take, so that one sender cannot blind the others. */
const TENANT_SHARE = 0.5;

/** Series that are rendered before the event loop gets a turn. */
const SLICE_SERIES = 500;

export interface Series<V> {
  /** `name{labels} ` for single values; the labels alone for histograms. */
  readonly text: string;
  value: V;
}

interface Slot<V> {
  readonly series: Series<V>;
  readonly folded: boolean;
}

/** The label set of a call, and where its series are in each family, once looked up. */
export interface Dimensions {
  readonly labels: LabelSet;
  /** The labels as rendered text. */
  readonly text: string;
  readonly slots: (Slot<unknown> | undefined)[];
}

/** How values of a family start, and how they are written. */
export interface ValueKind<V> {
  readonly type: MetricType;
  /** Lines of the text format per series. */
  readonly lines: number;
  zero(): V;
  /** The text kept per series. */
  series(name: string, labels: string): string;
  /** All lines of one series. */
  write(name: string, series: Series<V>, format: ExpositionFormat): string;
}

export interface FamilySettings<V> {
  readonly name: string;
  readonly help: string;
  readonly kind: ValueKind<V>;
  /** A label besides the base ones, with the values it may have; its series are found by the value's index. */
  readonly extra?: { readonly label: string; readonly values: readonly string[] };
}

export interface FamilyLimits {
  /** Most lines in the exposition. */
  readonly maxSeries: number;
  readonly labelNames: readonly LabelName[];
}

/** What counts a label set that had to be folded. */
export type FoldCounter = (metric: string) => void;

export class Family<V> {
  readonly name: string;
  readonly #settings: FamilySettings<V>;
  readonly #limits: FamilyLimits;
  readonly #firstSlot: number;
  readonly #folded: FoldCounter;
  readonly #series = new Map<string, Series<V>>();
  readonly #exactByTenant = new Map<string, number>();

  /** `firstSlot` is this family's place in `Dimensions.slots`; it takes as many as `extra` has values. */
  constructor(settings: FamilySettings<V>, limits: FamilyLimits, firstSlot: number, folded: FoldCounter) {
    this.name = settings.name;
    this.#settings = settings;
    this.#limits = limits;
    this.#firstSlot = firstSlot;
    this.#folded = folded;
  }

  /** Series so far. */
  get size(): number {
    return this.#series.size;
  }

  /** The series of these dimensions, made if there is none yet; counts it where it had to be folded. */
  at(dimensions: Dimensions, extraIndex = 0): Series<V> {
    const index = this.#firstSlot + extraIndex;
    let slot = dimensions.slots[index] as Slot<V> | undefined;
    if (slot === undefined) {
      slot = this.#resolve(dimensions, this.#extraText(extraIndex));
      dimensions.slots[index] = slot;
    }
    if (slot.folded) this.#folded(this.name);
    return slot.series;
  }

  /** The text of the family in pieces, the first with HELP and TYPE; each blocks the loop for one slice only. */
  *render(format: ExpositionFormat): Generator<string> {
    const { help, kind } = this.#settings;
    const shown = format === 'openmetrics' ? openMetricsName(this.name, kind.type) : this.name;
    let piece = `# HELP ${shown} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${shown} ${kind.type}\n`;
    let left = Math.ceil(SLICE_SERIES / kind.lines);
    for (const series of this.#series.values()) {
      piece += kind.write(this.name, series, format);
      if (--left > 0) continue;
      yield piece;
      piece = '';
      left = Math.ceil(SLICE_SERIES / kind.lines);
    }
    if (piece !== '') yield piece;
  }

  #extraText(index: number): string {
    const { extra } = this.#settings;
    return extra === undefined ? '' : `,${extra.label}="${extra.values[index] ?? ''}"`;
  }

  #resolve({ labels, text: baseText }: Dimensions, extraText: string): Slot<V> {
    const exact = baseText + extraText;
    for (let step = 0; step < FOLD_COUNT; step++) {
      const text =
        step === 0 ? exact : renderLabels(foldLabels(labels, step), this.#limits.labelNames) + extraText;
      const known = this.#series.get(text);
      const series = known ?? this.#makeIfRoom(text, labels.tenant, step);
      if (series !== null) return { series, folded: text !== exact };
    }
    throw new Error('the last step of folding always has room');
  }

  #hasRoom(tenant: string, step: number): boolean {
    const { lines } = this.#settings.kind;
    const { maxSeries } = this.#limits;
    if ((this.#series.size + 1) * lines > maxSeries * (ROOM_BY_STEP[step] ?? Infinity)) return false;
    return step > 0 || ((this.#exactByTenant.get(tenant) ?? 0) + 1) * lines <= maxSeries * TENANT_SHARE;
  }

  #makeIfRoom(text: string, tenant: string, step: number): Series<V> | null {
    if (!this.#hasRoom(tenant, step)) return null;
    const { kind } = this.#settings;
    const made: Series<V> = { text: kind.series(this.name, text), value: kind.zero() };
    this.#series.set(text, made);
    if (step === 0) this.#exactByTenant.set(tenant, (this.#exactByTenant.get(tenant) ?? 0) + 1);
    return made;
  }
}
