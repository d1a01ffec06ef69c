import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { channelOption } from '@spanmeter/collector/dist/alerts/channel-options.js';
import type { Channel } from '@spanmeter/collector/dist/alerts/delivery/channel.js';
import { openChannel } from '@spanmeter/collector/dist/alerts/delivery/open-channel.js';
import type { Message } from '@spanmeter/collector/dist/alerts/delivery/message.js';
import { REPOSITORY } from '../../support/collector-process.ts';
import { alertMessage, HOSTILE_NAMES } from './messages.ts';

const TLS = join(REPOSITORY, 'test', 'fixtures', 'tls');
const KEY = readFileSync(join(TLS, 'localhost-key.pem'));
const CERTIFICATE = readFileSync(join(TLS, 'localhost-cert.pem'));
const PASSWORD = 'p@ss/word-of-smtp';

interface Mail {
  readonly recipients: readonly string[];
  readonly headers: ReadonlyMap<string, string>;
  readonly raw: string;
  readonly secure: boolean;
}

function headersOf(raw: string): ReadonlyMap<string, string> {
  const head = raw.slice(0, raw.indexOf('\r\n\r\n')).replace(/\r\n[ \t]+/g, ' ');
  return new Map(
    head
      .split('\r\n')
      .map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  );
}

/** The header as people read it: RFC 2047 words decoded. */
function decoded(header: string): string {
  return header
    .replace(/(\?=)\s+(=\?)/g, '$1$2')
    .replace(/=\?utf-8\?([bq])\?([^?]*)\?=/gi, (_, how: string, text: string) =>
      how.toLowerCase() === 'b'
        ? Buffer.from(text, 'base64').toString('utf8')
        : decodeURIComponent(
            text
              .replaceAll('_', ' ')
              .replace(/%/g, '%25')
              .replace(/=([0-9A-F]{2})/gi, '%$1'),
          ),
    );
}

