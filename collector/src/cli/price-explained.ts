import {
  instantText,
  type CostLine,
  type ExplainedMatch,
  type ListedPrice,
  type Modifier,
  type PriceExplanation,
  type ReviewedChange,
} from '@spanmeter/processors';
import { bold, grouped, printable, type CliContext } from './output.ts';
import { overrideSnippet } from './override-snippet.ts';
import { filledText } from './text-block.ts';

const LABEL_WIDTH = 12;

type Screen = Pick<CliContext, 'columns' | 'colours'>;

/** A labelled paragraph: the label once, then text that is indented under itself. */
function entry(label: string, text: string, { columns }: Screen): string {
  const indented = filledText(`${' '.repeat(LABEL_WIDTH)}${printable(text)}`, columns, false);
  return label.padEnd(LABEL_WIDTH) + indented.slice(LABEL_WIDTH);
}

const KINDS: Readonly<Record<ExplainedMatch['kind'], string>> = {
  exact: 'by its exact name',
  unwrapped: 'by its name without what is wrapped around it',
  alias: 'by one of its other names',
  dated: 'by its name without the date or version',
};

function matchText(match: ExplainedMatch): string {
  const deployed = match.deployedAs === null ? '' : `, a deployment of ${match.deployedAs}`;
  const isSaid = [match.model, match.name, match.deployedAs].includes(match.foundBy);
  const found = isSaid ? '' : ` ${match.foundBy}`;
  const place = [
    ...(match.profile === null ? [] : [`inference profile ${match.profile}`]),
    ...(match.location === null ? [] : [`location ${match.location}`]),
  ].join(', ');
  const from = match.name === match.model ? '' : `, from ${match.name}`;
  const asked = match.of === 'request' ? ' (the name that was asked for)' : '';
  return `${match.model}${from}${asked}${deployed}, ${KINDS[match.kind]}${found}${place === '' ? '' : `; ${place}`}`;
}

const LAYERS: Readonly<Record<ListedPrice['layer'], string>> = {
  tenant: "the tenant's own",
  operator: "the operator's own",
  overlay: 'reviewed list price',
  base: 'list price',
  list: 'list price of the stored book',
};

function validity({ from, to }: ListedPrice): string {
  if (from === null && to === null) return 'valid at any time';
  return [
    from === null ? '' : `valid from ${from}`,
    to === null ? '' : `${from === null ? 'valid ' : ''}to ${to}`,
  ]
    .filter((text) => text !== '')
    .join(' ');
}

/** Whose price it is, since when, and who says so. */
function priceEntries(price: ListedPrice, applied: readonly Modifier[], screen: Screen): string {
  const { provenance } = price;
  const isFelt = (change: ReviewedChange): boolean =>
    change.modifiers === null || change.modifiers.some((each) => applied.includes(each));
  const resold = provenance?.resold == null ? '' : `, at the price of ${provenance.resold}`;
  const lines = [entry('Price', `${LAYERS[price.layer]}${resold}, ${validity(price)}`, screen)];
  if (provenance !== null) {
    const on = provenance.reviewed === null ? '' : ` (reviewed ${provenance.reviewed})`;
    lines.push(entry('Source', `${provenance.source}${on}`, screen));
    for (const change of provenance.changes.filter(isFelt))
      lines.push(entry('', `adjusted: ${change.source} (reviewed ${change.reviewed})`, screen));
  }
  return lines.join('');
}

