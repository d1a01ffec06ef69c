import { validateHeaderName, validateHeaderValue } from 'node:http';
import { z } from 'zod';
import { durationOption } from '../pipeline/option-types.ts';
import { type Secret, secretOption } from '../pipeline/secret.ts';
import { ALERT_KINDS, ALERT_SEVERITIES, type AlertKind, type AlertSeverity } from './alert.ts';
import type { ChannelRoute } from './channels.ts';
import { isLoopback, isRefusedAddress } from './delivery/address.ts';
import { isMailAddress, smtpFault } from './delivery/smtp-url.ts';

interface RouteOptions {
  readonly tenants: readonly string[] | null;
  readonly kinds: readonly AlertKind[] | null;
  readonly min_severity: AlertSeverity;
  readonly send_resolved: boolean;
  /** Milliseconds for connect and answer together. */
  readonly timeout: number;
  readonly insecure: boolean;
  readonly tls: { readonly ca_file?: string | undefined };
}

/** Options of a signed webhook. */
export interface WebhookOptions extends RouteOptions {
  readonly type: 'webhook';
  readonly url: Secret;
  readonly secret?: Secret | undefined;
  readonly previous_secret?: Secret | undefined;
  readonly headers: Readonly<Record<string, Secret>>;
}

/** Options of a Slack incoming webhook, or of what takes the same. */
export interface SlackOptions extends RouteOptions {
  readonly type: 'slack';
  readonly url: Secret;
}

/** Options of mail by SMTP. */
export interface EmailOptions extends RouteOptions {
  readonly type: 'email';
  readonly smtp: Secret;
  readonly from: string;
  readonly to: readonly string[];
}

export type ChannelOptions = WebhookOptions | SlackOptions | EmailOptions;

/** Headers that follow from what is sent. */
const OWN_HEADERS =
  /^(?:content-(?:type|length|encoding)|transfer-encoding|connection|host|user-agent|webhook-.*)$/i;
const MIN_SECRET_BYTES = 16;

function urlFault(text: string): string | null {
  if (!URL.canParse(text)) return 'write a whole URL, for example https://hooks.example.com/spanmeter';
  const { protocol, username, password, hostname } = new URL(text);
  if (protocol !== 'http:' && protocol !== 'https:') return 'only http:// and https:// can be sent to';
  if (username !== '' || password !== '') return 'put credentials into headers, not into the URL';
  return isRefusedAddress(hostname) ? 'link-local and metadata addresses are not sent to' : null;
}

/** Whether what goes to this URL can be read on the way; false where it is no URL. */
function isReadable(url: Secret): boolean {
  if (!URL.canParse(url.reveal())) return false;
  const { protocol, hostname } = new URL(url.reveal());
  return protocol === 'http:' && !isLoopback(hostname);
}

const PLAIN = 'http:// off this machine can be read on the way: use https://, or say insecure: true';

const url: z.ZodType<Secret, string> = secretOption.superRefine((secret, context) => {
  const message = urlFault(secret.reveal());
  if (message !== null) context.addIssue({ code: 'custom', message });
});

/** The key of a signature: `whsec_` and base64, as Standard Webhooks writes it, or any other text as it is. */
export function signingKey(secret: Secret): Buffer {
  const text = secret.reveal();
  return text.startsWith('whsec_') ? Buffer.from(text.slice('whsec_'.length), 'base64') : Buffer.from(text);
}

const secret: z.ZodType<Secret, string> = secretOption.refine(
  (given) => signingKey(given).length >= MIN_SECRET_BYTES,
  `expected at least ${MIN_SECRET_BYTES} bytes, as text or as whsec_ and base64`,
);

function isHeader(name: string, value: string): boolean {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return !OWN_HEADERS.test(name);
  } catch {
    return false;
  }
}

const headers = z.record(z.string(), secretOption).superRefine((all, context) => {
  for (const [name, value] of Object.entries(all)) {
    if (isHeader(name, value.reveal())) continue;
    const message = 'this header cannot be set, or not to this value';
    context.addIssue({ code: 'custom', path: [name], message });
  }
});

function routing(sendResolved: boolean, timeout: string) {
  return {
    tenants: z
      .array(z.string().max(512))
      .min(1)
      .max(1_000)
      .nullable()
      .default(null)
      .describe("Globs of tenant ids that it is for; by default all, and '' is the operator's own."),
    kinds: z
      .array(z.enum(ALERT_KINDS))
      .min(1)
      .nullable()
      .default(null)
      .describe('Kinds of alerts that it is for; by default all.'),
    min_severity: z.enum(ALERT_SEVERITIES).default('info').describe('Least severe alert that it is for.'),
    send_resolved: z
      .boolean()
      .default(sendResolved)
      .describe('Whether it is told when an alert that it was told of is over.'),
    timeout: durationOption
      .prefault(timeout)
      .refine((ms) => ms >= 100 && ms <= 60_000, 'expected between 100ms and 1m')
      .describe('Longest that connecting and the answer may take together.'),
    insecure: z.boolean().default(false).describe('Whether it may be sent without TLS off this machine.'),
    tls: z
      .strictObject({
        ca_file: z.string().min(1).optional().describe('Certificates of a private authority, as PEM.'),
      })
      .prefault({})
      .describe('How the other side proves who it is.'),
  };
}

