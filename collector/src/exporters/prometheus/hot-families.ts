import { COST_STATUSES, eachTokenCount, metricNamed, TOKEN_TYPES } from '@spanmeter/processors';
import type { Call, CostStatus, MetricName } from '@spanmeter/processors';
import type { ExpositionFormat } from '../../telemetry/exposition.ts';
import { ErrorTypes } from './error-types.ts';
import { Family } from './family.ts';
import type { Dimensions, FamilyLimits, FamilySettings, FoldCounter, ValueKind } from './family.ts';
import { COUNT, DURATIONS, MONEY, observeNanos } from './values.ts';

const UNPRICED: readonly CostStatus[] = [
  'unpriced_model',
  'unpriced_dimension',
  'invalid_usage',
  'missing_usage',
];

/** [contract] A call that started longer before its commit adds to the late cost instead. */
const LATE_MICROS = 15 * 60 * 1e6;

const OK = 0;
const ERROR = 1;

/** Operations that are no call to a model: their errors are those of the calls in them. */
const NO_MODEL_CALL: ReadonlySet<string> = new Set([
  'invoke_agent',
  'execute_tool',
  'workflow',
  'retrieval',
  'fetch_response',
  'count_tokens',
]);

function makeFamilies(limits: FamilyLimits, errorTypes: ErrorTypes, folded: FoldCounter) {
  const all: Pick<Family<unknown>, 'name' | 'size' | 'render'>[] = [];
  let slots = 0;
  const add = <V>(name: MetricName, kind: ValueKind<V>, extra?: FamilySettings<V>['extra']): Family<V> => {
    const settings = { name, help: metricNamed(name).help, kind, ...(extra === undefined ? {} : { extra }) };
    const family = new Family(settings, limits, slots, folded);
    slots += extra === undefined ? 1 : extra.values.length;
    all.push(family);
    return family;
  };
  return {
    all,
    cost: add('genai_cost_usd_total', MONEY),
    lateCost: add('genai_late_cost_usd_total', MONEY),
    unattributedCost: add('genai_unattributed_cost_usd_total', MONEY),
    costDifference: add('genai_cost_difference_usd_total', MONEY),
    tokens: add('genai_tokens_total', COUNT, { label: 'token_type', values: TOKEN_TYPES }),
    calls: add('genai_calls_total', COUNT, { label: 'outcome', values: ['ok', 'error'] }),
    spans: add('genai_spans_total', COUNT, { label: 'cost_status', values: COST_STATUSES }),
    unpricedCalls: add('genai_unpriced_calls_total', COUNT, { label: 'reason', values: UNPRICED }),
    unpricedTokens: add('genai_unpriced_tokens_total', COUNT),
    estimatedCost: add('genai_estimated_cost_usd_total', MONEY),
    estimatedCalls: add('genai_estimated_calls_total', COUNT),
    sampledCalls: add('genai_sampled_calls_total', COUNT),
    duration: add('genai_call_duration_seconds', DURATIONS),
    ttft: add('genai_time_to_first_token_seconds', DURATIONS),
    // Last, since its values grow.
    errors: add('genai_call_errors_total', COUNT, { label: 'error_type', values: errorTypes.values }),
  };
}

export interface HotFamilyOptions extends FamilyLimits {
  /** Whether histograms keep the trace id of the last call per series. */
  readonly exemplars: boolean;
  readonly folded: FoldCounter;
}

/** The families with a series per label set of the calls, and how one call changes them. */
export class HotFamilies {
  readonly #families: ReturnType<typeof makeFamilies>;
  readonly #errorTypes = new ErrorTypes();
  readonly #exemplars: boolean;

  constructor(options: HotFamilyOptions) {
    this.#families = makeFamilies(options, this.#errorTypes, options.folded);
    this.#exemplars = options.exemplars;
  }

  /** Makes the series that a healthy call will count in, at 0, so that its first increase is seen. */
  seed(dimensions: Dimensions): void {
    const { cost, tokens, calls } = this.#families;
    cost.at(dimensions);
    TOKEN_TYPES.forEach((_, index) => tokens.at(dimensions, index));
    calls.at(dimensions, OK);
    calls.at(dimensions, ERROR);
  }

  /** Counts a call that was stored. */
  record(call: Call, dimensions: Dimensions, committedUnixMs: number): void {
    const { spans, errors } = this.#families;
    spans.at(dimensions, COST_STATUSES.indexOf(call.costStatus)).value++;
    const duplicate = call.costStatus === 'duplicate';
    if (call.errorType !== null && !duplicate && !NO_MODEL_CALL.has(call.operation)) {
      errors.at(dimensions, this.#errorTypes.indexOf(call.errorType)).value++;
    }
    if (duplicate || call.costStatus === 'not_billable') return;
    this.#recordBillable(call, dimensions, committedUnixMs);
    this.#recordMoney(call, dimensions, committedUnixMs);
    if (call.usageSource === 'estimated') this.#recordEstimated(call, dimensions);
  }

  /** The text of all families in pieces. */
  *render(format: ExpositionFormat): Generator<string> {
    for (const family of this.#families.all) yield* family.render(format);
  }

  #recordBillable(call: Call, dimensions: Dimensions, committedUnixMs: number): void {
    const { calls, tokens, unpricedCalls, unpricedTokens, sampledCalls, duration, ttft } = this.#families;
    calls.at(dimensions, OK).value += call.errorType === null ? 1 : 0;
    calls.at(dimensions, ERROR).value += call.errorType === null ? 0 : 1;
    let total = 0;
    eachTokenCount(call.usage, (index, count) => {
      total += count;
      tokens.at(dimensions, index).value += count;
    });
    const reason = UNPRICED.indexOf(call.costStatus);
    if (reason !== -1) {
      unpricedCalls.at(dimensions, reason).value++;
      if (total > 0) unpricedTokens.at(dimensions).value += total;
    }
    if (call.samplingRatio !== null && call.samplingRatio < 1) sampledCalls.at(dimensions).value++;
    const traceId = this.#exemplars ? call.traceId : null;
    if (call.durationNanos !== null) {
      observeNanos(duration.at(dimensions).value, call.durationNanos, traceId, committedUnixMs);
    }
    if (call.ttftNanos !== null)
      observeNanos(ttft.at(dimensions).value, call.ttftNanos, traceId, committedUnixMs);
  }

  #recordEstimated(call: Call, dimensions: Dimensions): void {
    const { estimatedCalls, estimatedCost } = this.#families;
    estimatedCalls.at(dimensions).value++;
    if (call.costPicoUsd !== null) estimatedCost.at(dimensions).value += call.costPicoUsd;
  }

  #recordMoney(call: Call, dimensions: Dimensions, committedUnixMs: number): void {
    const { cost, lateCost, unattributedCost, costDifference } = this.#families;
    const amount = call.costPicoUsd;
    if (amount === null) return;
    const late = committedUnixMs * 1_000 - Number(call.startedAtMicros) > LATE_MICROS;
    // The series of the cost is there even where the amount is not for it: absent must not look like zero.
    const timely = cost.at(dimensions);
    if (late) lateCost.at(dimensions).value += amount;
    else timely.value += amount;
    if (call.team === null) unattributedCost.at(dimensions).value += amount;
    // Also where the emitter's figure is the cost: that is where a difference is worth knowing.
    const computed = call.costStatus === 'priced' ? amount : call.computedCostPicoUsd;
    if (computed !== null && call.reportedCostPicoUsd !== null) {
      const difference = call.reportedCostPicoUsd - computed;
      costDifference.at(dimensions).value += difference < 0n ? -difference : difference;
    }
  }
}
