import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { channelOption } from '@spanmeter/collector/dist/alerts/channel-options.js';
import type { Channel } from '@spanmeter/collector/dist/alerts/delivery/channel.js';
import { openChannel } from '@spanmeter/collector/dist/alerts/delivery/open-channel.js';
import { REPOSITORY } from '../../support/collector-process.ts';
import { startReceiver, type WebhookReceiver } from '../../support/webhook-receiver.ts';
import { alertMessage, HOSTILE_NAMES } from './messages.ts';

const SECRET = `whsec_${Buffer.from('a key of thirty-two bytes exactly').toString('base64')}`;
const OTHER = 'a plain secret of some length';
const TLS = join(REPOSITORY, 'test', 'fixtures', 'tls');
const NEVER = new AbortController().signal;

function open(input: object): Channel {
  return openChannel('ops', channelOption.parse(input));
}

/** The first fenced block of a language under a heading of the documentation. */
function snippet(language: string): string {
  const page = readFileSync(join(REPOSITORY, 'docs', 'notifications.md'), 'utf8');
  const found = new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(
    page.slice(page.indexOf('## Signature')),
  );
  assert.ok(found?.[1] !== undefined, `no ${language} snippet`);
  return found[1];
}

describe('a webhook', function () {
  let receiver: WebhookReceiver;
  beforeEach(async () => {
    receiver = await startReceiver();
  });
  afterEach(() => receiver.close());

  it('is signed so that the library of Standard Webhooks takes it, with the secret and the one before', async () => {
    const channel = open({ type: 'webhook', url: receiver.url, secret: SECRET, previous_secret: OTHER });
    for (const tenant of HOSTILE_NAMES) await channel.send(alertMessage({ tenant }), NEVER);
    assert.equal(receiver.received.length, HOSTILE_NAMES.length);
    for (const [at, { body, headers }] of receiver.received.entries()) {
      const given = headers as Record<string, string>;
      const taken = new Webhook(SECRET).verify(body, given) as { tenant: string; id: string; alert: object };
      assert.equal(taken.tenant, HOSTILE_NAMES[at]);
      assert.equal(taken.id, headers['webhook-id']);
      assert.ok(new Webhook(OTHER, { format: 'raw' }).verify(body, given));
      assert.throws(() =>
        new Webhook(SECRET).verify(body.replace('acme', 'evil').replace('12.50', '1.50'), given),
      );
      assert.deepEqual(Object.keys(taken.alert).toSorted(), [
        'detail',
        'id',
        'kind',
        'name',
        'resolved_at',
        'severity',
        'started_at',
        'state',
        'subject',
        'summary',
        'tenant',
      ]);
    }
  });

  it('is not signed without a secret, and carries the headers that are configured', async () => {
    await open({ type: 'webhook', url: receiver.url, headers: { 'x-token': 'abc' } }).send(
      alertMessage(),
      NEVER,
    );
    const [request] = receiver.received;
    assert.equal(request?.headers['x-token'], 'abc');
    assert.equal(request.headers['webhook-signature'], undefined);
    assert.match(request.headers['user-agent'] ?? '', /^spanmeter\//);
  });

  for (const [language, program, extension] of [
    ['js', process.execPath, 'mjs'],
    ['python', 'python3', 'py'],
  ] as const) {
    it(`can be verified as the documentation shows in ${language}`, async () => {
      await open({ type: 'webhook', url: receiver.url, secret: SECRET }).send(
        alertMessage({ tenant: 'ünï' }),
        NEVER,
      );
      const { body, headers } = receiver.received[0]!;
      const folder = mkdtempSync(join(tmpdir(), 'spanmeter-verify-'));
      const call = {
        js: `import { readFileSync } from 'node:fs';
const { secret, body, headers } = JSON.parse(readFileSync(0, 'utf8'));
console.log(isGenuine(secret, headers, Buffer.from(body)));`,
        python: `import json, sys
given = json.load(sys.stdin)
print(str(is_genuine(given["secret"], given["headers"], given["body"].encode())).lower())`,
      }[language];
      try {
        const file = join(folder, `verify.${extension}`);
        writeFileSync(file, `${snippet(language)}\n${call}\n`);
        const ask = (changed: object): string =>
          execFileSync(program, [file], {
            input: JSON.stringify({ secret: SECRET, body, headers, ...changed }),
            encoding: 'utf8',
          }).trim();
        assert.equal(ask({}), 'true');
        assert.equal(ask({ body: `${body} ` }), 'false');
        assert.equal(ask({ secret: `whsec_${Buffer.from('another').toString('base64')}` }), 'false');
        assert.equal(ask({ headers: { ...headers, 'webhook-timestamp': '1700000000' } }), 'false');
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }

  it('trusts a private authority that is configured, and nobody else', async () => {
    const server = createServer({
      key: readFileSync(join(TLS, 'localhost-key.pem')),
      cert: readFileSync(join(TLS, 'localhost-cert.pem')),
    });
    server.on('request', (_request, response) => response.writeHead(204).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `https://localhost:${(server.address() as AddressInfo).port}/`;
    try {
      const trusting = { type: 'webhook', url, tls: { ca_file: join(TLS, 'localhost-cert.pem') } };
      assert.deepEqual(await open(trusting).send(alertMessage(), NEVER), {
        outcome: 'sent',
        answer: 'HTTP 204',
      });
      const refused = await open({ type: 'webhook', url }).send(alertMessage(), NEVER);
      assert.equal(refused.outcome, 'retry');
      assert.match(refused.outcome === 'retry' ? refused.reason : '', /self-signed certificate/);
      const absent = await open({ ...trusting, tls: { ca_file: '/no/such/file' } }).send(
        alertMessage(),
        NEVER,
      );
      assert.match(absent.outcome === 'retry' ? absent.reason : '', /ENOENT/);
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });

  it('tells no secret in its reasons, though the other side repeats them', async () => {
    const token = 'T0KEN-in-the-path';
    const url = `${receiver.url}/${token}?key=query-secret`;
    receiver.react((response) => {
      response.writeHead(400).end(`no ${url} with header-secret, ${encodeURIComponent(OTHER)} or ${OTHER}`);
    });
    const channel = open({ type: 'webhook', url, secret: OTHER, headers: { 'x-key': 'header-secret' } });
    const attempt = await channel.send(alertMessage(), NEVER);
    assert.equal(attempt.outcome, 'refused');
    const text = JSON.stringify(attempt);
    assert.match(text, /HTTP 400: no \[REDACTED\]/);
    for (const secret of [token, 'query-secret', 'header-secret', OTHER])
      assert.ok(!text.includes(secret), secret);
  });

  it('tells no part of a header or of a path either, in whatever encoding the other side repeats it', async () => {
    const basic = Buffer.from('robot:pass-word-1').toString('base64');
    for (const [authorization, said] of [
      ['Bearer tok-en.12345', 'bad token tok-en.12345'],
      ['Token token="tok-en.12345"', 'bad token tok-en.12345'],
      [`Basic ${basic}`, `no user robot with pass-word-1`],
      [`Basic ${basic}`, `no ${basic}`],
    ] as const) {
      receiver.react((response) => void response.writeHead(401).end(`${said} at /a/se/cret-path`));
      const url = `${receiver.url}/a%2Fse%2Fcret-path`;
      const attempt = await open({ type: 'webhook', url, headers: { authorization } }).send(
        alertMessage(),
        NEVER,
      );
      const text = JSON.stringify(attempt);
      assert.match(text, /HTTP 401: .*\[REDACTED\]/, text);
      for (const secret of ['tok-en.12345', 'pass-word-1', basic, 'cret-path'])
        assert.ok(!text.includes(secret), text);
    }
  });

  it('bounds what is told of an answer that never ends', async () => {
    receiver.react((response) => {
      response.writeHead(500);
      const more = (): void => {
        if (!response.destroyed) response.write('x'.repeat(65_536), more);
      };
      more();
    });
    const attempt = await open({ type: 'webhook', url: receiver.url }).send(alertMessage(), NEVER);
    assert.equal(attempt.outcome, 'retry');
    assert.ok(JSON.stringify(attempt).length < 500);
  });
});
