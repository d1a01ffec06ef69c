// Prints what a call and a stream's chunk cost under whatever was preloaded, in microseconds of processor time, which
// other work of the machine hardly changes, as JSON.
//
//   node [--import PRELOAD] overhead.mjs openai|anthropic
import { answer, WIRES } from './wires.mjs';

const CALLS = 300;
const CHUNKS = 2000;
const ROUNDS = 15;
const WARM_UP = 3;

const wire = WIRES[process.argv[2]];

function microsSince(started) {
  const { user, system } = process.cpuUsage(started);
  return user + system;
}

async function perCall() {
  const client = wire.connect(async () => answer(wire.answer, 'application/json'));
  const started = process.cpuUsage();
  for (let call = 0; call < CALLS; call += 1) await wire.call(client);
  return microsSince(started) / CALLS;
}

async function perChunk() {
  const text = wire.head + wire.chunk.repeat(CHUNKS) + wire.tail;
  const client = wire.connect(async () => answer(text, 'text/event-stream'));
  const started = process.cpuUsage();
  let chunks = 0;
  for await (const _ of await wire.stream(client)) chunks += 1;
  if (chunks < CHUNKS) throw new Error(`${chunks} chunks`);
  return microsSince(started) / CHUNKS;
}

async function median(measure) {
  const values = [];
  for (let round = -WARM_UP; round < ROUNDS; round += 1) {
    const value = await measure();
    if (round >= 0) values.push(value);
  }
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

// The SDK is loaded, and with that instrumented, before anything is measured.
wire.connect(async () => undefined);
console.log(JSON.stringify({ perCall: await median(perCall), perChunk: await median(perChunk) }));
process.exit();
