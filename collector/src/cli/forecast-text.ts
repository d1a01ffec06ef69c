import type { Backtest, BacktestRow, MonthEndScore, Score } from '../forecast/backtest.ts';
import type { ForecastAnswer } from '../forecast/read-forecast.ts';
import { csv, type CsvCell } from '../api/csv.ts';
import { amount, bold, printable, table } from './output.ts';
import type { CliContext, Column } from './output.ts';

type Screen = Pick<CliContext, 'columns' | 'colours'>;

const CHART_WIDTH = 30;
const number = (title: string): Column => ({ title, align: 'right' });
const text = (title: string): Column => ({ title, align: 'left' });

/** Two decimals, or more where the amount would be shown as 0; a forecast has no more exactness than that. */
function rounded(usd: string): string {
  const value = Number(usd);
  const decimals = value !== 0 && Math.abs(value) < 0.01 ? 6 : 2;
  return amount(value.toFixed(decimals), decimals);
}

function bar(from: number, to: number, most: number, marks: readonly [string, string]): string {
  if (!(most > 0)) return '';
  const [filled, range] = [from, to].map((value) => Math.round((Math.min(value, most) / most) * CHART_WIDTH));
  return marks[0].repeat(filled ?? 0) + marks[1].repeat(Math.max(0, (range ?? 0) - (filled ?? 0)));
}

/** A bar for each day: solid to what was spent or is expected at least, light to what it may come to. */
function chart(answer: ForecastAnswer): string[] {
  const past = answer.history.slice(-15);
  const [today] = past.slice(-1);
  const most = Math.max(
    ...past.map((day) => Number(day.cost_usd)),
    ...answer.days.map((day) => Number(day.high_usd)),
  );
  const line = (date: string, marks: string, figure: string): string =>
    `  ${date.slice(5)}  ${marks.padEnd(CHART_WIDTH)}  ${figure}`;
  return [
    ...past.map(({ date, cost_usd: cost }) => {
      const note = date === today?.date ? ' so far' : '';
      return line(date, bar(Number(cost), Number(cost), most, ['█', '']), `${rounded(cost)}${note}`);
    }),
    ...answer.days.map((day) => {
      const marks = bar(Number(day.low_usd), Number(day.high_usd), most, ['▓', '░']);
      return line(
        day.date,
        marks,
        `${rounded(day.expected_usd)} (${rounded(day.low_usd)} to ${rounded(day.high_usd)})`,
      );
    }),
  ];
}

function howMade({ method, history_days: days }: ForecastAnswer): string {
  if (days === 0) return 'There is no whole day of history: by what today shows, so that it may be far off.';
  return method === 'model'
    ? `By a time-series model from ${days} days of history.`
    : `By the mean of ${days} days of history: a model needs three weeks.`;
}

/** The forecast for people, with a chart. */
export function forecastText(answer: ForecastAnswer, screen: Screen): string {
  const { total, month, days, interval_percent: percent } = answer;
  const who = answer.tenant === null ? 'all tenants' : printable(answer.tenant);
  const title = bold(`Forecast of ${who}, USD (${answer.timezone})`, screen.colours);
  if (answer.history_days === 0 && answer.history.every(({ cost_usd: cost }) => Number(cost) === 0))
    return `${title}\n\nThere is no spend to go by.\n`;
  const range = (one: { low_usd: string; high_usd: string }): string =>
    `${rounded(one.low_usd)} to ${rounded(one.high_usd)}`;
  return [
    title,
    howMade(answer),
    '',
    ...chart(answer),
    '',
    `Next ${days.length} days   ${rounded(total.expected_usd)}   (${percent} % interval: ${range(total)})`,
    `${month.month} at its end   ${rounded(month.expected_usd)}   (${percent} % interval: ${range(month)}), ` +
      `${rounded(month.spent_usd)} spent`,
    '',
  ].join('\n');
}

/** The days to come for a spreadsheet. */
export function forecastCsv({ days }: ForecastAnswer): string {
  const cells = days.map((day): CsvCell[] => [
    { text: day.date },
    ...[day.expected_usd, day.low_usd, day.high_usd].map((usd) => ({ number: usd })),
  ]);
  return csv(['date', 'expected_usd', 'low_usd', 'high_usd'], cells);
}

function percent(part: number): string {
  return Number.isNaN(part) ? '-' : (part * 100).toFixed(1);
}

function cells({ name, model, runRate, lastWeek, flatMean }: BacktestRow): string[] {
  const kind = (score: Score): string[] =>
    [score.mape, score.wape, score.sumCoverage, score.dayCoverage].map(percent);
  const { mape, sumCoverage } = runRate;
  return [
    name,
    ...kind(model),
    percent(mape),
    percent(sumCoverage),
    percent(lastWeek.mape),
    percent(flatMean.mape),
  ];
}

/** How forecasts did, for people; all figures are per cent. */
export function backtestText(
  { rows, total }: Backtest,
  monthEnds: readonly MonthEndScore[],
  source: string,
  screen: Screen,
): string {
  const columns: Column[] = [
    text('Tenant'),
    number('MAPE'),
    number('WAPE'),
    number('in 14d'),
    number('in day'),
    number('rate'),
    number('in'),
    number('week'),
    number('mean'),
  ];
  const ends = monthEnds.map(({ day, mape, coverage, forecasts }) => [
    String(day),
    percent(mape),
    percent(coverage),
    String(forecasts),
  ]);
  return [
    bold(
      `Back-test of 14-day forecasts: ${source}; ${total.model.forecasts} forecasts, per cent`,
      screen.colours,
    ),
    '',
    table(columns, [...rows, total].map(cells), { ...screen, total: true }),
    'MAPE: error of the sum over 14 days. WAPE: errors of single days. in 14d, in day: outcomes within the 80 %',
    'interval. rate, in: the run-rate fallback and its interval. week, mean: the last week again, and the mean of',
    'four weeks, for comparison.',
    '',
    bold('Month-end forecasts, made after so many days of 30', screen.colours),
    '',
    table([number('Day'), number('Error'), number('in'), number('Forecasts')], ends, screen),
  ].join('\n');
}

function scoreJson({ mape, wape, sumCoverage, dayCoverage, forecasts }: Score): object {
  return { mape, wape, sum_coverage: sumCoverage, day_coverage: dayCoverage, forecasts };
}

function rowJson({ name, model, runRate, lastWeek, flatMean }: BacktestRow): object {
  const baseline = ({ mape, wape }: Pick<Score, 'mape' | 'wape'>): object => ({ mape, wape });
  return {
    name,
    model: scoreJson(model),
    run_rate: scoreJson(runRate),
    last_week: baseline(lastWeek),
    flat_mean: baseline(flatMean),
  };
}

/** The same for programs; parts instead of per cent, null where nothing was measured. */
export function backtestJson(
  { rows, total }: Backtest,
  monthEnds: readonly MonthEndScore[],
  source: string,
): string {
  const json = { source, rows: rows.map(rowJson), total: rowJson(total), month_ends: monthEnds };
  return `${JSON.stringify(json, null, 2)}\n`;
}
