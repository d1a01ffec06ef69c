import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { EndedProcess } from '../support/ended-process.ts';
import { startOpenaiStandIn, type StandIn } from '../support/provider/index.ts';
import { startSink, type OtlpSink } from './otlp-sink.ts';
import { until } from '../support/until.ts';
import { runApp, type AppOptions } from './run-app.ts';

const CALL = `
import OpenAI from 'openai';
const client = new OpenAI({ maxRetries: 0 });
const ask = (more = {}, options = {}) => client.chat.completions.create(
  { model: 'gpt-4o', messages: [{ role: 'user', content: 'hi' }], ...more }, options);
`;

/** An app that waits for ever; the test ends it by a signal once it says so. */
const WAITING = `${CALL}
await ask();
setInterval(() => {}, 1000);
console.log('ready');
`;

const OK = 'HTTP/1.1 200 OK\r\n';

/** Things in the place of a collector, by what they do with a connection. */
const BROKEN: Readonly<
  Record<string, { readonly answer: (socket: Socket) => void; readonly scheme?: 'http' | 'https' }>
> = {
  'takes connections and never answers': { answer: () => undefined },
  'ends every connection': { answer: (socket) => socket.destroy() },
  'speaks no HTTP': { answer: (socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n\r\n') },
  'answers with a web page': {
    answer: (socket) => socket.end(`${OK}Content-Type: text/html\r\n\r\n<h1>It works!</h1>`),
  },
  'answers with rubbish': { answer: (socket) => socket.end(`${OK}Content-Length: 4\r\n\r\n\x00\xff\x01{`) },
  'answers by half': {
    answer: (socket) => {
      socket.write(`${OK}Content-Length: 100\r\n\r\nhalf`, () => socket.destroy());
    },
  },
  'answers without end': {
    answer: (socket) => {
      socket.write(`${OK}Content-Length: 1000000000\r\n\r\n`);
      const more = setInterval(() => socket.write('more'), 10);
      socket.on('close', () => clearInterval(more));
    },
  },
  'switches to another protocol': {
    answer: (socket) =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'),
  },
  'asks for years of patience': {
    answer: (socket) =>
      socket.end('HTTP/1.1 503 Unavailable\r\nRetry-After: 99999999\r\nContent-Length: 0\r\n\r\n'),
  },
  'has no TLS where it should': {
    answer: (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    scheme: 'https',
  },
};

interface BrokenServer {
  readonly port: number;
  readonly connections: number;
  close(): void;
}

async function startBroken(answer: (socket: Socket) => void): Promise<BrokenServer> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server: Server = createServer((socket) => {
    connections += 1;
    sockets.add(socket.on('error', () => undefined));
    socket.once('data', () => answer(socket));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

describe('the end of the process under register', function () {
  let openai: StandIn;
  let sink: OtlpSink;

  beforeEach(async () => {
    [openai, sink] = await Promise.all([startOpenaiStandIn(), startSink()]);
  });

  afterEach(async () => {
    await Promise.all([openai.close(), sink.close()]);
  });

  const run = (options: AppOptions): Promise<EndedProcess> =>
    runApp({
      ...options,
      env: {
        OPENAI_BASE_URL: `${openai.url}/v1`,
        OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
        // Nothing leaves before the end unless the end sends it.
        OTEL_BSP_SCHEDULE_DELAY: '600000',
        ...options.env,
      },
    });

  const signalWhenReady =
    (signal: NodeJS.Signals): NonNullable<AppOptions['onOutput']> =>
    (text, child) => {
      if (text.includes('ready')) child.kill(signal);
    };

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`flushes on ${signal} and still ends by that signal`, async () => {
      const result = await run({ code: WAITING, onOutput: signalWhenReady(signal) });
      assert.equal(result.signal, signal);
      assert.equal(result.code, null);
      assert.equal(sink.spans.length, 1);
    });
  }

  it('lets a signal end a process that computes, unless a span waits', async () => {
    // A listener of ours would wait for the end of the loop.
    const code = `${CALL}
      const computes = (what) => { console.log(what); for (const end = Date.now() + 5000; Date.now() < end; ); };
      if (process.env.ASKS) await ask();
      const waits = () => process.listenerCount('SIGTERM') > 0;
      for (let looks = 0; waits() && looks < 400; looks += 1) await new Promise((next) => setTimeout(next, 5));
      computes('ready');
      console.log('computed');`;
    for (const env of [{}, { ASKS: '1', OTEL_BSP_SCHEDULE_DELAY: '1' }]) {
      const result = await run({ code, env, onOutput: signalWhenReady('SIGTERM') });
      assert.deepEqual([result.stdout, result.signal], ['ready\n', 'SIGTERM']);
    }
    assert.equal(sink.spans.length, 1);
  });

  const killAfterSpan = (child: ChildProcess): void => {
    void until(
      () => Promise.resolve(sink.spans.length),
      (count) => count > 0,
    ).then(() => child.kill('SIGKILL'));
  };

  it("leaves the app's own SIGTERM handler alone in charge, and unseen", async () => {
    const code = `${CALL}
      await ask();
      process.once('SIGTERM', () => {
        console.log('handled', process.listenerCount('SIGTERM'), process.listenerCount('SIGINT'));
        setTimeout(() => { console.log('bye'); process.exit(7); }, 300);
      });
      setInterval(() => {}, 1000);
      await undefined;
      console.log('listeners', process.listenerCount('SIGTERM'));
      console.log('ready');`;
    const result = await run({ code, onOutput: signalWhenReady('SIGTERM') });
    assert.equal(result.stdout, 'listeners 1\nready\nhandled 1 1\nbye\n');
    assert.equal(result.code, 7);
    assert.equal(sink.spans.length, 1);
  });

  it('delivers before process.exit() and keeps its code', async () => {
    const result = await run({ code: `${CALL} await ask(); process.exit(3);` });
    assert.equal(result.code, 3);
    assert.equal(sink.spans.length, 1);
  });

  it('delivers what was called before a crash, and the crash stays one', async () => {
    const code = `${CALL} await ask(); throw new Error('broken');`;
    const bare = await run({ code, preload: 'none' });
    const result = await run({ code });
    assert.equal(result.code, 1);
    assert.ok(bare.stderr.includes('broken') && result.stderr.includes('broken'));
    assert.equal(sink.spans.length, 1);
  });

  it('lets a rejection that nobody handles crash the app as it would have', async () => {
    const code = `${CALL} void ask({}, { headers: { 'x-stand-in': '{"status":500}' } });`;
    const result = await run({ code });
    const bare = await run({ code, preload: 'none' });
    assert.equal(bare.code, 1);
    assert.equal(result.code, 1);
    assert.ok(bare.stderr.includes('InternalServerError') && result.stderr.includes('InternalServerError'));
    assert.equal(sink.spans.length, 1);
  });

  for (const left of [
    'sent.asResponse()',
    'sent.withResponse()',
    'sent._thenUnwrap((data) => data)',
    'sent.catch(() => 0), sent.asResponse()',
  ]) {
    it(`tells of the same unhandled rejections where the app leaves ${left}`, async () => {
      const code = `${CALL}
        process.on('unhandledRejection', (error) => console.log('unhandled', error.status));
        const sent = ask({}, { headers: { 'x-stand-in': '{"status":400}' } });
        ${left};`;
      const [bare, ours] = [await run({ code, preload: 'none' }), await run({ code })];
      assert.deepEqual([bare.stdout, ours.stdout], ['unhandled 400\n', 'unhandled 400\n']);
      assert.equal(sink.spans.length, 1);
    });
  }

  it('ends the span of a call that was never awaited', async () => {
    await run({ code: `${CALL} void ask();` });
    assert.equal(sink.spans.length, 1);
    assert.equal(sink.spans[0]?.attributes['gen_ai.usage.output_tokens'], undefined);
  });

  it('ends the span of a stream that was dropped unread, as soon as it is collected', async () => {
    const code = `${CALL}
      await (async () => { await ask({ stream: true }); })();
      console.log('dropped');
      setInterval(() => globalThis.gc(), 10);`;
    const { signal } = await run({
      code,
      nodeOptions: ['--expose-gc'],
      env: { OTEL_BSP_SCHEDULE_DELAY: '1' },
      onOutput: (_, child) => killAfterSpan(child),
    });
    assert.equal(signal, 'SIGKILL');
    assert.equal(sink.spans.length, 1);
    assert.equal(sink.spans[0]?.attributes['gen_ai.request.stream'], true);
  });

  it('does not touch output or exit code while the collector is down', async () => {
    const code = `${CALL} console.log((await ask()).object); process.exitCode = 5;`;
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_BSP_SCHEDULE_DELAY: '1' };
    const result = await run({ code, env });
    const bare = await run({ code, preload: 'none' });
    assert.deepEqual([result.stdout, result.stderr, result.code], [bare.stdout, bare.stderr, 5]);
  });

  describe('where the collector', () => {
    const runs: Record<string, Promise<{ readonly result: EndedProcess; readonly connections: number }>> = {};

    const runWith = async (
      behaviour: string,
      provider: StandIn,
    ): Promise<{ result: EndedProcess; connections: number }> => {
      const { answer, scheme = 'http' } = BROKEN[behaviour]!;
      const server = await startBroken(answer);
      const code = `${CALL} console.log((await ask()).object); process.exitCode = 5;`;
      const env = {
        OPENAI_BASE_URL: `${provider.url}/v1`,
        OTEL_EXPORTER_OTLP_ENDPOINT: `${scheme}://127.0.0.1:${server.port}`,
        OTEL_BSP_SCHEDULE_DELAY: '1',
      };
      const result = await runApp({ code, env });
      const { connections } = server;
      server.close();
      return { result, connections };
    };

    // Side by side: each waits for its collector at the end.
    before(async () => {
      const provider = await startOpenaiStandIn();
      for (const behaviour of Object.keys(BROKEN)) runs[behaviour] = runWith(behaviour, provider);
      await Promise.all(Object.values(runs));
      await provider.close();
    });

    for (const behaviour of Object.keys(BROKEN)) {
      it(`${behaviour}, the app is not touched`, async () => {
        const { result, connections } = await runs[behaviour]!;
        assert.deepEqual([result.stdout, result.stderr, result.code], ['chat.completion\n', '', 5]);
        assert.ok(connections > 0);
      });
    }
  });

  it("calls the app's own listeners for the end once, spans or none", async () => {
    const code = `${CALL} process.on('beforeExit', () => console.log('bye')); await ask();`;
    const result = await run({ code });
    assert.deepEqual([result.stdout, result.stderr, result.code], ['bye\n', '', 0]);
    assert.equal(sink.spans.length, 1);
    const more = `${code} process.once('beforeExit', () => void ask());`;
    const [bare, again] = [await run({ code: more, preload: 'none' }), await run({ code: more })];
    assert.deepEqual([bare.stdout, again.stdout], ['bye\nbye\n', 'bye\nbye\n']);
    assert.equal(sink.spans.length, 3);
  });

  it('says nothing, and keeps the exit code, where no child process may be started', async () => {
    const [flag = '--permission'] = [...process.allowedNodeEnvironmentFlags].filter((name) =>
      ['--permission', '--experimental-permission'].includes(name),
    );
    const nodeOptions = [flag, '--allow-fs-read=*'];
    const code = `import { recordCall } from '@spanmeter/instrumentation';
      recordCall({ provider: 'own', model: 'own-1' });
      process.exit(3);`;
    const ended = await run({ code, nodeOptions });
    assert.equal(ended.code, 3);
    assert.doesNotMatch(ended.stderr, /ERR_ACCESS_DENIED/);
  });

  it('does not add to what can be seen of the process', async () => {
    const code = `console.log(Object.keys(process).join());`;
    const [bare, ours] = [await run({ code, preload: 'none' }), await run({ code })];
    assert.equal(ours.stdout, bare.stdout);
  });

  it('ends where a collector takes spans and its answers have no end', async () => {
    const broken = await startBroken((socket) => {
      socket.write(`${OK}Content-Length: 1000000000\r\n\r\n`);
    });
    const code = `import { recordCall } from '@spanmeter/instrumentation';
      for (let each = 0; each < 1200; each += 1) recordCall({ provider: 'own', model: 'own-1' });
    `;
    const { code: ended } = await run({
      code,
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${broken.port}` },
    });
    broken.close();
    assert.equal(ended, 0);
  });

  it('retries while the collector is overloaded, and delivers once', async () => {
    sink.status = 503;
    const code = `${CALL}
      await ask();
      console.log('asked');
      setInterval(() => {}, 1000);`;
    const result = await run({
      code,
      env: { OTEL_BSP_SCHEDULE_DELAY: '1' },
      onOutput: (_, child) => {
        const recover = setInterval(() => {
          if (sink.bodies.length === 0) return;
          sink.status = 200;
          clearInterval(recover);
        }, 5);
        killAfterSpan(child);
      },
    });
    assert.equal(result.stderr, '');
    assert.equal(sink.bodies.length, 2);
    assert.equal(sink.spans.length, 1);
  });
});
