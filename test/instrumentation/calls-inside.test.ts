import assert from 'node:assert/strict';
import { globalLab, type GlobalLab } from './global-lab.ts';
import { internal } from './internals.ts';

const { SdkInstrumentation } = await internal('instrumentation');

type Ask = () => Promise<number>;

/** A client of an SDK of one method, which sends a request by what the app gave it. */
class Client {
  readonly #send: Ask;

  constructor(send: Ask) {
    this.#send = send;
  }

  async ask(): Promise<number> {
    await Promise.resolve();
    return this.#send();
  }
}

describe('a call that code of the app makes inside another', () => {
  let lab: GlobalLab;

  beforeEach(() => {
    lab = globalLab();
  });

  afterEach(() => lab.close());

  /** Input tokens of the calls that are told where a request of the `outer` SDK makes one of the `inner`. */
  async function told(outer: string, inner: string): Promise<unknown[]> {
    const undo: (() => void)[] = [];
    const client = (module: string, send: Ask): Client => {
      class Sdk extends Client {}
      Sdk.prototype.ask = async function ask(this: Client): Promise<number> {
        return Client.prototype.ask.call(this);
      };
      const response = (tokens: unknown): Record<string, number> => ({
        'gen_ai.usage.input_tokens': Number(tokens),
      });
      const kind = { operation: 'chat', request: () => ({}), response } as const;
      const methods = [{ owner: () => Sdk.prototype, name: 'ask', kind }];
      const instrumentation = new SdkInstrumentation({ module, versions: ['*'], rivals: [], methods });
      instrumentation.manuallyInstrument({ Sdk });
      undo.push(() => instrumentation.disable());
      return new Sdk(send);
    };
    const inside = client(inner, () => Promise.resolve(50));
    await client(outer, async () => (await inside.ask()) - 40).ask();
    for (const each of undo) each();
    return lab.spans().map(({ attributes }) => attributes['gen_ai.usage.input_tokens']);
  }

  it('is one of its own where it is of another SDK, as in a `fetch` that asks a model first', async () => {
    assert.deepEqual(await told('small', 'other'), [50, 10]);
  });

  it('is the same request where it is of the same SDK, whose methods may call one another', async () => {
    assert.deepEqual(await told('small', 'small'), [10]);
  });
});
