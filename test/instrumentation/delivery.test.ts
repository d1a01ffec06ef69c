import assert from 'node:assert/strict';
import { FakeClock } from '../support/fake-clock.ts';
import { internal } from './internals.ts';

interface Delivery {
  readonly pending: number;
  readonly dropped: number;
  lost(reason: string): number;
  onEnd(span: object): void;
}

interface Limits {
  readonly maxQueueSize: number;
  readonly batchSize: number;
  readonly delayMs: number;
  readonly maxRequestSpans: number;
  readonly maxQueueBytes: number;
  readonly maxRequestBytes: number;
}

/** The package exports only what apps need. */
const MODULE = new URL('../../../instrumentation/dist/delivery.js', import.meta.url).href;
const { DeliveryProcessor } = (await import(MODULE)) as {
  readonly DeliveryProcessor: new (sender: object, limits: Limits) => Delivery;
};

const { CLOCK } = await internal('clock');

const MIB = 1024 * 1024;
const LIMITS: Limits = {
  maxQueueSize: 2048,
  batchSize: 50,
  delayMs: 1000,
  maxRequestSpans: 512,
  maxQueueBytes: 64 * MIB,
  maxRequestBytes: 4 * MIB,
};

class Receiver {
  readonly #clock: FakeClock;
  outcome: 'delivered' | 'retry' | 'refused' = 'delivered';
  patience: { readonly retryAfterMs?: number } = {};
  readonly requests: { readonly atMs: number; readonly spans: readonly number[] }[] = [];
  readonly taken: number[] = [];
  /** Spans for which a receiver refuses a whole request. */
  wrong: readonly number[] = [];

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  send(spans: readonly { readonly id: number }[]): Promise<object> {
    const ids = spans.map(({ id }) => id);
    this.requests.push({ atMs: this.#clock.nowMs, spans: ids });
    if (ids.some((id) => this.wrong.includes(id)))
      return Promise.resolve({ outcome: 'refused', divisible: true });
    if (this.outcome === 'delivered') this.taken.push(...ids);
    return Promise.resolve({ outcome: this.outcome, ...this.patience });
  }

  hold(): void {}

  sendNow(): boolean {
    return false;
  }
}

describe('the delivery of spans', () => {
  let clock: FakeClock;
  let receiver: Receiver;
  let delivery: Delivery;
  let next: number;

  beforeEach(() => {
    clock = new FakeClock(CLOCK);
    receiver = new Receiver(clock);
    delivery = new DeliveryProcessor(receiver, LIMITS);
    next = 0;
  });

  afterEach(() => clock.release());

  const end = (count: number, content = ''): void => {
    for (let each = 0; each < count; each += 1) {
      const attributes = { 'gen_ai.input.messages': content };
      delivery.onEnd({ id: next, attributes, spanContext: () => ({ traceFlags: 1 }) });
      next += 1;
    }
  };

  const times = (): number[] => receiver.requests.map(({ atMs }) => atMs);

  it('sends after a second, or at once when 50 spans wait', async () => {
    end(1);
    await clock.advance(1000);
    end(50);
    await clock.advance(0);
    assert.deepEqual(times(), [1000, 1000]);
    assert.equal(receiver.taken.length, 51);
  });

  it('repeats a failed request after 1, 2 and 4 s exactly, and not again for want of anything new', async () => {
    receiver.outcome = 'retry';
    end(50);
    await clock.advance(20_000);
    assert.deepEqual(times(), [0, 1000, 3000, 7000]);
    assert.equal(delivery.pending, 50);
  });

  it('offers what waits every 15 to 30 s after that', async () => {
    receiver.outcome = 'retry';
    end(50);
    await clock.advance(7000 + 10 * 30_000);
    const gaps = times()
      .slice(3)
      .map((atMs, index, all) => atMs - (all[index - 1] ?? atMs))
      .slice(1);
    assert.ok(gaps.length >= 10, `${gaps.length} offers`);
    assert.ok(
      gaps.every((gap) => gap >= 15_000 && gap <= 30_000),
      gaps.join(),
    );
    assert.ok(new Set(gaps).size > 1, 'not all at the same interval');
  });

  it('offers what waits with a later batch, in the order it came', async () => {
    receiver.outcome = 'retry';
    end(50);
    await clock.advance(12_000);
    receiver.outcome = 'delivered';
    end(1);
    await clock.advance(1000);
    assert.deepEqual(times().slice(4), [13_000]);
    assert.deepEqual(receiver.taken, [...Array(51).keys()]);
    assert.equal(delivery.pending, 0);
  });

  it('asks a receiver that is away at most every 4 s, however much comes', async () => {
    receiver.outcome = 'retry';
    end(50);
    for (let second = 0; second < 60; second += 1) {
      await clock.advance(1000);
      end(30);
    }
    const gaps = times()
      .slice(3)
      .map((atMs, index, all) => atMs - (all[index - 1] ?? 0))
      .slice(1);
    assert.ok(gaps.length > 5 && gaps.every((gap) => gap >= 4000), gaps.join());
  });

  it('leaves a receiver alone for as long as it asks, and for five minutes at most', async () => {
    receiver.outcome = 'retry';
    receiver.patience = { retryAfterMs: 7000 };
    end(50);
    await clock.advance(7000);
    receiver.patience = { retryAfterMs: 1e11 };
    await clock.advance(7000);
    await clock.advance(299_999);
    const before = times();
    await clock.advance(1);
    assert.deepEqual(
      [before, times()],
      [
        [0, 7000, 14_000],
        [0, 7000, 14_000, 314_000],
      ],
    );
  });

  it('leaves it alone also where new spans come after the retries', async () => {
    receiver.outcome = 'retry';
    receiver.patience = { retryAfterMs: 60_000 };
    end(50);
    await clock.advance(200_000);
    end(50);
    await clock.advance(39_999);
    const before = times();
    await clock.advance(1);
    assert.deepEqual(
      [before, times()],
      [
        [0, 60_000, 120_000, 180_000],
        [0, 60_000, 120_000, 180_000, 240_000],
      ],
    );
  });

  it('loses and repeats nothing over ten minutes without a receiver, within the bounds of the queue', async () => {
    receiver.outcome = 'retry';
    for (let second = 0; second < 600; second += 1) {
      end(3);
      await clock.advance(1000);
    }
    receiver.outcome = 'delivered';
    end(1);
    await clock.advance(10_000);
    assert.deepEqual(receiver.taken, [...Array(1801).keys()]);
    assert.equal(delivery.dropped, 0);
  });

  it('drops what the queue has no room for, and counts it', async () => {
    receiver.outcome = 'retry';
    end(3000);
    await clock.advance(10_000);
    receiver.outcome = 'delivered';
    await clock.advance(60_000);
    assert.equal(delivery.dropped, 3000 - 2048);
    assert.deepEqual(receiver.taken, [...Array(2048).keys()]);
  });

  it('drops what the queue has no room for by its bytes too, and counts it apart', async () => {
    receiver.outcome = 'retry';
    end(200, 'x'.repeat(MIB));
    await clock.advance(0);
    end(1, 'x'.repeat(1000));
    const room = Math.floor((64 * MIB) / (MIB + 1024));
    assert.deepEqual([delivery.lost('queue_bytes'), delivery.lost('queue_spans')], [200 - room, 0]);
    assert.equal(delivery.pending, room + 1);
    receiver.outcome = 'delivered';
    await clock.advance(60_000);
    assert.equal(delivery.pending, 0);
    // What was delivered has made room again.
    end(room, 'x'.repeat(MIB));
    await clock.advance(60_000);
    assert.equal(delivery.dropped, 200 - room);
    assert.equal(receiver.taken.length, 2 * room + 1);
  });

  it('has no more bytes in a request than it may, but for one span, and sends the rest at once', async () => {
    end(1, 'x'.repeat(5 * MIB));
    await clock.advance(0);
    end(10, 'x'.repeat(MIB));
    end(1);
    await clock.advance(0);
    assert.deepEqual(
      receiver.requests.map(({ atMs, spans }) => [atMs, spans.length]),
      [
        [0, 1],
        [0, 3],
        [0, 3],
        [0, 3],
        [0, 2],
      ],
    );
  });

  it('makes room for what was refused for good', async () => {
    receiver.outcome = 'refused';
    end(63, 'x'.repeat(MIB));
    await clock.advance(60_000);
    assert.deepEqual([delivery.lost('refused'), delivery.lost('queue_bytes'), delivery.pending], [63, 0, 0]);
    end(63, 'x'.repeat(MIB));
    assert.equal(delivery.lost('queue_bytes'), 0);
  });

  it('does not send again what was refused for good', async () => {
    receiver.outcome = 'refused';
    end(50);
    await clock.advance(60_000);
    assert.deepEqual(times(), [0]);
    assert.equal(delivery.dropped, 50);
    assert.equal(delivery.pending, 0);
  });

  it('loses no span for the sake of another that its receiver refuses', async () => {
    receiver.wrong = [7, 31];
    end(50);
    await clock.advance(2000);
    assert.deepEqual(
      receiver.taken.toSorted((a, b) => a - b),
      Array.from({ length: 50 }, (_, id) => id).filter((id) => !receiver.wrong.includes(id)),
    );
    assert.equal(delivery.dropped, 2);
    assert.equal(delivery.pending, 0);
    assert.ok(receiver.requests.length < 25, `${receiver.requests.length} requests`);
  });
});
