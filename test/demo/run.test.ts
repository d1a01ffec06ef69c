import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { runDemo } from '@spanmeter/collector/dist/demo/run.js';

/** A screen that keeps what is drawn on it. */
class Screen extends Writable {
  readonly isTTY: boolean;
  readonly columns = 100;
  readonly rows = 60;
  text = '';
  onText: (text: string) => void = () => undefined;

  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    this.onText(this.text);
    done();
  }
}

const FAKE = fileURLToPath(new URL('fake-collector.js', import.meta.url));

describe('the demo', function () {
  const protocol = process.env['OTEL_EXPORTER_OTLP_PROTOCOL'];

  before(() => {
    process.env['OTEL_EXPORTER_OTLP_PROTOCOL'] = 'http/json';
  });

  after(() => {
    if (protocol === undefined) delete process.env['OTEL_EXPORTER_OTLP_PROTOCOL'];
    else process.env['OTEL_EXPORTER_OTLP_PROTOCOL'] = protocol;
  });

  const watch = (screen: Screen, entry: string, enough: (text: string) => boolean): Promise<number> => {
    const stop = new AbortController();
    // A view that never shows what is awaited must fail the test, and not keep its processes.
    const limit = setTimeout(() => stop.abort(), 90_000);
    screen.onText = (text) => {
      if (enough(text)) stop.abort();
    };
    const output = screen as unknown as NodeJS.WriteStream;
    return runDemo({ collectorEntry: entry, output, signal: stop.signal }).finally(() => clearTimeout(limit));
  };

  it('shows spend of every tenant, team, model and service, and cleans up after itself', async () => {
    const screen = new Screen(true);
    const expected = [
      'acme/support',
      'globex/search',
      'globex/ingest',
      'initech/platform',
      'claude-haiku-4-5',
      'text-embedding-3-large',
      'globex-classifier-v2',
      'no price',
      'support-bot',
      'docs-search',
      'code-review',
    ];
    const code = await watch(screen, FAKE, (text) => expected.every((name) => text.includes(name)));
    assert.equal(code, 0);
    for (const name of expected) assert.ok(screen.text.includes(name), name);
    const sql = /spanmeter-demo-\w+/.exec(screen.text);
    assert.ok(sql === null || !existsSync(sql[0]));
    assert.ok(screen.text.includes('\u001B[?25h'), 'the cursor is back');
    assert.ok(screen.text.endsWith('Stopping...\n'));
  });

  it('prints plain lines where there is no terminal', async () => {
    const screen = new Screen(false);
    const code = await watch(screen, FAKE, (text) => /\d calls, \d+ errors/.test(text));
    assert.equal(code, 0);
    assert.ok(!screen.text.includes('\u001B'));
  });

  it('ends all that it started when its terminal is closed, or nobody reads any more what it says', async () => {
    const ends: readonly ((screen: Screen) => void)[] = [
      () => void process.emit('SIGHUP'),
      (screen) => void screen.destroy(new Error('write EPIPE')),
    ];
    for (const end of ends) {
      const screen = new Screen(false);
      const dataDir = await mkdtemp(join(tmpdir(), 'spanmeter-test-'));
      const output = screen as unknown as NodeJS.WriteStream;
      let told = false;
      screen.onText = (text) => {
        if (told || !/\d calls, \d+ errors/.test(text)) return;
        told = true;
        end(screen);
      };
      assert.equal(await runDemo({ collectorEntry: FAKE, output, dataDir }), 0);
      assert.ok(told);
      const logs = (await readdir(dataDir)).filter((name) => name.endsWith('.log'));
      assert.equal(logs.length, 4, 'the collector and three services have run');
      await rm(dataDir, { recursive: true });
    }
  });

  it('says so when the collector does not start', async () => {
    const screen = new Screen(false);
    const code = await watch(screen, '/nonexistent/main.js', () => false);
    assert.equal(code, 1);
    const found = /the collector ended \(exit code 1\); see (.*demo-collector\.log)/.exec(screen.text);
    assert.ok(found?.[1] !== undefined, screen.text);
    assert.ok(existsSync(found[1]), 'the log stays, to be read');
    await rm(dirname(found[1]), { recursive: true });
  });
});
