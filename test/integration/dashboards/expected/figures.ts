import { isBillable, isUnpriced, type Oracle } from '../oracle.ts';
import { bucketQuantile, type Figure, type Seen } from '../measure.ts';
import type { SentCall } from '../sent-calls.ts';

const HOUR_MS = 3_600_000;
const QUARTER_MS = 900_000;

export const spend: Figure = (calls) => calls.usd;
export const count: Figure = (calls) => calls.count;
export const tokens: Figure = (calls) => calls.tokens;
export const unpriced: Figure = (calls) => calls.unpriced;
export const perCall: Figure = (calls) => calls.usd / calls.count;
export const failed: Figure = (calls) => calls.where(isBillable).failed / calls.count;
export const input: Figure = (calls) => calls.sum((call) => call.tokens.input);
export const output: Figure = (calls) => calls.sum((call) => call.tokens.output);
export const cacheRead: Figure = (calls) => calls.sum((call) => call.tokens.cacheRead);
export const cacheWrite: Figure = (calls) => calls.sum((call) => call.tokens.cacheWrite);
export const reasoning: Figure = (calls) => calls.sum((call) => call.tokens.reasoning);
export const withoutTeam: Figure = (calls) => calls.where(({ team }) => team === null).usd / calls.usd;
export const status =
  (wanted: string): Figure =>
  (calls) =>
    calls.calls.filter((call) => call.status === wanted).length;

/** Billable calls, and those without a price. */
export const billable = ({ sent }: Seen): Oracle => sent.where(isBillable);
export const unpricedCalls = ({ sent }: Seen): Oracle => sent.where(isUnpriced);
export const liveBillable = ({ live }: Seen): Oracle => live.where(isBillable);

export const model = (call: SentCall): string => call.model;
export const provider = (call: SentCall): string => call.provider;
export const tenant = (call: SentCall): string => call.tenant;
export const service = (call: SentCall): string => call.service;
export const environment = (call: SentCall): string => call.environment;

/** Calls of the range's last hours, as boards cut them: never before the range's first bucket. */
export const lastHours =
  (hours: number) =>
  ({ sent, toMs }: Seen): Oracle =>
    sent.where(({ startedMs }) => startedMs >= toMs - hours * HOUR_MS);

/** The equally long time before the range. */
export function before({ all, fromMs, toMs }: Seen): Oracle {
  const floor = Math.floor(fromMs / QUARTER_MS) * QUARTER_MS;
  return all.between(Math.ceil((floor - (toMs - fromMs)) / QUARTER_MS) * QUARTER_MS, floor);
}

/** Cost that counts at once: of calls that began less than a quarter of an hour ago. */
export const timely = ({ live }: Seen): Oracle => live.where(({ lateness }) => !lateness);
export const late = ({ live }: Seen): Oracle => live.where(({ lateness }) => lateness);

export const duration =
  (quantile: number): Figure =>
  (calls) =>
    bucketQuantile(
      quantile,
      calls.calls.filter(isBillable).map((call) => call.durationMs / 1_000),
    );
export const firstToken =
  (quantile: number): Figure =>
  (calls) =>
    bucketQuantile(
      quantile,
      calls.calls
        .filter((call) => isBillable(call) && call.ttftMs !== null)
        .map((call) => call.ttftMs! / 1_000),
    );
export const seconds: Figure = (calls) => calls.sum((call) => call.durationMs / 1_000);

/** Disjoint kinds of tokens as the metrics have them. */
export function tokensOfType(type: string, { tokens: of }: SentCall): number {
  switch (type) {
    case 'input':
      return of.input - of.cacheRead - of.cacheWrite - of.audioInput;
    case 'cache_read':
      return of.cacheRead;
    case 'cache_write':
      return of.cacheWrite;
    case 'output':
      return of.output - of.reasoning - of.audioOutput;
    case 'reasoning':
      return of.reasoning;
    case 'audio_input':
      return of.audioInput;
    case 'audio_output':
      return of.audioOutput;
    default:
      return 0;
  }
}
