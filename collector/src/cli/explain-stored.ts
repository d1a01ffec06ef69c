import {
  explainPrice,
  formatPico,
  OTHER_SPLITS,
  readOtherSplits,
  type Conditions,
  type PriceBook,
  type PriceExplanation,
  type Usage,
} from '@spanmeter/processors';
import type { Client } from 'pg';
import { isoSql } from '../api/range.ts';
import { withClient } from './database.ts';
import { explanationJson } from './explanation-json.ts';
import { bold, CliError, printable, type CliContext } from './output.ts';
import { explanationText } from './price-explained.ts';
import type { PriceOptions } from './price-question.ts';
import { loadStoredBook, SHORT_DIGEST } from './stored-books.ts';
import { filledText } from './text-block.ts';

/** A trace of an agent has some hundred calls; more are better asked for span by span. */
const MAX_SPANS = 100;

interface StoredCall {
  readonly tenant_id: string;
  readonly trace_id: string;
  readonly span_id: string;
  readonly started_at_text: string;
  readonly started_micros: string;
  readonly duration_ms: string | null;
  readonly provider: string;
  readonly request_model: string | null;
  readonly response_model: string | null;
  readonly usage: Usage | null;
  readonly usage_source: string;
  readonly conditions: Conditions | null;
  readonly other_splits: string | null;
  readonly cost_usd: string | null;
  readonly cost_status: string;
  readonly price_version: string | null;
  readonly reported_cost_usd: string | null;
  readonly reported_cost_source: string | null;
  readonly effective_cost_usd: string | null;
  readonly effective_status: string;
  readonly effective_price_version: string | null;
}

interface Adjustment {
  readonly created_at_text: string;
  readonly reason: string;
  readonly delta_usd: string;
  readonly old_status: string;
  readonly new_status: string;
  readonly old_price_version: string | null;
  readonly new_price_version: string | null;
  readonly run_id: string;
}

/** One amount computed again from stored usage by a stored book. */
interface Recomputed {
  readonly version: string;
  readonly explanation: PriceExplanation;
  readonly costUsd: string | null;
  /** What is stored for that version. */
  readonly storedUsd: string | null;
  readonly same: boolean;
}

interface ExplainedCall {
  readonly call: StoredCall;
  readonly adjustments: readonly Adjustment[];
  /** As it was stored, then as it is now where another version decided since. */
  readonly amounts: readonly Recomputed[];
}

async function readCalls(client: Client, options: PriceOptions): Promise<readonly StoredCall[]> {
  const trace = options.trace?.toLowerCase() ?? '';
  const span = options.span?.toLowerCase() ?? null;
  if (!/^[0-9a-f]{32}$/.test(trace)) throw new CliError('--trace must be 32 hex digits.', 2);
  if (span !== null && !/^[0-9a-f]{16}$/.test(span)) throw new CliError('--span must be 16 hex digits.', 2);
  const { rows } = await client.query<StoredCall>(
    `SELECT tenant_id, trace_id, span_id, ${isoSql('started_at')} AS started_at_text,
       ((extract(epoch FROM started_at) * 1000000)::bigint)::text AS started_micros, duration_ms::text AS duration_ms,
       provider, request_model, response_model, usage, usage_source, conditions,
       attributes ->> '${OTHER_SPLITS}' AS other_splits, cost_usd::text AS cost_usd,
       cost_status, price_version, reported_cost_usd::text AS reported_cost_usd, reported_cost_source,
       effective_cost_usd::numeric(60, 12)::text AS effective_cost_usd, effective_status, effective_price_version
     FROM spanmeter.calls_effective
     WHERE trace_id = $1 AND ($2::text IS NULL OR span_id = $2) AND ($3::text IS NULL OR tenant_id = $3)
       AND ($2::text IS NOT NULL OR effective_status <> 'not_billable')
     ORDER BY started_at, tenant_id, span_id LIMIT ${MAX_SPANS}`,
    [trace, span, options.tenant ?? null],
  );
  if (rows.length > 0) return rows;
  const which = span === null ? `trace ${trace}` : `span ${span} of trace ${trace}`;
  throw new CliError(`No call of ${which} is stored.`);
}

async function readAdjustments(client: Client, call: StoredCall): Promise<readonly Adjustment[]> {
  const { rows } = await client.query<Adjustment>(
    `SELECT ${isoSql('created_at')} AS created_at_text, reason, delta_usd::text AS delta_usd, old_status, new_status,
       old_price_version, new_price_version, run_id
     FROM spanmeter.cost_adjustments
     WHERE tenant_id = $1 AND trace_id = $2 AND span_id = $3 AND started_at = $4::timestamptz ORDER BY id`,
    [call.tenant_id, call.trace_id, call.span_id, call.started_at_text],
  );
  return rows;
}

function recompute(call: StoredCall, book: PriceBook, storedUsd: string | null, status: string): Recomputed {
  const { duration_ms: duration } = call;
  const explanation = explainPrice(book, {
    provider: call.provider,
    responseModel: call.response_model,
    requestModel: call.request_model,
    usage: call.usage ?? {},
    alternatives: readOtherSplits(call.other_splits),
    conditions: call.conditions ?? {},
    atMicros: BigInt(call.started_micros),
    durationNanos: duration === null ? null : BigInt(duration.replace('.', '')),
  });
  const { costPicoUsd } = explanation.result;
  const costUsd = costPicoUsd === null ? null : formatPico(costPicoUsd);
  const same = costUsd === storedUsd && (costUsd !== null || explanation.result.status === status);
  return { version: book.version, explanation, costUsd, storedUsd, same };
}

