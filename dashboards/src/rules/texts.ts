import type { AlertRule, Dashboard, Unit } from './rule.ts';

/** How one evaluator of rules says things in its templates. */
export interface TemplateDialect {
  /** The alert's own figure. */
  readonly value: string;
  /** Wraps a template that uses `$bound` in what sets it to the figure of a bound that is a gauge. */
  withBound(rule: AlertRule, template: string): string;
}

/** Templates of Prometheus' rules: the bound is asked for, since an alert has one value. */
export const PROMETHEUS_TEMPLATES: TemplateDialect = {
  value: '$value',
  withBound({ bound, labels }, template) {
    // %q escapes as PromQL wants it, so that a tenant can be called anything.
    const matchers = labels.map((label) => `${label}=%q`).join(',');
    const values = labels.map((label) => `$labels.${label}`).join(' ');
    const question = `printf \`max(${bound}{${matchers}})\` ${values} | query`;
    return `{{ with ${question} }}{{ $bound := . | first | value }}${template}{{ end }}`;
  },
};

/** Templates of Grafana's rules, whose queries are `A` and, where the bound is a gauge, `B`. */
export const GRAFANA_TEMPLATES: TemplateDialect = {
  value: '$values.A.Value',
  withBound(_rule, template) {
    return `{{ $bound := $values.B.Value }}${template}`;
  },
};

const FORMATS: Readonly<Record<Unit, (figure: string) => string>> = {
  usd: (figure) => `{{ printf "$%.2f" ${figure} }}`,
  percent: (figure) => `{{ ${figure} | humanizePercentage }}`,
  duration: (figure) => `{{ ${figure} | humanizeDuration }}`,
  count: (figure) => `{{ printf "%.0f" ${figure} }}`,
  factor: (figure) => `{{ printf "%.1f" ${figure} }}`,
};

const PERIOD =
  '{{ if eq $labels.period "day" }}Daily{{ else if eq $labels.period "week" }}Weekly' +
  '{{ else if eq $labels.period "month" }}Monthly{{ else }}Whole-period{{ end }}';

/** The description of a rule as a template. Throws on a placeholder that the rule has no label for. */
export function descriptionOf(rule: AlertRule, dialect: TemplateDialect): string {
  const hasGauge = rule.description.includes('{$bound}') && typeof rule.bound !== 'number';
  const figures = hasGauge
    ? { value: '{{ $figure }}', bound: '{{ $limit }}' }
    : { value: FORMATS[rule.unit](dialect.value), bound: String(rule.bound) };
  const text = rule.description.replaceAll(
    /\{( ?)([$a-z_]+)(?:\|([^}]*))?\}/g,
    (_, space: string, name: string, empty?: string) => {
      if (name === '$value') return figures.value;
      if (name === '$bound') return figures.bound;
      if (name === '$period') return PERIOD;
      if (!rule.labels.includes(name)) throw new Error(`${rule.name} has no label ${name}`);
      const label = `$labels.${name}`;
      if (space !== '') return `{{ with ${label} }} {{ . }}{{ end }}`;
      return empty === undefined ? `{{ ${label} }}` : `{{ with ${label} }}{{ . }}{{ else }}${empty}{{ end }}`;
    },
  );
  return hasGauge ? dialect.withBound(rule, moneyPair(dialect.value) + text) : text;
}

/** Two amounts that are compared, with more decimals where two would show them equal or as nothing. */
function moneyPair(value: string): string {
  return (
    `{{ $figure := printf "$%.2f" ${value} }}{{ $limit := printf "$%.2f" $bound }}` +
    `{{ if or (eq $figure $limit) (lt $bound 0.01) }}` +
    `{{ $figure = printf "$%.6f" ${value} }}{{ $limit = printf "$%.6f" $bound }}{{ end }}`
  );
}

/** Link to a dashboard, its variables set from the alert's labels. */
export function dashboardLink(base: string, { uid, variables = {} }: Dashboard): string {
  const query = Object.entries(variables).map(
    ([name, label]) => `var-${name}={{ $labels.${label} | urlquery }}`,
  );
  return `${base}/d/${uid}${query.length > 0 ? `?${query.join('&')}` : ''}`;
}
