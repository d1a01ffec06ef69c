import { Option, type Command } from 'commander';
import { createReader, type Reading } from '../api/reader.ts';
import { backtest, backtestMonthEnds, type BacktestSeries } from '../forecast/backtest.ts';
import type { SeriesModel } from '../forecast/daily-forecast.ts';
import {
  makeForecast,
  MAX_FORECAST_DAYS,
  readForecastMaterial,
  type ForecastAnswer,
} from '../forecast/read-forecast.ts';
import { seededTenants } from '../forecast/seeded-spend.ts';
import { readHistories } from '../forecast/series-history.ts';
import { createTimeSeriesModel } from '../forecast/time-series-model.ts';
import { withPool } from './database.ts';
import { backtestJson, backtestText, forecastCsv, forecastText } from './forecast-text.ts';
import { CliError, runs, type CliContext } from './output.ts';

type ForecastFormat = 'table' | 'json' | 'csv';
const FORMATS: readonly ForecastFormat[] = ['table', 'json', 'csv'];
const TIMEOUT_MS = 120_000;
/** A year: seasons of a year are beyond what is forecast. */
const BACKTEST_DAYS = 366;
const LEAST_BACKTEST_DAYS = 56;

interface ForecastOptions {
  readonly tenant?: string;
  readonly days: string;
  readonly format: ForecastFormat;
  readonly backtest?: boolean;
}

function daysOf(text: string): number {
  const days = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (days < 1 || days > MAX_FORECAST_DAYS)
    throw new CliError(`--days "${text}" is not a number from 1 to ${MAX_FORECAST_DAYS}.`, 2);
  return days;
}

/** Runs `work` in a reading; rejects where the tenant does not exist. */
async function reading<T>(
  context: CliContext,
  tenant: string | null,
  work: (found: Reading) => Promise<T>,
): Promise<T> {
  return withPool(context, (pool) => {
    const limits = { statementTimeoutMs: TIMEOUT_MS, acquireTimeoutMs: TIMEOUT_MS, maxWaiting: 1 };
    return createReader(pool, limits).read(tenant, async (found) => {
      const known = await found.query('SELECT FROM spanmeter.tenants WHERE id = $1', [tenant]);
      if (tenant !== null && known.length === 0)
        throw new CliError(`There is no tenant "${tenant}" (spanmeter tenant list).`);
      return work(found);
    });
  });
}

async function forecast(
  options: ForecastOptions,
  context: CliContext,
  model: SeriesModel,
): Promise<ForecastAnswer> {
  const request = { now: context.now(), days: daysOf(options.days), groupBy: null, model };
  const material = await reading(context, options.tenant ?? null, (found) =>
    readForecastMaterial(found, request),
  );
  return makeForecast(material, request);
}

async function stored(tenant: string, context: CliContext): Promise<BacktestSeries> {
  const history = await reading(context, tenant, async (found) => {
    const key = { tenantId: tenant, scope: 'tenant', scopeValue: null, timezone: found.timezone } as const;
    const [read] = await readHistories(
      (text, values) => found.query(text, values),
      [key],
      context.now().getTime(),
      BACKTEST_DAYS,
    );
    return read;
  });
  const whole = history?.days.subarray(0, -1) ?? new Float64Array();
  const first = whole.findIndex((usd) => usd > 0);
  const days = first === -1 ? new Float64Array() : whole.subarray(first);
  if (days.length < LEAST_BACKTEST_DAYS) {
    throw new CliError(
      `A back-test needs ${LEAST_BACKTEST_DAYS} days of history; "${tenant}" has ${days.length}.`,
    );
  }
  return { name: tenant, days };
}

async function test(options: ForecastOptions, context: CliContext, model: SeriesModel): Promise<void> {
  const { tenant, format } = options;
  if (format === 'csv') throw new CliError('--backtest prints a table or JSON.', 2);
  const series = tenant === undefined ? seededTenants() : [await stored(tenant, context)];
  const [result, monthEnds] = [backtest(series, model), backtestMonthEnds(series, model)];
  const source = tenant === undefined ? 'seeded tenants' : `stored history of ${tenant}`;
  if (format === 'json') context.write(backtestJson(result, monthEnds, source));
  else context.write(backtestText(result, monthEnds, source, context));
}

function print(answer: ForecastAnswer, format: ForecastFormat, context: CliContext): void {
  switch (format) {
    case 'table':
      context.write(forecastText(answer, context));
      return;
    case 'csv':
      context.write(forecastCsv(answer));
      return;
    case 'json': {
      // Budgets are in the collector's memory: its API has them.
      const { budgets: _, groups: _groups, groups_truncated: _truncated, ...told } = answer;
      context.write(`${JSON.stringify(told, null, 2)}\n`);
      return;
    }
    default:
      format satisfies never;
  }
}

/** `spanmeter forecast`: what spend will come to, and how good such forecasts are. */
export function registerForecast(program: Command, context: CliContext): void {
  const command = program
    .command('forecast')
    .description('what spend will come to, with an 80 % interval')
    .option('--tenant <id>', 'one tenant, in its time zone (default: all, in UTC)')
    .option('--days <count>', `days from tomorrow on, up to ${MAX_FORECAST_DAYS}`, '14')
    .addOption(new Option('--format <format>', 'how to print').choices(FORMATS).default('table'))
    .option('--backtest', 'measure forecasts on seeded tenants, or with --tenant on its stored history');
  runs(command, context, async () => {
    const options = command.opts<ForecastOptions>();
    const model = createTimeSeriesModel({
      warn: (_bindings: unknown, message?: string) => context.warn(`${message ?? 'the library failed'}\n`),
    });
    if (options.backtest === true) await test(options, context, model);
    else print(await forecast(options, context, model), options.format, context);
  });
}
