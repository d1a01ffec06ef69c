// Prints what a call and a stream's chunk cost under whatever was preloaded, in microseconds, as JSON.
//
//   node [--import PRELOAD] overhead.mjs openai|anthropic
import { answer, WIRES } from './wires.mjs';

const CALLS = 200;
const CHUNKS = 2000;
const ROUNDS = 15;
const WARM_UP = 3;

const wire = WIRES[process.argv[2]];

async function perCall() {
  const client = wire.connect(async () => answer(wire.answer, 'application/json'));
  const started = performance.now();
  for (let call = 0; call < CALLS; call += 1) await wire.call(client);
  return ((performance.now() - started) * 1000) / CALLS;
}

async function perChunk() {
  const text = wire.head + wire.chunk.repeat(CHUNKS) + wire.tail;
  const client = wire.connect(async () => answer(text, 'text/event-stream'));
  const started = performance.now();
  let chunks = 0;
  for await (const _ of await wire.stream(client)) chunks += 1;
  if (chunks < CHUNKS) throw new Error(`${chunks} chunks`);
  return ((performance.now() - started) * 1000) / CHUNKS;
}

async function median(measure) {
  const values = [];
  for (let round = -WARM_UP; round < ROUNDS; round += 1) {
    const value = await measure();
    if (round >= 0) values.push(value);
  }
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

const started = performance.now();
wire.connect(async () => undefined);
const loadMs = performance.now() - started;
console.log(JSON.stringify({ loadMs, perCall: await median(perCall), perChunk: await median(perChunk) }));
process.exit();
