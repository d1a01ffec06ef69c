import assert from 'node:assert/strict';
import { once, EventEmitter } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openCursorFiles } from '@spanmeter/collector/dist/journal/cursor-files.js';
import { nodeDisk } from '@spanmeter/collector/dist/journal/disk.js';
import {
  createBestEffortDrain,
  type BestEffortDrainOptions,
} from '@spanmeter/collector/dist/pipeline/best-effort-drain.js';
import { Refusal } from '@spanmeter/collector/dist/pipeline/refusal.js';
import { SILENT_LOG } from '@spanmeter/collector/dist/pipeline/silent.js';
import { requestOf } from '../simulator/simulated-calls.ts';
import { useTempDir } from '../../support/temp-dir.ts';
import { follow, NO_DEADLINE, PLAIN, shared, type Followed } from './follow.ts';

describe('the drain to a best-effort destination', () => {
  const dir = useTempDir();

  /** A drain into a list of keys that refuses on demand. */
  function forward(followed: Followed, options: Partial<BestEffortDrainOptions> = {}) {
    const { count, options: common } = shared(dir.path, followed);
    const sent: string[] = [];
    const events = new EventEmitter();
    const drain = createBestEffortDrain({
      ...common,
      openEnd: followed.journal.end,
      exporter: 'otlp_http/elsewhere',
      startAt: 'oldest',
      maxLagBytes: 1e9,
      maxLagMs: 1e9,
      cursors: openCursorFiles(nodeDisk, dir.path, SILENT_LOG),
      async send(batch) {
        await Promise.resolve();
        sent.push(...batch.groups.flatMap((group) => group.spans.map((span) => span.spanId)));
        events.emit('sent');
      },
      ...options,
    });
    drain.start();
    const got = async (...keys: string[]): Promise<void> => {
      while (!keys.every((key) => sent.includes(key))) await once(events, 'sent');
    };
    return { drain, sent, got, count };
  }

  it('goes on where its cursor file says, each record once over clean stops', async () => {
    const followed = await follow(dir.path);
    await followed.append('k1');
    const first = forward(followed);
    await first.got('k1');
    await first.drain.stop(NO_DEADLINE);
    await followed.append('k2');
    const second = forward(followed);
    await second.got('k2');
    await second.drain.stop(NO_DEADLINE);
    assert.deepEqual(second.sent, ['k2']);
    assert.equal(second.drain.status().doneSequence, 2);
    const file = await readFile(join(dir.path, 'cursor-otlp_http%2Felsewhere.json'), 'utf8');
    assert.deepEqual(JSON.parse(file), { version: 1, exporter: 'otlp_http/elsewhere', sequence: 2 });
    await followed.journal.close();
  });

  it('starts at the end of the journal where it is told to start with the newest', async () => {
    const old = await follow(dir.path);
    await old.append('k1');
    await old.journal.close();
    const followed = await follow(dir.path);
    const { drain, sent, got } = forward(followed, { startAt: 'newest' });
    await followed.append('k2');
    await got('k2');
    await drain.stop(NO_DEADLINE);
    assert.deepEqual(sent, ['k2']);
    await followed.journal.close();
  });

  it('takes a cursor beyond the end of the journal for the end at its opening', async () => {
    const cursors = openCursorFiles(nodeDisk, dir.path, SILENT_LOG);
    const followed = await follow(dir.path);
    await cursors.save('otlp_http/elsewhere', 99);
    await followed.append('k1');
    const { drain, got } = forward(followed, { openEnd: { sequence: 0, spans: 0, bytes: 0 } });
    await got('k1');
    await drain.stop(NO_DEADLINE);
    await followed.journal.close();
  });

  it('skips what is older or further behind than it may be, counts the spans by reason, and sends the rest', async () => {
    const followed = await follow(dir.path);
    await followed.journal.append(requestOf(['k1', 'k2'], { ...PLAIN, receivedUnixMs: 1000 }));
    for (let i = 3; i <= 10; i += 1) {
      await followed.journal.append(
        requestOf([`k${i}`], { ...PLAIN, fillBytes: 1000, receivedUnixMs: Date.now() }),
      );
    }
    const { drain, sent, got, count } = forward(followed, { maxLagBytes: 4000, maxLagMs: 60_000 });
    await got('k10');
    await drain.stop(NO_DEADLINE);
    const name = 'spanmeter_exporter_skipped_spans_total';
    assert.equal(count(name, 'otlp_http/elsewhere/max_lag_age'), 2);
    const skipped = count(name, 'otlp_http/elsewhere/max_lag_bytes');
    assert.equal(skipped + sent.length, 8);
    assert.ok(sent.length >= 2 && sent.length <= 4);
    await followed.journal.close();
  });

  it('retries what may be retried and drops, counted, what the destination refuses for good', async () => {
    const followed = await follow(dir.path);
    await followed.append('k1', 'k2');
    await followed.append('k3');
    const attempts: string[] = [];
    const done = new EventEmitter();
    const { drain, count } = forward(followed, {
      async send(batch) {
        const key = batch.groups[0]?.spans[0]?.spanId ?? '';
        attempts.push(key);
        if (attempts.length < 3) throw new Refusal('unavailable', 'later', { retryAfterMs: 1 });
        if (key === 'k1') throw new Refusal('invalid', 'never');
        done.emit('done');
      },
    });
    await once(done, 'done');
    await drain.stop(NO_DEADLINE);
    assert.deepEqual(attempts, ['k1', 'k1', 'k1', 'k3']);
    assert.equal(count('spanmeter_exporter_skipped_spans_total', 'otlp_http/elsewhere/rejected'), 2);
    await followed.journal.close();
  });

  it('keeps its place when it is stopped before a dead destination', async () => {
    const followed = await follow(dir.path);
    await followed.append('k1');
    const dead = forward(followed, { send: () => Promise.reject(new Error('connection refused')) });
    await dead.drain.stop(NO_DEADLINE);
    const alive = forward(followed);
    await alive.got('k1');
    await alive.drain.stop(NO_DEADLINE);
    await followed.journal.close();
  });

  it('has its cursor dropped, with a log line, once it is no longer configured', async () => {
    const lines: string[] = [];
    const log = { ...SILENT_LOG, info: (_fields: object, message: string) => void lines.push(message) };
    const cursors = openCursorFiles(nodeDisk, dir.path, log);
    await cursors.save('otlp_http/old', 5);
    await cursors.save('otlp_http/kept', 7);
    await cursors.dropOthers(['otlp_http/kept']);
    assert.deepEqual([await cursors.load('otlp_http/old'), await cursors.load('otlp_http/kept')], [null, 7]);
    assert.match(lines.join(), /otlp_http\/old was dropped/);
  });
});
