// Prints what a call and a stream's chunk cost under whatever was preloaded, in microseconds of processor time, which
// other work of the machine hardly changes, as JSON. It is the cost of a process that has run for a while: the first
// thousands of calls are compiled as they run, cost several times as much, and are left out.
//
//   node [--import PRELOAD] overhead.mjs openai|anthropic
import { answer, WIRES } from './wires.mjs';

const WARM_UP_CALLS = 2500;
const CALLS = 400;
const WARM_UP_STREAMS = 20;
const CHUNKS = 2000;
/** Events that arrive together; SDKs cut up what arrives at once in time that grows with its square. */
const CHUNKS_TOGETHER = 20;
const ROUNDS = 11;

const wire = WIRES[process.argv[2]];

function microsSince(started) {
  const { user, system } = process.cpuUsage(started);
  return user + system;
}

const caller = wire.connect(async () => answer(wire.answer, 'application/json'));

async function makeCalls(count) {
  for (let call = 0; call < count; call += 1) await wire.call(caller);
}

function arriving() {
  const encoder = new TextEncoder();
  const some = encoder.encode(wire.chunk.repeat(CHUNKS_TOGETHER));
  let left = CHUNKS / CHUNKS_TOGETHER;
  return new ReadableStream({
    start: (controller) => controller.enqueue(encoder.encode(wire.head)),
    pull(controller) {
      if (left > 0) controller.enqueue(some);
      else {
        controller.enqueue(encoder.encode(wire.tail));
        controller.close();
      }
      left -= 1;
    },
  });
}

const streamer = wire.connect(async () => answer(arriving(), 'text/event-stream'));

async function readStreams(count) {
  for (let stream = 0; stream < count; stream += 1) {
    let chunks = 0;
    for await (const _ of await wire.stream(streamer)) chunks += 1;
    if (chunks < CHUNKS) throw new Error(`${chunks} chunks`);
  }
}

async function median(measured, each) {
  const values = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const started = process.cpuUsage();
    await measured();
    values.push(microsSince(started) / each);
  }
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

await makeCalls(WARM_UP_CALLS);
const perCall = await median(() => makeCalls(CALLS), CALLS);
await readStreams(WARM_UP_STREAMS);
const perChunk = await median(() => readStreams(2), 2 * CHUNKS);
console.log(JSON.stringify({ perCall, perChunk }));
process.exit();
