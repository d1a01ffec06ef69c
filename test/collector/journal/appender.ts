// A process that appends to the journal of argv[2] until it is killed, and says on stdout what was acknowledged.
import { openTestJournal, recordOf } from './records.ts';

const journal = await openTestJournal(process.argv[2] as string, {
  maxBytes: 64 * 1024 * 1024,
  segmentBytes: 65_536,
});
process.stdout.write(`from ${journal.lastSequence}\n`);
async function sender(): Promise<void> {
  for (;;) {
    const text = `sent by ${process.pid}, ${process.hrtime.bigint()}`;
    const sequence = await journal.append(recordOf(text.padEnd(700, '.')));
    process.stdout.write(`${sequence} ${text}\n`);
  }
}
await Promise.all(Array.from({ length: 8 }, sender));
