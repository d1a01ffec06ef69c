import assert from 'node:assert/strict';
import { DiagLogLevel, diag } from '@opentelemetry/api';
import { InstrumentationBase } from '@opentelemetry/instrumentation';
import { internal, type CallKind } from './internals.ts';
import { memoryTelemetry } from './memory-telemetry.ts';

const { SdkInstrumentation } = await internal('instrumentation');

type Calls = Record<'ask' | 'tell', (this: void) => Promise<string>>;

const METHODS = ['ask', 'tell'] as const;

/** Another instrumentation of the same SDK, made as all are. */
class Rival extends InstrumentationBase {
  readonly seen: string[] = [];

  constructor() {
    super('rival', '1', { enabled: false });
  }

  protected init(): undefined {
    return undefined;
  }

  wrapAll(sdk: Calls): void {
    for (const name of METHODS) {
      this._wrap(sdk, name, (original) => () => {
        this.seen.push(name);
        return original();
      });
    }
  }
}

const KIND: CallKind = { operation: 'chat', request: () => ({}), response: () => ({}) };

describe('another instrumentation of the same SDK', () => {
  let lines: string[];
  let rival: Rival;

  const quiet = (): void => undefined;

  beforeEach(() => {
    lines = [];
    rival = new Rival();
    const logger = {
      error: quiet,
      warn: quiet,
      info: (line: string) => lines.push(line),
      debug: quiet,
      verbose: quiet,
    };
    diag.setLogger(logger, { logLevel: DiagLogLevel.INFO, suppressOverrideMessage: true });
  });

  afterEach(() => diag.disable());

  /** What both saw of two calls where `order` is that in which they came. */
  async function meet(order: readonly ('ours' | 'theirs')[]): Promise<[number, readonly string[]]> {
    const sdk: Calls = { ask: () => Promise.resolve('a'), tell: () => Promise.resolve('b') };
    const telemetry = memoryTelemetry();
    const methods = METHODS.map((name) => ({ owner: () => sdk, name, kind: KIND }));
    const ours = new SdkInstrumentation({ module: 'shared-sdk', versions: ['*'], methods, rivals: [] });
    ours.setTracerProvider(telemetry.tracerProvider);
    for (const who of order) {
      if (who === 'ours') ours.manuallyInstrument(sdk);
      else rival.wrapAll(sdk);
    }
    assert.deepEqual([await sdk.ask(), await sdk.tell()], ['a', 'b']);
    ours.disable();
    const spans = telemetry.spans().length;
    await telemetry.shutdown();
    return [spans, rival.seen];
  }

  for (const order of [
    ['theirs', 'ours'],
    ['ours', 'theirs'],
  ] as const) {
    it(`is left to tell the calls, which is said once, where the order is ${order.join(', ')}`, async () => {
      assert.deepEqual(await meet(order), [0, ['ask', 'tell']]);
      assert.deepEqual(lines, ['spanmeter: another instrumentation of shared-sdk is active; stepping back']);
    });
  }

  it('is not taken for ours, which says nothing when it is switched off', async () => {
    assert.deepEqual(await meet(['ours']), [2, []]);
    assert.deepEqual(lines, []);
  });
});
