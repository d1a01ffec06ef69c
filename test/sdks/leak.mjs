// Makes a great many streamed calls that end in every way, and prints the heap after each tenth of them.
//
//   node --expose-gc --import nowhere.mjs leak.mjs openai|anthropic COUNT
import { setTimeout as sleep } from 'node:timers/promises';
import { instrumentations } from '@spanmeter/instrumentation/hook';
import { count as read } from './drivers/reading.mjs';
import { answer, WIRES } from './wires.mjs';

const CHUNKS = 4;
const AT_ONCE = 20;
const TENTHS = 10;

const wire = WIRES[process.argv[2]];
const count = Number(process.argv[3]);
const tally = globalThis[Symbol.for('spanmeter.bench.tally')];

/** The same sequence in every run. */
let seed = 42;
function random() {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
  return seed / 2_147_483_648;
}

const WHOLE = wire.head + wire.chunk.repeat(CHUNKS) + wire.tail;
const BROKEN = wire.head + wire.chunk.repeat(CHUNKS >> 1) + wire.error;

/** A body that has sent its first chunks and then stays silent, until the client aborts, as fetch has it. */
function silent(signal) {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(wire.head + wire.chunk.repeat(CHUNKS >> 1)));
      const aborted = () => controller.error(new DOMException('This operation was aborted', 'AbortError'));
      signal?.addEventListener('abort', aborted, { once: true });
    },
  });
}

const client = (body, status = 200) =>
  wire.connect(async (_, init) => {
    const type = status === 200 ? 'text/event-stream' : 'application/json';
    return answer(body(init.signal), type, status);
  });
const whole = client(() => WHOLE);
const broken = client(() => BROKEN);
const waiting = client(silent);
const refused = client(() => '{"error":{"message":"no"}}', 429);
const unreachable = wire.connect(async () => {
  throw new TypeError('fetch failed');
});

/** Ways in which a call may end, as often as their weight. */
const WAYS = [
  [30, async () => read(await wire.stream(whole))],
  [20, async () => read(await wire.stream(waiting), 1)],
  [
    10,
    async () => {
      const source = await wire.stream(waiting);
      return read(source, 1, () => source.controller.abort());
    },
  ],
  [10, async () => (await wire.stream(waiting)).controller.abort()],
  [10, async () => void (await wire.stream(whole))],
  [5, async () => read(await wire.stream(broken))],
  [5, async () => wire.stream(refused)],
  [5, async () => wire.stream(unreachable)],
  [5, async () => wire.stream(whole).asResponse()],
].flatMap(([weight, way]) => Array.from({ length: weight }, () => way));

async function heapMb() {
  for (let pass = 0; pass < 5; pass += 1) {
    globalThis.gc();
    // Finalization callbacks run between turns of the event loop.
    await sleep(20);
  }
  return process.memoryUsage().heapUsed / 2 ** 20;
}

async function make(calls) {
  for (let made = 0; made < calls; made += AT_ONCE) {
    const some = Array.from({ length: AT_ONCE }, () => WAYS[Math.floor(random() * WAYS.length)]);
    await Promise.all(some.map((way) => way().catch(() => undefined)));
    if (made % 1000 === 0) await sleep(0);
  }
}

const started = performance.now();
await make(Math.min(count, 5000));
const heaps = [await heapMb()];
for (let tenth = 0; tenth < TENTHS; tenth += 1) {
  await make(count / TENTHS);
  heaps.push(await heapMb());
}
const openAtEnd = tally.started - tally.ended;
for (const each of instrumentations) each.endOpenCalls();
console.log(
  JSON.stringify({
    calls: count,
    seconds: Math.round((performance.now() - started) / 1000),
    heapMb: heaps.map((heap) => Math.round(heap * 100) / 100),
    started: tally.started,
    ended: tally.ended,
    openAtEnd,
  }),
);
process.exit();
