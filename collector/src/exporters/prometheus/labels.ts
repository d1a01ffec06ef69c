/** The dimensions of the hot families, valued as the columns of `spanmeter.calls`; NULL is the empty text. */
export interface LabelSet {
  readonly tenant: string;
  readonly provider: string;
  readonly model: string;
  readonly operation: string;
  readonly service_name: string;
  readonly environment: string;
  readonly team: string;
  readonly feature: string;
}

export type LabelName = keyof LabelSet;

/** Labels that are there only when configured. */
export const OPTIONAL_LABELS = ['team', 'feature'] as const;
export type OptionalLabel = (typeof OPTIONAL_LABELS)[number];

/** [contract] Labels of every hot family. */
export const BASE_LABELS = [
  'tenant',
  'provider',
  'model',
  'operation',
  'service_name',
  'environment',
] as const;

/** What a folded label says. */
export const FOLDED = 'other';

/**
 * What is given up, step by step, when a family is full: first the model, then the service, then team and
 * feature, at last whatever else a sender can invent. Never the tenant.
 */
const FOLD_STEPS: readonly Partial<LabelSet>[] = [
  {},
  { model: FOLDED },
  { model: FOLDED, service_name: FOLDED },
  { model: FOLDED, service_name: FOLDED, team: FOLDED, feature: FOLDED },
  {
    model: FOLDED,
    service_name: FOLDED,
    team: FOLDED,
    feature: FOLDED,
    environment: FOLDED,
    operation: FOLDED,
    provider: FOLDED,
  },
];

/** Number of fold steps; step 0 is the exact label set. */
export const FOLD_COUNT: number = FOLD_STEPS.length;

/** The label set after so many steps of folding. */
export function foldLabels(labels: LabelSet, step: number): LabelSet {
  return { ...labels, ...FOLD_STEPS[step] };
}

/** Text that UTF-8 can carry: lone surrogates become U+FFFD. */
export function wellFormed(value: string): string {
  // The lib of ES2023 does not know toWellFormed, which every supported Node has.
  return (value as string & { toWellFormed(): string }).toWellFormed();
}

/** A label's value as the text format writes it, without its quotes. */
export function escapeLabelValue(value: string): string {
  return wellFormed(value).replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

/** `name="value"` pairs without braces, in the order of the names. */
export function renderLabels(labels: LabelSet, names: readonly LabelName[]): string {
  return names.map((name) => `${name}="${escapeLabelValue(labels[name])}"`).join(',');
}
