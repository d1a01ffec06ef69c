// Ways in which apps read what a streaming call gives them.

/** Counts chunks; at the `until`th it asks `then`, which may abort, and breaks off where that says `break`. */
export async function count(source, until = Number.POSITIVE_INFINITY, then = () => 'break') {
  let chunks = 0;
  for await (const _ of source) {
    chunks += 1;
    if (chunks === until && then() === 'break') break;
  }
  return chunks;
}

/** What an app may say of a stream that it aborted: the chunks that were under way by then vary. */
export function few(chunks) {
  return chunks < SLOW.chunks / 2 ? 'few' : chunks;
}

/** Counts the bytes of a web stream. */
export async function bytes(web) {
  let total = 0;
  for await (const part of web) total += part.length;
  return total;
}

/** Counts that a price depends on, each of its own size. */
export const USAGE = {
  input: 450,
  output: 180,
  cacheRead: 1000,
  cacheWrite5m: 300,
  cacheWrite1h: 70,
  reasoning: 20,
};

/** A stream that is long and slow enough to be left early, on a busy machine too. */
export const SLOW = { chunks: 500, chunkDelayMs: 10 };

/** One that the SDK goes on reading after the app has left it. */
export const LEFT = { chunks: 50, chunkDelayMs: 2 };

/** What `left` rejects with, as told of a rejection that nobody handles; undefined where it is not told. */
export async function unhandled(left) {
  const before = process.rawListeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  try {
    return await new Promise((resolve) => {
      const late = setTimeout(resolve, 5000);
      process.once('unhandledRejection', (error) => {
        clearTimeout(late);
        resolve(error.constructor.name);
      });
      left();
    });
  } finally {
    process.removeAllListeners('unhandledRejection');
    for (const each of before) process.on('unhandledRejection', each);
  }
}
