// Makes calls and reads streams under whatever was preloaded, as its parent asks over IPC with `{ kind, count }`, and
// answers with what one call or one chunk cost: microseconds of processor time. The parent lets several such processes
// take turns, since what a machine gives changes from second to second.
//
//   node [--import PRELOAD] overhead.mjs openai|anthropic
import { answer, WIRES } from './wires.mjs';

const CHUNKS = 2000;
/** Events that arrive together; SDKs cut up what arrives at once in time that grows with its square. */
const CHUNKS_TOGETHER = 20;

const wire = WIRES[process.argv[2]];

const caller = wire.connect(async () => answer(wire.answer, 'application/json'));

/** Gives how many calls were made. */
async function makeCalls(count) {
  for (let call = 0; call < count; call += 1) await wire.call(caller);
  return count;
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

/** Gives how many chunks were read. */
async function readStreams(count) {
  for (let stream = 0; stream < count; stream += 1) {
    let chunks = 0;
    for await (const _ of await wire.stream(streamer)) chunks += 1;
    if (chunks < CHUNKS) throw new Error(`${chunks} chunks`);
  }
  return count * CHUNKS;
}

const KINDS = { calls: makeCalls, streams: readStreams };

async function work({ kind, count }) {
  const started = process.cpuUsage();
  const made = await KINDS[kind](count);
  const { user, system } = process.cpuUsage(started);
  process.send((user + system) / made);
}

process.on('message', (wanted) => void work(wanted));
process.send('ready');
