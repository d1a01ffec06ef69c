import assert from 'node:assert/strict';
import { nodeDisk } from '@spanmeter/collector/dist/journal/disk.js';
import { chatSpan } from '../../support/chat-span.ts';
import { exportGrpc, postOtlp } from '../../support/otlp-client.ts';
import { buildTraces } from '../../support/otlp-builder.ts';
import { useTempDir } from '../../support/temp-dir.ts';
import { holdableDisk } from '../journal/held-disk.ts';
import { openTestJournal } from '../journal/records.ts';
import { startReceiver } from './harness.ts';

/** Turns of the event loop that an answer sent too early would need; the sockets are on loopback. */
const TURNS = 200;

describe('the doors in front of a journal', () => {
  const dir = useTempDir();

  it('let no answer leave while the flush of its request is held', async () => {
    const held = holdableDisk(nodeDisk);
    const journal = await openTestJournal(dir.path, { disk: held.disk });
    const harness = await startReceiver({ door: { append: (record) => journal.append(record) } });
    const { receiver } = harness;
    const answered: string[] = [];
    const body = buildTraces([{ spans: [chatSpan()] }]);
    held.hold();
    const http = postOtlp(receiver.httpPort ?? 0, { body }).then(({ status }) => {
      answered.push('http');
      return status;
    });
    const grpc = exportGrpc(receiver.grpcPort ?? 0, body).then((answer) => {
      answered.push('grpc');
      return answer;
    });
    await held.held();
    for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(answered, []);
    assert.equal(journal.lastSequence, 0);

    held.letGo();
    assert.equal(await http, 200);
    await grpc;
    assert.deepEqual(new Set(answered), new Set(['http', 'grpc']));
    assert.equal(journal.lastSequence, 2);
    await harness.stop();
    await journal.close();
  });
});
