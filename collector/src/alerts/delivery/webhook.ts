import { createHmac } from 'node:crypto';
import { VERSION } from '../../telemetry/version.ts';
import { signingKey, type WebhookOptions } from '../channel-options.ts';
import type { Channel } from './channel.ts';
import { attemptPost } from './http-attempt.ts';
import type { Message, NotifiedAlert } from './message.ts';
import { createScrubber, headerSecrets, urlSecrets } from './scrub.ts';

/** Version of the body: it gets new fields without a new version, and loses or changes none. */
const BODY_VERSION = '1';
/** A receiver a tenth of a second away takes eighty a second so, instead of ten. */
const AT_ONCE = 8;

function alertBody(alert: NotifiedAlert): object {
  const { startedAt, resolvedAt, ...rest } = alert;
  return { ...rest, started_at: startedAt, resolved_at: resolvedAt };
}

/** [contract] The body of a webhook, as docs/notifications.md says. */
export function webhookBody(message: Message): string {
  return JSON.stringify({
    version: BODY_VERSION,
    id: message.id,
    kind: message.kind,
    tenant: message.tenant,
    alert: message.alert === null ? null : alertBody(message.alert),
    summary: message.summary,
    dashboard_url: message.dashboardUrl,
    text: message.text,
  });
}

/** Signature of Standard Webhooks 1.0: HMAC-SHA256 of `id.timestamp.body`, once for each key. */
export function signatureHeaders(
  message: { readonly id: string; readonly body: string },
  keys: readonly Buffer[],
  nowUnixMs: number,
): Record<string, string> {
  const timestamp = String(Math.floor(nowUnixMs / 1_000));
  const content = `${message.id}.${timestamp}.${message.body}`;
  const signatures = keys.map((key) => `v1,${createHmac('sha256', key).update(content).digest('base64')}`);
  return {
    'webhook-id': message.id,
    'webhook-timestamp': timestamp,
    ...(signatures.length === 0 ? {} : { 'webhook-signature': signatures.join(' ') }),
  };
}

/** Posts JSON, signed where a secret is configured. */
export function openWebhook(id: string, options: WebhookOptions): Channel {
  const url = new URL(options.url.reveal());
  const secrets = [options.secret, options.previous_secret].filter((secret) => secret !== undefined);
  const keys = secrets.map(signingKey);
  const headers = Object.fromEntries(
    Object.entries(options.headers).map(([name, value]) => [name, value.reveal()]),
  );
  const scrub = createScrubber([
    ...urlSecrets(url),
    ...Object.values(headers).flatMap(headerSecrets),
    ...secrets.map((secret) => secret.reveal()),
  ]);
  return {
    id,
    type: 'webhook',
    timeoutMs: options.timeout,
    atOnce: AT_ONCE,
    send(message, signal) {
      const body = webhookBody(message);
      const request = {
        url,
        headers: {
          ...headers,
          'content-type': 'application/json',
          'user-agent': `spanmeter/${VERSION}`,
          ...signatureHeaders({ id: message.id, body }, keys, Date.now()),
        },
        body,
        timeoutMs: options.timeout,
        caFile: options.tls.ca_file ?? null,
      };
      return attemptPost(request, signal, scrub);
    },
    close: () => undefined,
  };
}
