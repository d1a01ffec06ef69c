import assert from 'node:assert/strict';
import { startSink, type SinkSpan } from '../instrumentation/otlp-sink.ts';
import type { ServedRequest, StandIn } from './provider/index.ts';
import { countsOfRequests, countsOfSpans, NO_COUNTS, wasToldUsage, type Counts } from './sdk-counts.ts';
import { runSdk, type SdkOutcome, type SdkRun } from './sdk-run.ts';
import { missingNode, setManifest } from './sdk-set.ts';

/** Where a scenario is not as the rules below have it. */
export interface Expected {
  /** Spans, where they are not one for each call that the driver names. */
  readonly spans?: number;
  /** Counts of its spans together; those left out are 0. By default, what the stand-in told. */
  readonly usage?: Partial<Counts>;
  /** What of it is to be billed, where spans tell it more than once. */
  readonly billed?: Partial<Counts>;
  /** Whether a span has failed, or its `error.type`. By default, whether the app saw an error but no abort. */
  readonly error?: boolean | string;
}

export interface ProvenSdk {
  /** Name for the titles. */
  readonly sdk: string;
  /** Folder under `test/sdks/sets`. */
  readonly set: string;
  /** File under `test/sdks/drivers`, without its ending; the name of the SDK unless given. */
  readonly driver?: string;
  readonly wire: () => Promise<StandIn>;
  /** Ways of loading that the packages offer. */
  readonly formats: readonly ('esm' | 'cjs')[];
  readonly expect?: Readonly<Record<string, Expected>>;
  /** Variables for the app, bare and instrumented. */
  readonly env?: Readonly<Record<string, string>>;
  /** Texts, beside the prompt and what the usual stand-ins say, that no span may hold. */
  readonly secrets?: readonly string[];
  /** Whether two runs of the bare app already send different requests. */
  readonly requestsVary?: boolean;
}

/** The instrumented run, with its spans. */
export interface InstrumentedRun extends SdkRun {
  readonly spans: readonly SinkSpan[];
  spansOf(scenario: string): readonly SinkSpan[];
  requestsOf(scenario: string): readonly ServedRequest[];
}

/** Both runs; to be read inside an `it`, when they are over. */
export interface Proof {
  readonly bare: SdkRun;
  readonly run: InstrumentedRun;
  /** Attributes of the first span of a scenario; none where it has no span. */
  readonly attributesOf: (scenario: string) => SinkSpan['attributes'];
}

/** Every SDK that test files have declared so far, for other measurements of the same drivers. */
export const declaredSdks: ProvenSdk[] = [];

/** The app takes the unread body, or never reads: what was told is unknown to anybody but the app. */
const UNSEEN: Readonly<Record<string, Expected>> = {
  asResponse: { usage: {} },
  asResponseStream: { usage: {} },
  neverRead: { usage: {} },
};

const SECRETS = ['blue heron', 'stand-in answers', 'was asked to answer', 'word1', 'The server had an error'];

/** A stream that the app left is stopped at about the same chunk as without us, a busy machine allowed for. */
const CHUNK_SLACK = 200;

/**
 * Declares the tests that every SDK passes: its driver runs bare and under `register`, and neither the app
 * nor the provider can tell the difference, while the spans tell exactly what the provider did. `more`
 * declares further ones.
 */
export function provenSdk(options: ProvenSdk, more?: (proof: Proof) => void): void {
  declaredSdks.push(options);
  const needed = missingNode(options.set);
  for (const format of formatsHere(options)) {
    describe(`${options.sdk} of ${options.set}, loaded as ${format}`, function () {
      this.timeout(600_000);
      if (needed !== undefined) {
        it(`is proven where Node is ${needed}`);
        return;
      }
      const proof = {
        attributesOf: (scenario) => proof.run.spansOf(scenario)[0]?.attributes ?? {},
      } as { -readonly [Part in keyof Proof]: Proof[Part] };
      before(async () => {
        proof.bare = await runBare(options, format);
        proof.run = await runInstrumented(options, format);
      });
      declareUnseen(options, proof);
      declareSpans(options, proof);
      more?.(proof);
    });
  }
}

/**
 * Of an SDK that can be loaded in both ways, Node 20 proves one and later versions the other, the other way round for
 * the generation before; what Node 20 cannot run at all is proven in both by the later ones.
 * `SPANMETER_SDK_FORMATS=all` proves all of it.
 */
function formatsHere({ formats, set }: ProvenSdk): ProvenSdk['formats'] {
  if (process.env['SPANMETER_SDK_FORMATS'] === 'all' || formats.length === 1) return formats;
  if (setManifest(set).spanmeter?.node !== undefined) return formats;
  const isOldest = Number(process.versions.node.split('.')[0]) < 22;
  return [isOldest === set.endsWith('-previous') ? 'cjs' : 'esm'];
}

async function runBare(options: ProvenSdk, format: 'esm' | 'cjs'): Promise<SdkRun> {
  const standIn = await options.wire();
  try {
    return await runSdk({ ...common(options), format, standIn });
  } finally {
    await standIn.close();
  }
}

async function runInstrumented(options: ProvenSdk, format: 'esm' | 'cjs'): Promise<InstrumentedRun> {
  const [standIn, sink] = await Promise.all([options.wire(), startSink()]);
  try {
    const run = await runSdk({
      ...common(options),
      format,
      standIn,
      nodeOptions: [format === 'cjs' ? '--require' : '--import', '@spanmeter/instrumentation/register'],
      env: {
        ...options.env,
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
        OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
        OTEL_SERVICE_NAME: 'sdk-lab',
      },
    });
    const { spans } = sink;
    return {
      ...run,
      spans,
      spansOf: (scenario) => spans.filter((span) => span.attributes['spanmeter.feature'] === scenario),
      requestsOf: (scenario) => run.requests.filter((request) => request.scenario === scenario),
    };
  } finally {
    await Promise.all([standIn.close(), sink.close()]);
  }
}