describe('a channel for mail', function () {
  const mails: Mail[] = [];
  let server: SMTPServer | null = null;
  let channel: Channel | null = null;
  let connections = 0;

  async function listen(options: SMTPServerOptions = {}): Promise<number> {
    server = new SMTPServer({
      key: KEY,
      cert: CERTIFICATE,
      authOptional: true,
      logger: false,
      onConnect: (_session, done) => {
        connections += 1;
        done();
      },
      onAuth: ({ username, password }, _session, done) =>
        username === 'me' && password === PASSWORD
          ? done(null, { user: 'me' })
          : done(new Error('Invalid login')),
      onData(stream, session, done) {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          const raw = Buffer.concat(chunks).toString('utf8');
          const recipients = session.envelope.rcptTo.map(({ address }) => address);
          mails.push({ raw, recipients, headers: headersOf(raw), secure: session.secure });
          done();
        });
      },
      ...options,
    });
    server.on('error', () => undefined);
    await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
    return (server.server.address() as AddressInfo).port;
  }

  function send(smtp: string, message: Message = alertMessage(), more: object = {}) {
    channel ??= openChannel(
      'finance',
      channelOption.parse({
        type: 'email',
        smtp,
        from: 'Spanmeter <spanmeter@example.com>',
        to: ['a@example.com', 'Bee <b@example.com>'],
        timeout: '1s',
        ...more,
      }),
    );
    return channel.send(message, new AbortController().signal);
  }

  beforeEach(() => {
    mails.length = 0;
    connections = 0;
  });
  afterEach(async () => {
    channel?.close();
    channel = null;
    const closing = server;
    server = null;
    if (closing !== null) await new Promise<void>((resolve) => closing.close(() => resolve()));
  });

  it('sends text and HTML to every recipient, over one connection, as a thread of the alert', async () => {
    const port = await listen();
    assert.equal((await send(`smtp://127.0.0.1:${port}`)).outcome, 'sent');
    assert.equal((await send('', alertMessage({}, { kind: 'resolved' }))).outcome, 'sent');
    assert.equal(connections, 1);
    const [first, second] = mails;
    assert.deepEqual(first?.recipients, ['a@example.com', 'b@example.com']);
    assert.equal(
      first.headers.get('subject'),
      '[critical] acme: Daily cost threshold exceeded: $12.50 > $10.00',
    );
    assert.match(second?.headers.get('subject') ?? '', /^\[resolved\] acme/);
    assert.equal(first.headers.get('auto-submitted'), 'auto-generated');
    assert.equal(first.headers.get('message-id'), '<msg_0123456789abcdef0123456789abcdef@example.com>');
    assert.equal(first.headers.get('references'), second?.headers.get('references'));
    assert.match(
      first.raw,
      /text\/plain[\s\S]*\$12\.50 > \$10\.00[\s\S]*text\/html[\s\S]*\$12\.50 &gt; \$10\.00/,
    );
  });

  it('lets no name add a header, a recipient or markup', async () => {
    const port = await listen();
    for (const name of HOSTILE_NAMES) {
      const message = alertMessage({ tenant: name, name, summary: name });
      assert.equal((await send(`smtp://127.0.0.1:${port}`, message)).outcome, 'sent', name);
      const mail = mails.at(-1)!;
      assert.equal(mail.headers.get('bcc'), undefined);
      assert.deepEqual(mail.recipients, ['a@example.com', 'b@example.com']);
      const subject = decoded(mail.headers.get('subject') ?? '');
      assert.ok(subject.startsWith('[critical] ') && subject.length <= 200, subject);
      assert.doesNotMatch(mail.raw.slice(mail.raw.indexOf('text/html')), /<(?:b>tags|!channel|https:)/, name);
    }
  });

  it('logs in over TLS with a password that needs escaping in a URL', async () => {
    const port = await listen({ secure: true, authOptional: false });
    const url = `smtps://me:${encodeURIComponent(PASSWORD)}@localhost:${port}`;
    const attempt = await send(url, alertMessage(), { tls: { ca_file: join(TLS, 'localhost-cert.pem') } });
    assert.equal(attempt.outcome, 'sent');
    assert.equal(mails[0]?.secure, true);
  });

  it('does not trust a certificate that nobody signed', async () => {
    const port = await listen({ secure: true });
    const attempt = await send(`smtps://localhost:${port}`);
    assert.equal(attempt.outcome, 'retry');
    assert.match(attempt.outcome === 'retry' ? attempt.reason : '', /self-signed/);
    assert.equal(mails.length, 0);
  });

  it('gives up where the login is wrong, and shows the password nowhere', async () => {
    const port = await listen({ secure: true, authOptional: false });
    const wrong = 'wrong-and-secret';
    const url = `smtps://me:${wrong}@localhost:${port}`;
    const attempt = await send(url, alertMessage(), { tls: { ca_file: join(TLS, 'localhost-cert.pem') } });
    assert.equal(attempt.outcome, 'refused');
    const text = JSON.stringify(attempt);
    assert.match(text, /535/);
    assert.ok(
      !text.includes(wrong) && !text.includes(Buffer.from(`\0me\0${wrong}`).toString('base64')),
      text,
    );
  });

  for (const [code, outcome] of [
    [451, 'retry'],
    [550, 'refused'],
  ] as const) {
    it(`takes a reply of ${code} as ${outcome}`, async () => {
      const port = await listen({
        onMailFrom: (_address, _session, done) =>
          done(Object.assign(new Error('not from you'), { responseCode: code })),
      });
      const attempt = await send(`smtp://127.0.0.1:${port}`);
      assert.equal(attempt.outcome, outcome);
      assert.match(JSON.stringify(attempt), new RegExp(`${code}.*not from you`));
    });
  }

  it('says that it was sent where a recipient of several was refused, and how many', async () => {
    const port = await listen({
      onRcptTo: ({ address }, _session, done) =>
        address.startsWith('b@') ? done(new Error('no such mailbox')) : done(),
    });
    const attempt = await send(`smtp://127.0.0.1:${port}`);
    assert.match(attempt.outcome === 'sent' ? attempt.answer : '', /refused for 1 of the recipients/);
  });

  it('ends an attempt on a server that says nothing, and sends the next one all the same', async () => {
    let isSilent = true;
    const port = await listen({
      onMailFrom: (_address, _session, done) => {
        if (!isSilent) done();
      },
    });
    const url = `smtp://127.0.0.1:${port}`;
    const attempt = await send(url, alertMessage(), { timeout: '300ms' });
    assert.equal(attempt.outcome, 'retry');
    isSilent = false;
    assert.equal((await send(url)).outcome, 'sent');
  });

  it('may be tried again where nobody listens', async () => {
    const port = await listen();
    await new Promise<void>((resolve) => server!.close(() => resolve()));
    server = null;
    const attempt = await send(`smtp://127.0.0.1:${port}`);
    assert.equal(attempt.outcome, 'retry');
    assert.match(attempt.outcome === 'retry' ? attempt.reason : '', /ECONNREFUSED/);
  });
});
