import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import type { ClientBase } from 'pg';
import { ListenLoop } from '@spanmeter/collector/dist/database/listen-loop.js';

/** A connection as far as the loop sees one. */
class Connection extends EventEmitter {
  async end(): Promise<void> {
    await turn();
    this.emit('end');
  }
}

interface Rig {
  readonly loop: ListenLoop<ClientBase & Connection>;
  readonly connections: Connection[];
  readonly happened: string[];
  /** Emits each of them as well. */
  readonly events: EventEmitter;
}

function rig(options: { retryMs: number; gatherMs?: number; open?: () => Promise<void> }): Rig {
  const connections: Connection[] = [];
  const happened: string[] = [];
  const events = new EventEmitter();
  const note = (what: string): void => {
    happened.push(what);
    events.emit(what);
  };
  const loop = new ListenLoop({
    connect: () => {
      const connection = new Connection() as ClientBase & Connection;
      connections.push(connection);
      note('connect');
      return Promise.resolve(connection);
    },
    look: () => note('look'),
    open: () => Promise.resolve(),
    waitMs: () => 60_000,
    onError: (error) => note((error as Error).message),
    onClose: () => note('close'),
    onNotify: () => note('notify'),
    ...options,
  });
  return { loop, connections, happened, events };
}

describe('A loop that listens', () => {
  it('looks when it is connected and whenever it is told of something', async () => {
    const { loop, connections, happened, events } = rig({ retryMs: 1 });
    const first = once(events, 'look');
    loop.start();
    await first;
    const second = once(events, 'look');
    connections[0]!.emit('notification', {});
    await second;
    const third = once(events, 'look');
    loop.call();
    await third;
    await loop.stop();
    assert.deepEqual(happened, ['connect', 'look', 'notify', 'look', 'look', 'close']);
  });

  it('looks once at what comes close together', async () => {
    const { loop, connections, happened, events } = rig({ retryMs: 1, gatherMs: 20 });
    const first = once(events, 'look');
    loop.start();
    await first;
    const second = once(events, 'look');
    for (let i = 0; i < 5; i++) {
      connections[0]!.emit('notification', {});
      await turn();
    }
    await second;
    await loop.stop();
    assert.equal(happened.filter((what) => what === 'look').length, 2);
  });

  it('connects again once the connection breaks', async () => {
    const { loop, connections, happened, events } = rig({ retryMs: 1 });
    const first = once(events, 'look');
    loop.start();
    await first;
    const second = once(events, 'look');
    connections[0]!.emit('error', new Error('broken'));
    await second;
    await loop.stop();
    assert.deepEqual(happened, ['connect', 'look', 'close', 'broken', 'connect', 'look', 'close']);
  });

  it('leaves a store that refuses alone for the whole time between two attempts', async () => {
    const open = () => Promise.reject(new Error('refused'));
    const { loop, connections, happened, events } = rig({ retryMs: 60_000, open });
    const refused = once(events, 'refused');
    loop.start();
    const ended = once(connections[0]!, 'end');
    await refused;
    await ended;
    loop.call();
    for (let i = 0; i < 10; i++) await turn();
    assert.deepEqual(happened, ['connect', 'close', 'refused']);
    await loop.stop();
  });
});