async function explainCall(
  client: Client,
  call: StoredCall,
  bookOf: (version: string) => Promise<PriceBook>,
): Promise<ExplainedCall> {
  const adjustments = await readAdjustments(client, call);
  const amounts: Recomputed[] = [];
  const { price_version: first, effective_price_version: last } = call;
  if (first !== null) amounts.push(recompute(call, await bookOf(first), call.cost_usd, call.cost_status));
  if (last !== null && (last !== first || call.effective_cost_usd !== call.cost_usd)) {
    amounts.push(recompute(call, await bookOf(last), call.effective_cost_usd, call.effective_status));
  }
  return { call, adjustments, amounts };
}

function amountText(usd: string | null, status: string): string {
  return usd === null ? status : `${usd} USD (${status})`;
}

function verdict({ costUsd, storedUsd, same }: Recomputed): string {
  const computed = costUsd ?? 'no amount';
  if (same)
    return storedUsd === null ? 'The same status again.' : 'Reproduces the stored amount to the last digit.';
  return `Does NOT reproduce it: ${computed} instead of ${storedUsd ?? 'no amount'}.`;
}

function adjustmentText(each: Adjustment, columns: number): string {
  const version = each.new_price_version?.slice(0, SHORT_DIGEST) ?? 'none';
  const sign = each.delta_usd.startsWith('-') ? '' : '+';
  return filledText(
    printable(
      `  ${each.created_at_text} ${each.reason}: ${sign}${each.delta_usd} USD, ${each.old_status} -> ` +
        `${each.new_status}, book ${version}, run ${each.run_id}`,
    ),
    columns,
  );
}

function callText({ call, adjustments, amounts }: ExplainedCall, context: CliContext): string {
  const { columns, colours } = context;
  const amount = amountText(call.effective_cost_usd, call.effective_status);
  const title = `Span ${call.span_id} of trace ${call.trace_id}`;
  const lines = [
    `${bold(title, colours)}\n`,
    filledText(printable(`${call.tenant_id}, ${call.provider}, ${call.started_at_text}: ${amount}`), columns),
  ];
  if (call.usage_source === 'estimated') lines.push('Its token counts are estimates.\n');
  if (call.reported_cost_usd !== null) {
    const source = call.reported_cost_source ?? 'unknown source';
    lines.push(filledText(printable(`Reported: ${call.reported_cost_usd} USD (${source})`), columns));
  }
  for (const each of amounts) {
    lines.push(`\n${explanationText(each.explanation, each.costUsd, context)}`);
    const stored = each.storedUsd === null ? '' : `Stored: ${each.storedUsd} USD. `;
    lines.push(filledText(`${stored}${verdict(each)}`, columns));
  }
  if (amounts.length === 0) {
    lines.push(filledText('No price book decided it, so there is nothing to compute again.', columns));
  }
  const none = adjustments.length === 0;
  lines.push(
    `\nAdjustments${none ? ': none\n' : `\n${adjustments.map((each) => adjustmentText(each, columns)).join('')}`}`,
  );
  return lines.join('');
}

function callJson({ call, adjustments, amounts }: ExplainedCall): object {
  const {
    started_micros: _micros,
    other_splits: _splits,
    started_at_text: startedAt,
    tenant_id: tenant,
    ...stored
  } = call;
  return {
    tenant,
    started_at: startedAt,
    ...stored,
    amounts: amounts.map((each) => ({
      price_version: each.version,
      stored_usd: each.storedUsd,
      computed_usd: each.costUsd,
      reproduced: each.same,
      lines: each.explanation.result.lines,
      explanation: explanationJson(each.explanation),
    })),
    adjustments: adjustments.map(({ created_at_text: createdAt, ...each }) => ({
      created_at: createdAt,
      ...each,
    })),
  };
}

/**
 * `spanmeter price --explain --trace`: computes stored calls again from their stored usage and book, and says
 * whether that gives the stored amount. Exit code 1 where one does not.
 */
export async function explainStored(options: PriceOptions, context: CliContext): Promise<void> {
  if (options.trace === undefined) throw new CliError('--span needs --trace.', 2);
  const calls = await withClient(context, async (client) => {
    const books = new Map<string, PriceBook>();
    const bookOf = async (version: string): Promise<PriceBook> => {
      const book = books.get(version) ?? (await loadStoredBook(client, version));
      books.set(version, book);
      return book;
    };
    const found: ExplainedCall[] = [];
    for (const call of await readCalls(client, options)) found.push(await explainCall(client, call, bookOf));
    return found;
  });
  if (options.json === true) context.write(`${JSON.stringify(calls.map(callJson), null, 2)}\n`);
  else context.write(calls.map((call) => callText(call, context)).join('\n'));
  if (calls.some(({ amounts }) => amounts.some((each) => !each.same))) context.setExitCode(1);
}