function common({ set, driver, sdk, env = {} }: ProvenSdk): { set: string; driver: string; env: typeof env } {
  return { set, driver: driver ?? sdk, env };
}

function declareUnseen(options: ProvenSdk, proof: Proof): void {
  it('shows the app the same with and without the instrumentation', () => {
    const { bare, run } = proof;
    assert.equal(run.stdout, bare.stdout);
    assert.equal(run.stderr, bare.stderr);
    assert.equal(run.code, bare.code);
    assert.equal(bare.code, 0, `${bare.stdout}\n${bare.stderr}`);
    assert.ok(Object.keys(bare.outcomes).length > 0, 'no scenario ran');
    assert.ok(!bare.stdout.includes('UNHANDLED'), bare.stdout);
  });

  it('sends the provider the same requests', function () {
    if (options.requestsVary === true) return this.skip();
    return assert.deepEqual(proof.run.requests.map(seen), proof.bare.requests.map(seen));
  });

  it('stops the provider where the bare app does', () => {
    const bare = proof.bare.requests;
    report(
      proof.run.requests.map((request, index) => {
        const [end, chunks] = [bare[index]?.end, bare[index]?.chunks ?? 0];
        const told = `${request.scenario}: ${request.end} after ${request.chunks} chunks, bare ${end} after ${chunks}`;
        // Whether a connection closes before or after the end of an answer that has left as a whole is luck.
        if (request.end !== end) return wasWhole(request, bare[index]) ? undefined : told;
        return request.end === 'client_aborted' && request.chunks > chunks + CHUNK_SLACK ? told : undefined;
      }),
    );
  });
}

/** Both answers came to their end, or to the last chunk before it. */
function wasWhole(one: ServedRequest, other: ServedRequest | undefined): boolean {
  const ends: string[] = [one.end, other?.end ?? ''];
  return (
    one.chunks > 0 &&
    one.chunks === other?.chunks &&
    ends.includes('completed') &&
    ends.includes('client_aborted')
  );
}

function seen({ scenario, path, body, headers }: ServedRequest): unknown {
  return { scenario, path, body, headers: Object.keys(headers).toSorted() };
}

function declareSpans(options: ProvenSdk, proof: Proof): void {
  const expected = (scenario: string): Expected => ({ ...UNSEEN[scenario], ...options.expect?.[scenario] });
  const eachScenario = (look: (scenario: string, outcome: SdkOutcome) => string | undefined): void =>
    report(Object.entries(proof.run.outcomes).map(([scenario, outcome]) => look(scenario, outcome)));

  it('gives every call one span, and nothing else', () => {
    eachScenario((scenario, outcome) => {
      const wanted = expected(scenario).spans ?? outcome.spans;
      const names = proof.run.spansOf(scenario).map(({ name }) => name);
      return names.length === wanted
        ? undefined
        : `${scenario}: ${names.length} of ${wanted} spans: ${names.join()}`;
    });
    report(
      proof.run.spans.map(({ name, attributes }) =>
        String(attributes['spanmeter.feature']) in proof.run.outcomes ? undefined : `stray span ${name}`,
      ),
    );
  });

  it('counts exactly what the provider told', () => {
    eachScenario((scenario) => {
      const requests = proof.run.requestsOf(scenario);
      const counts = countsOfSpans(proof.run.spansOf(scenario));
      const { usage } = expected(scenario);
      if (usage === undefined && !requests.some(wasToldUsage)) {
        return counts.output === 0 && counts.reasoning === 0
          ? undefined
          : `${scenario}: ${show(counts)} of nothing`;
      }
      const wanted = usage === undefined ? countsOfRequests(requests) : { ...NO_COUNTS, ...usage };
      return show(counts) === show(wanted)
        ? undefined
        : `${scenario}: ${show(counts)} instead of ${show(wanted)}`;
    });
  });

  it('marks as failed exactly the calls whose error the app saw, aborts aside', () => {
    eachScenario((scenario, outcome) => {
      const wanted = expected(scenario).error ?? (outcome.threw !== undefined && !isAbort(outcome));
      const failed = proof.run.spansOf(scenario).filter(({ statusCode }) => statusCode === 2);
      const types = proof.run
        .spansOf(scenario)
        .flatMap(({ attributes }) => attributes['error.type'] ?? [])
        .map(String);
      const told = `${scenario}: ${failed.length} failed (${types.join()}), wanted ${wanted}`;
      if (failed.length !== types.length || failed.length > 0 !== (wanted !== false)) return told;
      return typeof wanted === 'string' && !types.every((type) => type === wanted) ? told : undefined;
    });
  });

  it('keeps prompts, answers and error messages out of the spans', () => {
    const text = JSON.stringify(proof.run.spans);
    report(
      [...SECRETS, ...(options.secrets ?? [])].map((secret) => (text.includes(secret) ? secret : undefined)),
    );
  });
}

function isAbort({ threw, name, code }: SdkOutcome): boolean {
  return (
    [threw, name].some((each) => each === 'AbortError' || each === 'APIUserAbortError') ||
    code === 'ABORT_ERR'
  );
}

function show(counts: Counts): string {
  return JSON.stringify(Object.fromEntries(Object.entries(counts).toSorted(([a], [b]) => (a < b ? -1 : 1))));
}

function report(faults: readonly (string | undefined)[]): void {
  const found = faults.filter((fault) => fault !== undefined);
  assert.equal(found.length, 0, `\n${found.join('\n')}`);
}