const DAYS = ['', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** `01:00-04:00 UTC on Mon, Tue`. */
export function windowText(window: {
  readonly from: string;
  readonly to: string;
  readonly days?: readonly number[];
}): string {
  const days =
    window.days === undefined ? '' : ` on ${window.days.map((day) => DAYS[day] ?? day).join(', ')}`;
  return `${window.from}-${window.to} UTC${days}`;
}

function contextText({ context }: PriceExplanation): string | null {
  if (context === null) return null;
  const tokens = `${grouped(String(context.tokens))} tokens of input, cache included`;
  const bound = (each: { readonly above: number; readonly inclusive: boolean }): string =>
    `${each.inclusive ? 'from' : 'above'} ${grouped(String(each.above))}`;
  return context.tier === null
    ? `${tokens}: ordinary rates; others apply ${context.bounds.map(bound).join(' and ')}`
    : `${tokens}: the rates that apply to the whole request ${bound(context.tier)}`;
}

function conditionText(condition: PriceExplanation['conditions'][number]): string {
  const { multiply, factors, rates } = condition;
  const factor = multiply === undefined ? [] : [`token rates x ${multiply}`];
  const single = Object.entries(factors ?? {}).map(([name, each]) => `${name} x ${each}`);
  const own = rates === undefined ? [] : ['rates of its own'];
  return `${condition.condition} ${condition.value}: ${[...factor, ...single, ...own].join(', ')}`;
}

function reasoning(explanation: PriceExplanation, screen: Screen): string {
  const { provider, seller, isKnownSeller, match, price, window, conditions } = explanation;
  const list = isKnownSeller ? `billed by the price list of ${seller}` : `of which this book has no prices`;
  const context = contextText(explanation);
  return [
    entry('Provider', `${provider}, ${list}`, screen),
    ...(match === null ? [] : [entry('Model', matchText(match), screen)]),
    ...(price === null ? [] : [priceEntries(price, conditions, screen)]),
    ...(context === null ? [] : [entry('Context', context, screen)]),
    ...(window === null ? [] : [entry('Hours', `the rates of ${windowText(window)}`, screen)]),
    ...conditions.map((each, i) => entry(i === 0 ? 'Conditions' : '', conditionText(each), screen)),
    ...(price?.discounts ?? []).map(({ text, from, to }, i) => {
      const since = instantText(from) === null ? '' : ` from ${instantText(from) ?? ''}`;
      const until = instantText(to) === null ? '' : ` to ${instantText(to) ?? ''}`;
      return entry(i === 0 ? 'Discounts' : '', `everything x ${text}, negotiated${since}${until}`, screen);
    }),
  ].join('');
}

/** What a line says of itself alone; what all say is in the reasoning above them. */
function ownNotes(lines: readonly CostLine[], index: number): string {
  const notes = lines.map((line) => (line.note ?? '').split(', ').filter((note) => note !== ''));
  return (notes[index] ?? [])
    .filter((note) => note.startsWith('at ') || !notes.every((all) => all.includes(note)))
    .join(', ');
}

/** Count x rate / per = amount for each line, the sum, and the one rounding. */
export function linesText(explanation: PriceExplanation, costUsd: string, screen: Screen): string {
  const cells = explanation.result.lines.map((line) => [
    line.bucket,
    grouped(line.count),
    `x ${line.rate}${line.factor === undefined ? '' : ` x ${line.factor}`}`,
    `/ ${grouped(String(line.per))}`,
    `= ${line.amount}`,
  ]);
  const width = (column: number): number => Math.max(0, ...cells.map((row) => row[column]?.length ?? 0));
  const widths = [0, 1, 2, 3].map(width);
  const body = cells.map((row, i) => {
    const text = row
      .map((cell, column) =>
        column === 1 ? cell.padStart(widths[1] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join(' ')
      .trimEnd();
    const note = ownNotes(explanation.result.lines, i);
    return `  ${text}\n${note === '' ? '' : filledText(`    ${note}`, screen.columns, false)}`;
  });
  const sum = explanation.sumUsd ?? '';
  const pad = (label: string): string => label.padEnd(34);
  return (
    `${body.join('')}  ${pad('Sum, exact')}${sum} USD\n` +
    `  ${pad('Rounded once, half to even, 1e-12')}${bold(`${costUsd} USD`, screen.colours)}\n`
  );
}

/** What a person can do about a call that has no price. */
function remedy(explanation: PriceExplanation, screen: Screen): string {
  const { nearest, result } = explanation;
  const near = nearest.map((each) => `${each.provider} ${each.model}`).join(', ');
  const missing = explanation.missingRates.join(', ');
  const snippet = overrideSnippet(explanation);
  return [
    entry(
      'Status',
      result.reason === null || result.reason === result.status
        ? result.status
        : `${result.status}: ${result.reason}`,
      screen,
    ),
    ...(missing === '' ? [] : [entry('Missing', `a rate for what was used: ${missing}`, screen)]),
    ...(near === '' ? [] : [entry('Nearest', near, screen)]),
    ...(snippet === null
      ? []
      : [
          `\nTo price it, put this into a prices file (--prices, or "prices" of the cost\nprocessor):\n\n`,
          snippet,
        ]),
  ].join('');
}

/** How a model is recognised and where its price comes from, without any usage. */
export function recognitionText(explanation: PriceExplanation, screen: Screen): string {
  const why = reasoning({ ...explanation, context: null, window: null }, screen);
  return `${why}${entry('Book', explanation.version, screen)}`;
}

/** The reasoning and the arithmetic behind an amount, or what is missing for there to be one. */
export function explanationText(
  explanation: PriceExplanation,
  costUsd: string | null,
  screen: Screen,
): string {
  const why = reasoning(explanation, screen);
  const book = entry('Book', explanation.version, screen);
  if (costUsd === null) return `${why}${book}${remedy(explanation, screen)}`;
  return `${why}${book}\n${linesText(explanation, costUsd, screen)}`;
}
