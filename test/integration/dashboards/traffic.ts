import type { Organisation } from './organisations.ts';
import type { CallMaker, SentCall } from './sent-calls.ts';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
const SLOTS = 288;
/** Every so many calls is two spans of one, or paid by the sender's own figure. */
const TWINS_EVERY = 60;
const REPORTED_EVERY = 25;

/** How much there is. */
export interface TrafficSize {
  readonly historyDays: number;
  readonly callsADay: number;
  readonly callsToday: number;
  /** Nothing in the last so many milliseconds. */
  readonly quietMs: number;
}

/** More by day than by night, and less at weekends, so that pictures look like life. */
function diurnal(ms: number): number {
  const hour = (ms % DAY_MS) / HOUR_MS;
  const weekend = [0, 6].includes(new Date(ms).getUTCDay());
  return (0.35 + 0.65 * Math.max(0, Math.sin(((hour - 5) / 16) * Math.PI))) * (weekend ? 0.6 : 1);
}

/** Starts spread over [from, to), denser by day; the same for the same count. */
function spread(fromMs: number, toMs: number, count: number): number[] {
  const size = (toMs - fromMs) / SLOTS;
  const weights = Array.from({ length: SLOTS }, (_, slot) => diurnal(fromMs + slot * size));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const starts: number[] = [];
  let owed = 0;
  for (const [slot, weight] of weights.entries()) {
    owed += (weight / total) * count;
    for (let i = 0; owed >= 1; owed--, i++) {
      starts.push(Math.floor(fromMs + slot * size + ((i * 7_919_113) % Math.max(1, Math.floor(size)))));
    }
  }
  return starts;
}

/** What was before anybody watched: weeks of days and a busy last day, the oldest first. */
export function makeHistory(
  maker: CallMaker,
  organisations: readonly Organisation[],
  size: TrafficSize,
  nowMs: number,
): SentCall[] {
  const calls: SentCall[] = [];
  const starts = [
    ...spread(nowMs - size.historyDays * DAY_MS, nowMs - DAY_MS, size.callsADay * (size.historyDays - 1)),
    // Late to their commit, so that none of it is in the live counters of cost.
    ...spread(nowMs - DAY_MS, nowMs - size.quietMs, size.callsToday),
  ];
  for (const [index, startedMs] of starts.entries()) {
    const plan = maker.plan(startedMs);
    if (index % TWINS_EVERY === 0) calls.push(...maker.twins(plan));
    else if (index % REPORTED_EVERY === 0) calls.push(maker.reported(plan));
    else calls.push(maker.make(plan));
  }
  for (const organisation of organisations) calls.push(...special(maker, organisation, nowMs));
  return calls;
}

function special(maker: CallMaker, organisation: Organisation, nowMs: number): SentCall[] {
  const { traffic, services } = organisation;
  const at = (startedMs: number): { startedMs: number; organisation: Organisation } => ({
    startedMs,
    organisation,
  });
  if (traffic === 'single') return [maker.reported(at(nowMs - HOUR_MS))];
  if (traffic === 'wide') return services.map((service) => maker.ofService(at(nowMs - 3 * HOUR_MS), service));
  if (traffic === 'regular') return [];
  return Array.from({ length: 40 }, (_, i) => maker.make(at(nowMs - 9 * DAY_MS - i * 5 * HOUR_MS)));
}

/** Calls of the history once more, each with its twin, so that every label set of theirs is known by then. */
export function makeRound(
  maker: CallMaker,
  history: readonly SentCall[],
  round: number,
  calls: number,
): SentCall[] {
  const nowMs = Date.now();
  const byTrace = traces(history.filter(({ service }) => !service.startsWith('job-')));
  const made: SentCall[] = [];
  for (let i = 0; i < calls; i++) {
    const at = ((round * calls + i) * 13) % byTrace.length;
    const again = maker.again(byTrace[byTrace.length - 1 - at]!, nowMs);
    // The first of every round comes an hour late.
    made.push(
      ...(i === 0 ? again.map((call) => ({ ...call, startedMs: nowMs - HOUR_MS, lateness: true })) : again),
    );
  }
  return made;
}

function traces(calls: readonly SentCall[]): SentCall[][] {
  const byTrace = new Map<string, SentCall[]>();
  for (const call of calls) {
    const trace = byTrace.get(call.traceId);
    if (trace === undefined) byTrace.set(call.traceId, [call]);
    else trace.push(call);
  }
  return [...byTrace.values()];
}