const webhookOption = z
  .strictObject({
    type: z.literal('webhook').describe('JSON to a URL, signed as Standard Webhooks says.'),
    url: url.describe('Where to post; kept out of logs.'),
    secret: secret.optional().describe('Key of the signature; without it nothing is signed.'),
    previous_secret: secret
      .optional()
      .describe('Signed with as well, while receivers change to another secret.'),
    headers: headers.prefault({}).describe('Headers sent along; values are kept out of logs.'),
    ...routing(true, '5s'),
  })
  .refine((options) => options.insecure || !isReadable(options.url), { path: ['url'], message: PLAIN });

const slackOption = z
  .strictObject({
    type: z.literal('slack').describe('A message to an incoming webhook of Slack.'),
    url: url.describe('The incoming webhook; kept out of logs.'),
    ...routing(false, '5s'),
  })
  .refine((options) => options.insecure || !isReadable(options.url), { path: ['url'], message: PLAIN });

const mailbox = z
  .string()
  .max(320)
  .refine(isMailAddress, 'expected an address such as alerts@example.com, or Name <alerts@example.com>');

const emailOption = z
  .strictObject({
    type: z.literal('email').describe('Mail by SMTP.'),
    smtp: secretOption.describe('smtps://user:password@host:465, or smtp://… for STARTTLS.'),
    from: mailbox.describe('Sender.'),
    to: z.array(mailbox).min(1).max(50).describe('Recipients.'),
    ...routing(false, '10s'),
  })
  .superRefine(({ smtp }, context) => {
    const message = smtpFault(smtp.reveal());
    if (message !== null) context.addIssue({ code: 'custom', path: ['smtp'], message });
  });

/** One channel, by `type`: `webhook`, `slack` or `email`. */
export const channelOption: z.ZodType<ChannelOptions> = z.discriminatedUnion('type', [
  webhookOption,
  slackOption,
  emailOption,
]);

/** Which alerts a configured channel wants. */
export function channelRoute(id: string, options: ChannelOptions): ChannelRoute {
  return {
    id,
    tenants: options.tenants,
    kinds: options.kinds,
    minSeverity: options.min_severity,
    sendResolved: options.send_resolved,
  };
}

/** When and where the summary of each day goes. */
export interface DailySummaryOptions {
  /** Minutes after midnight; null is off. */
  readonly at: number | null;
  /** Ids of channels; null is all. */
  readonly channels: readonly string[] | null;
  /** Whether each tenant's own goes out, to the channels that its alerts go to. */
  readonly per_tenant: boolean;
  /** Whether one over all tenants goes out. */
  readonly operator: boolean;
  /** The zone of the operator's. */
  readonly timezone: string;
}

function timeText(minutes: number | null): string {
  if (minutes === null) return 'off';
  const padded = (part: number): string => String(part).padStart(2, '0');
  return `${padded(Math.floor(minutes / 60))}:${padded(minutes % 60)}`;
}

const timeOfDay: z.ZodType<number | null, string> = z.codec(
  z.string().regex(/^(?:off|(?:[01]\d|2[0-3]):[0-5]\d)$/, 'expected off or HH:MM'),
  z.number().nullable(),
  {
    decode: (text) => (text === 'off' ? null : Number(text.slice(0, 2)) * 60 + Number(text.slice(3))),
    encode: timeText,
  },
);

function isZone(name: string): boolean {
  try {
    Intl.DateTimeFormat('en', { timeZone: name });
    // Offsets such as +05:30 mean the opposite to PostgreSQL.
    return /^[A-Za-z]/.test(name);
  } catch {
    return false;
  }
}

/** The daily summary; off unless it says when. */
export const dailySummaryOption: z.ZodType<DailySummaryOptions> = z.strictObject({
  at: timeOfDay
    .prefault('off')
    .describe("Time of day from which yesterday's summary goes out, as HH:MM in the tenant's zone; or off."),
  channels: z
    .array(z.string())
    .min(1)
    .nullable()
    .default(null)
    .describe("Channels that get it; by default all. A tenant's goes only to those that its alerts go to."),
  per_tenant: z.boolean().default(true).describe('Whether there is one for each tenant that had calls.'),
  operator: z.boolean().default(true).describe('Whether there is one over all tenants.'),
  timezone: z
    .string()
    .refine(isZone, 'expected a time zone such as Europe/Berlin')
    .default('UTC')
    .describe('Time zone of the one over all tenants.'),
});
