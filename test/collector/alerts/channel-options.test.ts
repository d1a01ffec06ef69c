import assert from 'node:assert/strict';
import { z } from 'zod';
import { ALERTS_EXTENSION } from '@spanmeter/collector/dist/extensions/alerts.js';
import {
  channelOption,
  channelRoute,
  dailySummaryOption,
} from '@spanmeter/collector/dist/alerts/channel-options.js';

function faults(input: object): string[] {
  const { error } = channelOption.safeParse(input);
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

const HOOK = { type: 'webhook', url: 'https://hooks.example.com/T0/token' };
const MAIL = {
  type: 'email',
  smtp: 'smtps://u:p@mail.example.com',
  from: 'a@example.com',
  to: ['b@example.com'],
};

describe('the options of a channel', () => {
  it('take what is least for each type, and want every alert by default', () => {
    assert.deepEqual(faults(HOOK), []);
    assert.deepEqual(faults({ ...HOOK, type: 'slack' }), []);
    assert.deepEqual(faults(MAIL), []);
    assert.deepEqual(channelRoute('ops', channelOption.parse(HOOK)), {
      id: 'ops',
      tenants: null,
      kinds: null,
      minSeverity: 'info',
      sendResolved: true,
    });
  });

  it('refuse what is not HTTP, link-local and metadata addresses however written, and credentials in a URL', () => {
    for (const [url, why] of [
      ['ftp://example.com/', /only http/],
      ['file:///etc/passwd', /only http/],
      ['hooks.example.com', /whole URL/],
      ['https://user:password@example.com/', /headers/],
      ['https://169.254.169.254/latest', /link-local/],
      ['https://0xa9fea9fe/', /link-local/],
      ['https://2852039166/', /link-local/],
      ['https://[::ffff:169.254.169.254]/', /link-local/],
      ['https://[fe80::1]/', /link-local/],
      ['https://[fd00:ec2::254]/', /link-local/],
    ] as const) {
      assert.match(faults({ ...HOOK, url }).join('\n'), why, url);
    }
  });

  it('refuse http off this machine unless it says insecure', () => {
    assert.match(faults({ ...HOOK, url: 'http://hooks.example.com/' }).join('\n'), /^url: .*insecure: true/);
    assert.deepEqual(faults({ ...HOOK, url: 'http://hooks.example.com/', insecure: true }), []);
    for (const host of ['localhost', '127.0.0.1', '[::1]']) {
      assert.deepEqual(faults({ ...HOOK, url: `http://${host}:9999/` }), []);
    }
  });

  it('refuse short secrets, headers that are ours or broken, and addresses that smuggle others in', () => {
    assert.match(faults({ ...HOOK, secret: 'short' }).join(), /at least 16 bytes/);
    assert.match(faults({ ...HOOK, secret: 'whsec_c2hvcnQ=' }).join(), /at least 16 bytes/);
    assert.match(faults({ ...HOOK, headers: { 'webhook-id': 'x' } }).join(), /^headers\.webhook-id/);
    assert.match(faults({ ...HOOK, headers: { 'x-a': 'b\r\nc: d' } }).join(), /^headers\.x-a/);
    for (const to of [
      'nobody',
      'a@example.com, b@example.com',
      'a@example.com\r\nBcc: c@example.com',
      'A <a@b> c',
    ]) {
      assert.match(faults({ ...MAIL, to: [to] }).join(), /^to\.0/, to);
    }
    assert.match(
      faults({ ...MAIL, smtp: 'smtps://user@mail.example.com' }).join(),
      /password belong together/,
    );
    assert.match(faults({ ...MAIL, smtp: 'smtps://mail.example.com/?tls=off' }).join(), /only user/);
  });

  it('never show a secret, neither in a fault nor when written out again', () => {
    const secrets = {
      url: 'http://hooks.example.com/T0/tok-en-123',
      secret: 'whsec_dG9vLXNob3J0',
      headers: { 'x-y': 'z\n1' },
    };
    assert.doesNotMatch(faults({ ...HOOK, ...secrets }).join(), /tok-en|dG9v|z\n1/);
    const valid = channelOption.parse({
      ...HOOK,
      secret: 'a secret of some length',
      headers: { 'x-token': 'tok-en' },
    });
    const written = JSON.stringify(z.encode(channelOption, valid));
    assert.doesNotMatch(written, /token"?:"?tok-en|T0|some length/);
    assert.match(written, /"timeout":"5s"/);
    const mail = JSON.stringify(z.encode(channelOption, channelOption.parse(MAIL)));
    assert.doesNotMatch(mail, /u:p/);
  });
});

describe('the options of alerts', () => {
  it('take no address of dashboards that would tell a password, or cannot have a path after it', () => {
    const taken = (dashboard_url: string): boolean =>
      ALERTS_EXTENSION.options.safeParse({ dashboard_url }).success;
    for (const url of ['', 'https://grafana.example.com', 'http://127.0.0.1:3000/grafana/'])
      assert.ok(taken(url), url);
    for (const url of [
      'https://u:p@g.example',
      'https://g.example/?orgId=1',
      'https://g.example/#x',
      'ftp://g.example',
    ])
      assert.ok(!taken(url), url);
  });
});

describe('the options of the daily summary', () => {
  it('are off, or a time of day', () => {
    assert.equal(dailySummaryOption.parse({}).at, null);
    assert.equal(dailySummaryOption.parse({ at: 'off' }).at, null);
    assert.equal(dailySummaryOption.parse({ at: '07:30' }).at, 450);
    assert.deepEqual(z.encode(dailySummaryOption, dailySummaryOption.parse({ at: '07:05' })), {
      at: '07:05',
      channels: null,
      per_tenant: true,
      operator: true,
      timezone: 'UTC',
    });
    for (const at of ['24:00', '7:30', '12:60', 'noon']) {
      assert.equal(dailySummaryOption.safeParse({ at }).success, false, at);
    }
    assert.equal(dailySummaryOption.safeParse({ timezone: 'Mars/Olympus' }).success, false);
  });

  it('name channels that there are', () => {
    const wanted = (...ids: string[]) =>
      ALERTS_EXTENSION.options.safeParse({ channels: { ops: HOOK }, daily_summary: { channels: ids } });
    assert.equal(wanted('ops').success, true);
    assert.deepEqual(
      wanted('ops', 'typo', 'constructor').error?.issues.map(({ path }) => path.join('.')),
      ['daily_summary.channels.1', 'daily_summary.channels.2'],
    );
  });
});
