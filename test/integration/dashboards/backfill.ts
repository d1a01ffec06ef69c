import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DURATION_BUCKETS, TOKEN_TYPES } from '@spanmeter/processors';
import type { TestPrometheus } from '../../support/prometheus.ts';
import { until } from '../../support/until.ts';
import { tokensOfType } from './expected/figures.ts';
import { isBillable, usd } from './oracle.ts';
import type { SentCall } from './sent-calls.ts';

const run = promisify(execFile);
const STEP_MS = 300_000;

/** Counters of one provider, model and environment; a day of Prometheus without services and tenants apart. */
class Counters {
  readonly #values = new Map<string, number>();
  readonly labels: string;

  constructor({ provider, model, operation, environment }: SentCall) {
    const all = { tenant: 'history', provider, model, operation, service_name: 'history', environment };
    this.labels = Object.entries(all)
      .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
      .join(',');
  }

  #add(name: string, labels: string, by: number): void {
    const key = `${name}{${this.labels}${labels}}`;
    this.#values.set(key, (this.#values.get(key) ?? 0) + by);
  }

  count(call: SentCall): void {
    if (call.error !== null && call.status !== 'duplicate') {
      this.#add('genai_call_errors_total', `,error_type="${call.error}"`, 1);
    }
    if (!isBillable(call)) return;
    for (const outcome of ['ok', 'error']) {
      this.#add(
        'genai_calls_total',
        `,outcome="${outcome}"`,
        Number((call.error === null) === (outcome === 'ok')),
      );
    }
    if (call.cost !== null) this.#add('genai_cost_usd_total', '', usd(call.cost));
    else this.#add('genai_unpriced_calls_total', `,reason="${call.status}"`, 1);
    for (const type of TOKEN_TYPES) {
      const tokens = tokensOfType(type, call);
      if (tokens > 0) this.#add('genai_tokens_total', `,token_type="${type}"`, tokens);
    }
    this.#observe('genai_call_duration_seconds', call.durationMs / 1_000);
    if (call.ttftMs !== null) this.#observe('genai_time_to_first_token_seconds', call.ttftMs / 1_000);
  }

  #observe(name: string, seconds: number): void {
    for (const bound of [...DURATION_BUCKETS, Infinity]) {
      const le = bound === Infinity ? '+Inf' : String(bound);
      this.#add(`${name}_bucket`, `,le="${le}"`, Number(seconds <= bound));
    }
    this.#add(`${name}_sum`, '', seconds);
    this.#add(`${name}_count`, '', 1);
  }

  *lines(atSeconds: number): Generator<string> {
    for (const [key, value] of this.#values) yield `${key} ${value} ${atSeconds}\n`;
  }
}

/** Gauges of the budgets of one tenant, in UTC, as the collector has them. */
function budgetLines(calls: readonly SentCall[], atMs: number, monthUsd: number): string[] {
  const acme = calls.filter(({ tenant }) => tenant === 'acme');
  const at = new Date(atMs);
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()];
  const budgets = [
    ['acme-month', 'month', monthUsd, Date.UTC(year, month, 1), Date.UTC(year, month + 1, 1)],
    ['default', 'day', 10, Date.UTC(year, month, day), Date.UTC(year, month, day + 1)],
  ] as const;
  return budgets.flatMap(([budget, period, limit, startMs, endMs]) => {
    const labels = `{tenant="acme",budget="${budget}",scope="tenant",scope_value="",period="${period}"}`;
    const spent = acme
      .filter(({ startedMs }) => startedMs >= startMs)
      .reduce((sum, { cost }) => sum + (cost ?? 0n), 0n);
    const values = [
      ['spent_usd', usd(spent)],
      ['limit_usd', limit],
      ['period_start_timestamp_seconds', startMs / 1_000],
      ['period_end_timestamp_seconds', endMs / 1_000],
    ] as const;
    return values.map(([name, value]) => `genai_budget_${name}${labels} ${value} ${atMs / 1_000}\n`);
  });
}

/**
 * Gives Prometheus the last hours of these calls' counters, so that a picture has more to show than what was
 * scraped in the seconds before it was taken. For pictures alone: the proof reads nothing of it.
 */
export async function backfill(
  promtool: string,
  prometheus: TestPrometheus,
  calls: readonly SentCall[],
  hours: number,
  acmeMonthUsd: number,
): Promise<void> {
  const endMs = Math.floor(Date.now() / STEP_MS) * STEP_MS;
  const sorted = calls.toSorted((a, b) => a.startedMs - b.startedMs);
  const counters = new Map<string, Counters>();
  const lines: string[] = [];
  let next = 0;
  for (let at = endMs - hours * 3_600_000; at <= endMs; at += STEP_MS) {
    for (; next < sorted.length && sorted[next]!.startedMs < at; next++) {
      const call = sorted[next]!;
      const key = JSON.stringify([call.provider, call.model, call.operation, call.environment]);
      if (!counters.has(key)) counters.set(key, new Counters(call));
      counters.get(key)!.count(call);
    }
    for (const one of counters.values()) lines.push(...one.lines(at / 1_000));
    lines.push(...budgetLines(sorted.slice(0, next), at, acmeMonthUsd));
  }
  const file = join(prometheus.folder, 'history.om');
  // Samples of a series must be together.
  const bySeries = new Map<string, string[]>();
  for (const line of lines) {
    const key = line.slice(0, line.lastIndexOf('}'));
    const list = bySeries.get(key);
    if (list === undefined) bySeries.set(key, [line]);
    else list.push(line);
  }
  await writeFile(file, `${[...bySeries.values()].map((list) => list.join('')).join('')}# EOF\n`);
  await run(promtool, ['tsdb', 'create-blocks-from', 'openmetrics', file, join(prometheus.folder, 'data')], {
    maxBuffer: 64 * 1024 * 1024,
  });
  // Prometheus looks for new blocks once a minute.
  await until(
    () => prometheus.query('count(genai_calls_total{tenant="history"})', endMs / 1_000),
    ([sample]) => (sample?.value ?? 0) > 0,
  );
}
