import assert from 'node:assert/strict';
import { DiagLogLevel, ProxyTracerProvider, diag } from '@opentelemetry/api';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  NodeTracerProvider,
  ParentBasedSampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
  type Sampler,
} from '@opentelemetry/sdk-trace-node';

/** The package exports only what apps need. */
const MODULE = new URL('../../../instrumentation/dist/sampling.js', import.meta.url).href;
const load = async (copy: string): Promise<(provider: unknown) => number | undefined> => {
  const loaded = (await import(`${MODULE}?${copy}`)) as {
    samplingRatioOf: (provider: unknown) => number | undefined;
  };
  return loaded.samplingRatioOf;
};

const RATIO = new TraceIdRatioBasedSampler(0.25);

const CASES: readonly (readonly [what: string, sampler: Sampler | undefined, ratio: number | undefined])[] = [
  ['the default, which keeps all', undefined, undefined],
  ['a sampler that keeps all', new AlwaysOnSampler(), undefined],
  ['a ratio', RATIO, 0.25],
  ['a very small ratio', new TraceIdRatioBasedSampler(1e-7), 1e-7],
  ['a ratio of 1', new TraceIdRatioBasedSampler(1), undefined],
  ['the ratio of traces that begin here', new ParentBasedSampler({ root: RATIO }), 0.25],
  [
    'parents that keep all, whatever remote ones do',
    new ParentBasedSampler({ root: new AlwaysOnSampler(), remoteParentSampled: RATIO }),
    undefined,
  ],
  ['a sampler that keeps nothing', new AlwaysOffSampler(), undefined],
  [
    'a sampler of the app',
    { shouldSample: () => ({ decision: SamplingDecision.RECORD_AND_SAMPLED }), toString: () => 'Mine' },
    undefined,
  ],
];

describe('the sampling ratio of a provider', () => {
  const warnings: string[] = [];

  beforeEach(() => {
    warnings.length = 0;
    const quiet = (): void => undefined;
    diag.setLogger(
      { error: quiet, warn: (text) => warnings.push(text), info: quiet, debug: quiet, verbose: quiet },
      { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
    );
  });

  afterEach(() => diag.disable());

  for (const [what, sampler, ratio] of CASES) {
    it(`reads ${what}`, async () => {
      const samplingRatioOf = await load('each');
      assert.equal(samplingRatioOf(new NodeTracerProvider(sampler === undefined ? {} : { sampler })), ratio);
    });
  }

  it('warns once of a sampler that drops calls, and never of one that keeps all', async () => {
    const samplingRatioOf = await load('warned');
    samplingRatioOf(new NodeTracerProvider());
    assert.deepEqual(warnings, []);
    const provider = new NodeTracerProvider({ sampler: RATIO });
    for (const each of [provider, provider, new NodeTracerProvider({ sampler: RATIO })])
      samplingRatioOf(each);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /keeps 0\.25 of all/);
  });

  it('looks through the proxy of the API, also when its provider comes later', async () => {
    const samplingRatioOf = await load('proxy');
    const proxy = new ProxyTracerProvider();
    assert.equal(samplingRatioOf(proxy), undefined);
    proxy.setDelegate(new NodeTracerProvider({ sampler: RATIO }));
    assert.equal(samplingRatioOf(proxy), 0.25);
  });

  it('knows nothing of what is no provider, and does not throw', async () => {
    const samplingRatioOf = await load('odd');
    const throwing = {
      getTracer: () => {
        throw new Error('no');
      },
    };
    for (const odd of [undefined, null, 1, {}, throwing]) assert.equal(samplingRatioOf(odd), undefined);
  });
});
