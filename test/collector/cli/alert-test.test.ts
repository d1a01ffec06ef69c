import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { z } from 'zod';
import { channelOption } from '@spanmeter/collector/dist/alerts/channel-options.js';
import { registerAlertTest } from '@spanmeter/collector/dist/cli/alert-test.js';
import { printConfig } from '@spanmeter/collector/dist/cli/print-config.js';
import { COMPONENTS } from '@spanmeter/collector/dist/components.js';
import type { ComponentType } from '@spanmeter/collector/dist/pipeline/component.js';
import { REPOSITORY } from '../../support/collector-process.ts';
import { startReceiver, type WebhookReceiver } from '../../support/webhook-receiver.ts';
import type { CliRun } from './running-cli.ts';

const REGISTRY: readonly ComponentType[] = [
  ...COMPONENTS.filter(({ type }) => type !== 'alerts'),
  {
    kind: 'extension',
    type: 'alerts',
    summary: 'Stands in for alerts.',
    options: z.strictObject({
      channels: z.record(z.string(), channelOption).default({}),
      dashboard_url: z.string().default(''),
    }),
  },
];

async function alertTest(channels: object, more: readonly string[] = [], used = true): Promise<CliRun> {
  const run = { code: 0, out: '', err: '' };
  const program = new Command('spanmeter')
    .exitOverride()
    .configureOutput({ writeErr: (text) => (run.err += text) });
  const alert = program.command('alert').exitOverride();
  const context = {
    env: {},
    write: (text: string) => (run.out += text),
    warn: (text: string) => (run.err += text),
    now: () => new Date(),
    setExitCode: (code: number) => (run.code = code),
    columns: 80,
    colours: false,
  };
  registerAlertTest(alert, context, REGISTRY);
  const own = {
    extensions: { alerts: { channels } },
    ...(used ? { service: { extensions: ['alerts'] } } : {}),
  };
  const configs = [
    '--config',
    join(REPOSITORY, 'otel-config.yaml'),
    '--config',
    `yaml:${JSON.stringify(own)}`,
  ];
  try {
    await program.parseAsync(['alert', 'test', ...configs, ...more], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    run.code = 2;
  }
  return run;
}

describe('spanmeter alert test', function () {
  let receiver: WebhookReceiver;
  beforeEach(async () => {
    receiver = await startReceiver();
  });
  afterEach(() => receiver.close());

  it('sends a test through each channel and says what came of it', async () => {
    const url = `${receiver.url}/T0KEN`;
    const { code, out } = await alertTest({ ops: { type: 'webhook', url }, chat: { type: 'slack', url } });
    assert.equal(code, 0);
    assert.match(
      out,
      /^sent {4}ops \(webhook\), \d+ ms: HTTP 200\nsent {4}chat \(slack\), \d+ ms: HTTP 200\n$/,
    );
    const kinds = receiver.received.map(({ body }) => (JSON.parse(body) as { kind?: string }).kind);
    assert.deepEqual(new Set(kinds), new Set(['test', undefined]));
  });

  it('exits with 1 where one fails, tells why without a secret, and has sent the others', async () => {
    const stuck = await startReceiver();
    stuck.react(() => undefined);
    try {
      const { code, out } = await alertTest(
        {
          ops: { type: 'webhook', url: receiver.url },
          stuck: { type: 'slack', url: `${stuck.url}/T0KEN`, timeout: '200ms' },
          mail: {
            type: 'email',
            smtp: 'smtp://me:pass-word@127.0.0.1:1',
            from: 'a@b.example',
            to: ['c@d.example'],
          },
        },
        ['--format', 'json'],
      );
      assert.equal(code, 1);
      const tested = JSON.parse(out) as { channel: string; outcome: string; answer: string }[];
      assert.deepEqual(
        tested.map(({ channel, outcome }) => `${channel} ${outcome}`),
        ['ops sent', 'stuck failed', 'mail failed'],
      );
      assert.match(tested[1]!.answer, /no answer within 200 ms/);
      assert.match(tested[2]!.answer, /ECONNREFUSED/);
      assert.doesNotMatch(out, /T0KEN|pass-word/);
    } finally {
      await stuck.close();
    }
  });

  it('sends through the channels that are named alone, and knows the names', async () => {
    const channels = {
      ops: { type: 'webhook', url: receiver.url },
      chat: { type: 'slack', url: receiver.url },
    };
    assert.equal((await alertTest(channels, ['--channel', 'ops'])).code, 0);
    assert.equal(receiver.received.length, 1);
    const unknown = await alertTest(channels, ['--channel', 'nobody']);
    assert.equal(unknown.code, 2);
    assert.match(unknown.err, /no channel "nobody"; there are: ops, chat/);
  });

  it('exits with 2 where no channel is configured, where alerts are not used, and on a fault', async () => {
    const ops = { type: 'webhook', url: receiver.url };
    assert.equal((await alertTest({})).code, 2);
    const unused = await alertTest({ ops }, [], false);
    assert.equal(unused.code, 2);
    assert.match(unused.err, /service::extensions/);
    const faulty = await alertTest({ ops: { ...ops, url: 'http://hooks.example.com/T0KEN' } });
    assert.equal(faulty.code, 2);
    assert.match(faulty.err, /extensions::alerts::channels::ops::url.*insecure/);
    assert.doesNotMatch(faulty.err, /T0KEN/);
    assert.equal(receiver.received.length, 0);
  });

  it('is configured by what print-config shows without its secrets', () => {
    const secret = 'a signing secret of mine';
    const channels = {
      ops: { type: 'webhook', url: `${receiver.url}/T0KEN`, secret, headers: { 'x-key': 'header-secret' } },
      chat: { type: 'slack', url: `${receiver.url}/T0KEN` },
      mail: {
        type: 'email',
        smtp: 'smtps://me:pass-word@mail.example',
        from: 'a@b.example',
        to: ['c@d.example'],
      },
    };
    const own = { extensions: { alerts: { channels } }, service: { extensions: ['alerts'] } };
    const config = [join(REPOSITORY, 'otel-config.yaml'), `yaml:${JSON.stringify(own)}`];
    for (const format of ['yaml', 'json'] as const) {
      const { text, exitCode } = printConfig({ config, set: [], format }, {}, REGISTRY);
      assert.equal(exitCode, 0, text);
      assert.match(text, /c@d\.example/);
      assert.match(text, /send_resolved/);
      assert.doesNotMatch(text, /T0KEN|signing secret|header-secret|pass-word/);
    }
  });
});
