import type { ServedRequest } from '../support/provider/index.ts';
import type { SdkRun } from '../support/sdk-run.ts';
import type { Counts } from '../support/sdk-counts.ts';
import type { Stored } from './stored.ts';

/** Spans of one scenario in the app, whether or not they were ever sent. */
export interface Tallied {
  readonly started: number;
  readonly ended: number;
}

export interface Evidence {
  readonly scenario: string;
  readonly bare: SdkRun;
  readonly run: SdkRun;
  readonly tallied: Tallied | undefined;
  readonly stored: Stored | undefined;
  /** What the stand-in told, as the collector prices it; undefined where it told nothing. */
  readonly served: Stored | undefined;
  /** What the provider told beside the totals that the stand-in keeps account of, by the SDK's own test. */
  readonly expected: Partial<Counts> | undefined;
}

/** What a verdict means, in the order in which they are looked for. */
export const VERDICTS: Readonly<Record<string, string>> = {
  'app broken':
    'The app saw another result or error than without the instrumentation, or did not get so far.',
  'not stopped': 'The app left the stream, and the provider went on generating to the end, which it bills.',
  leaked: 'A span was started and never ended, so that nothing arrived.',
  'no call':
    'The SDK sent nothing, or the app read again what was billed before: nothing was due, and nothing was billed.',
  lost: 'No span was started; nothing arrived.',
  'no usage': 'The call arrived without the token counts that the provider told, so it cannot be billed.',
  twice: 'The same call was billed more than once.',
  wrong: 'The stored cost differs from what the provider told, by this much; or tokens are of other kinds.',
  billed:
    'The stored cost is exactly that of the tokens that the provider told its client. On Amazon Bedrock and Vertex AI ' +
    'prices depend on a region, which a stand-in has none of: there the tokens of every kind are exact, and priced. So ' +
    'they are where a provider tells tokens beside its totals: compactions, advisors, batches.',
  counted: 'The token counts are exact; the price book has no price for this model there, or in this mode.',
  seen: 'The provider told no usage (an error, a stream that was left); the call arrived, without a cost of its own.',
};

/** Verdicts that say that all is well. */
export const GOOD: readonly string[] = ['billed', 'counted', 'seen', 'no call'];

/** Whose prices depend on where a model runs. */
const PLACED: ReadonlySet<string> = new Set(['aws.bedrock', 'gcp.vertex_ai']);

/** Costs are sums of decimals read as doubles. */
const EPSILON = 1e-9;

/** What became of one scenario under one instrumentation. */
export function verdictOf(evidence: Evidence): string {
  const { scenario, bare, run, tallied, stored, served, expected = {} } = evidence;
  if (linesOf(run, scenario) !== linesOf(bare, scenario)) return 'app broken';
  if (chunksLeft(run, scenario) > chunksLeft(bare, scenario) + 20) return 'not stopped';
  if (bare.outcomes[scenario]?.spans === 0 && isNothing(stored)) return 'no call';
  if (stored === undefined || stored.calls === 0) {
    return tallied !== undefined && tallied.started > tallied.ended ? 'leaked' : 'lost';
  }
  const { input: wantedInput = 0, output: wantedOutput = 0, cacheRead = 0, cacheWrite = 0 } = expected;
  if (wantedInput + wantedOutput > sumOf(served)) {
    return byTokens(stored, [wantedInput, wantedOutput, cacheRead, cacheWrite]);
  }
  if (served === undefined) return stored.costUsd > 0 && !isPartial(run, scenario) ? 'wrong' : 'seen';
  const [input, output] = stored.tokens;
  // What is charged by other units has a cost and no tokens.
  const isByTokens = served.priced === 0 || served.tokens[0] + served.tokens[1] > 0;
  if (input + output === 0 && isByTokens) return areUnitsEqual(stored, served) ? 'counted' : 'no usage';
  if (served.priced === 0) return countedOf(stored, served);
  const times = stored.costUsd / served.costUsd;
  if (Math.abs(times - 1) < EPSILON) return 'billed';
  if (stored.tokens.every((count, index) => count === served.tokens[index])) {
    if (stored.priced === 0) return 'counted';
    if (PLACED.has(served.provider)) return 'billed';
  }
  return times >= 2 && isWhole(times) ? 'twice' : wrong(times);
}

function isNothing(stored: Stored | undefined): boolean {
  return stored === undefined || (stored.costUsd === 0 && sumOf(stored) === 0);
}

/** Whether what has no price here is counted in the units that it is charged by. */
function areUnitsEqual(stored: Stored, served: Stored): boolean {
  const isCharged = served.charged.some((units) => Object.values(units).some((count) => Number(count) > 0));
  return isCharged && JSON.stringify(stored.charged) === JSON.stringify(served.charged);
}

function sumOf(served: Stored | undefined): number {
  return served === undefined ? 0 : served.tokens[0] + served.tokens[1];
}

/** Where a provider tells more than its totals: compactions, advisors, batches. */
function byTokens(stored: Stored, wanted: Stored['tokens']): string {
  if (stored.tokens.every((count, index) => count === wanted[index])) {
    return stored.priced > 0 ? 'billed' : 'counted';
  }
  const told = stored.tokens[0] + stored.tokens[1];
  return told === 0 ? 'no usage' : wrong(told / (wanted[0] + wanted[1]));
}

/** As the cost, for a model without a price. */
function countedOf(stored: Stored, served: Stored): string {
  const times = (stored.tokens[0] + stored.tokens[1]) / (served.tokens[0] + served.tokens[1]);
  if (times >= 2 && isWhole(times)) return 'twice';
  if (Math.abs(times - 1) > EPSILON) return wrong(times);
  return stored.tokens.every((count, index) => count === served.tokens[index]) ? 'counted' : 'wrong (kinds)';
}

function isWhole(times: number): boolean {
  return Math.abs(times - Math.round(times)) < EPSILON;
}

function wrong(times: number): string {
  const percent = (times - 1) * 100;
  return `wrong (${percent > 0 ? '+' : ''}${Math.abs(percent) < 10 ? percent.toFixed(1) : percent.toFixed(0)}%)`;
}

/** A scenario's own line, and what the process said unasked after it. */
function linesOf(run: SdkRun, scenario: string): string {
  const lines = run.stdout.split('\n');
  const first = lines.findIndex((line) => line.startsWith(`${scenario} `));
  if (first < 0) return '';
  let end = first + 1;
  while (lines[end]?.startsWith('UNHANDLED') === true) end += 1;
  return lines.slice(first, end).join('\n');
}

function requestsOf(run: SdkRun, scenario: string): readonly ServedRequest[] {
  return run.requests.filter((request) => request.scenario === scenario);
}

function chunksLeft(run: SdkRun, scenario: string): number {
  return requestsOf(run, scenario).reduce((sum, { chunks }) => sum + chunks, 0);
}

/** Some providers tell a stream's input at once, and only the output at its end. */
function isPartial(run: SdkRun, scenario: string): boolean {
  return requestsOf(run, scenario).some(({ chunks, stream }) => stream && chunks > 0);
}
