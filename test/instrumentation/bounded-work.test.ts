import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { diag, type Attributes } from '@opentelemetry/api';
import { startBudgetGuard } from '@spanmeter/instrumentation';
import { internal } from './internals.ts';

const { limitContent } = await internal('content-limit');
const { plainContent } = await internal('plain-content');
const { TextSize } = await internal('text-size');
const { admit } = await internal('budget-guard');

interface Item {
  readonly content: string;
}

function messages(count: number, length: number): Item[] {
  return Array.from({ length: count }, (_, index) => ({ content: `${index} ${'word '.repeat(length / 5)}` }));
}

/** Runs `body` while `owner[name]` counts what `cost` says of each call. */
function counting<T extends object>(
  owner: T,
  name: keyof T & string,
  cost: (result: unknown) => number,
  body: () => void,
): number {
  const original = owner[name] as (...args: unknown[]) => unknown;
  let sum = 0;
  const counted = function (this: unknown, ...args: unknown[]): unknown {
    const result = Reflect.apply(original, this, args);
    sum += cost(result);
    return result;
  };
  Object.assign(owner, { [name]: counted });
  try {
    body();
  } finally {
    Object.assign(owner, { [name]: original });
  }
  return sum;
}

describe('a prompt of many megabytes', () => {
  const PROMPTS: Readonly<Record<string, readonly Item[]>> = {
    'one text': messages(1, 20_000_000),
    'long messages': messages(200, 100_000),
    'many messages': messages(10_000, 2_000),
  };

  for (const [what, prompt] of Object.entries(PROMPTS)) {
    it(`of ${what} is looked at no further than its size needs`, () => {
      // `charCodeAt` is how characters are looked at.
      const looked = counting(
        String.prototype,
        'charCodeAt',
        () => 1,
        () => new TextSize().addAll(prompt),
      );
      assert.ok(looked < 3_000_000, `${looked} characters`);
    });

    it(`of ${what} is encoded no further than its limit needs`, () => {
      let bytes = 0;
      const encoded = counting(
        JSON,
        'stringify',
        (json) => String(json).length,
        () => {
          const limited = limitContent(
            plainContent(prompt) as readonly string[],
            65_536,
            (count) => `${count} left out`,
          );
          bytes = Buffer.byteLength(limited?.json ?? '');
        },
      );
      assert.ok(bytes > 0 && bytes <= 65_536, `${bytes} bytes`);
      assert.ok(encoded < 4_000_000, `${encoded} characters encoded`);
    });
  }

  it('keeps its count of characters exact, whatever was looked at', () => {
    const size = new TextSize();
    size.addAll(PROMPTS['long messages']);
    const told: Attributes = {};
    size.put(told, 'input');
    const all = messages(200, 100_000).reduce((sum, { content }) => sum + content.length, 0);
    assert.equal(told['spanmeter.usage.estimate.input_characters'], all);
  });

  it('of more values than are copied ends where they do, with nothing in their place', () => {
    const copy = plainContent(Array.from({ length: 1_000_000 }, () => 'hi'));
    assert.ok(Array.isArray(copy) && copy.length < 60_000 && !copy.includes(null));
  });

  it('is taken for media by its beginning and its end', () => {
    const picture = 'QUJD'.repeat(1_000_000);
    assert.deepEqual(plainContent({ mime_type: 'image/png', data: picture }), {
      mime_type: 'image/png',
      data: '[image/png, 3000000 bytes]',
    });
    assert.deepEqual(plainContent([`${picture} and words`]), [`${picture} and words`]);
  });
});

describe('a budget guard with odd figures', () => {
  for (const intervalMs of [Number.POSITIVE_INFINITY, Number.NaN, 1e12]) {
    it(`does not ask without pause at an interval of ${intervalMs}`, async () => {
      let asked = 0;
      const server = createServer((_request, response) => {
        asked += 1;
        response.end('{"budgets":[]}');
      });
      await new Promise<void>((resolve) => {
        server.listen(0, '127.0.0.1', resolve);
      });
      const warnings: string[] = [];
      const note = ({ name }: Error): void => void warnings.push(name);
      process.on('warning', note);
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const guard = startBudgetGuard({ url, intervalMs });
      await guard.ready;
      // One more round of timers: at 1 ms some would be due.
      for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setTimeout(resolve, 1));
      guard.stop();
      process.off('warning', note);
      server.closeAllConnections();
      server.close();
      assert.deepEqual([asked, warnings], [1, []]);
    });
  }

  it('goes on holding a budget whose end is not told, and after a switch of protocols', async () => {
    const spent = { id: 'b', tenant: '', scope: 'all', refuse: true, spent_usd: '2', limit_usd: '1' };
    let upgrades = 0;
    const server = createServer((_request, response) => response.end(JSON.stringify({ budgets: [spent] })));
    server.on('connection', (socket) => {
      if (upgrades > 0) return;
      upgrades += 1;
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n');
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    diag.disable();
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const guard = startBudgetGuard({ url });
    await guard.ready;
    assert.equal(await guard.refresh(), true);
    for (const each of [1, 2])
      assert.match(admit({})?.message ?? '', /^Budget b is spent: 2 of 1 USD;/, `${each}`);
    guard.stop();
    server.closeAllConnections();
    server.close();
  });
});
