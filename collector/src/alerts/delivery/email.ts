import { readFile } from 'node:fs/promises';
import { createTransport, type NodemailerError, type Transporter } from 'nodemailer';
import type { EmailOptions } from '../channel-options.ts';
import { isLoopback } from './address.ts';
import type { Attempt, Channel } from './channel.ts';
import { emailHtml, emailSubject, emailText } from './email-text.ts';
import type { Message } from './message.ts';
import { createScrubber, errorText } from './scrub.ts';
import { parseMailbox, parseSmtpUrl, type SmtpServer } from './smtp-url.ts';

/** A connection that nothing was sent over for this long is ended. */
const IDLE_MS = 30_000;

function createPool(server: SmtpServer, options: EmailOptions, ca: Buffer | null): Transporter {
  const isLocal = isLoopback(server.host);
  return createTransport({
    pool: true,
    maxConnections: 1,
    // Sending again is the outbox's.
    maxRequeues: 0,
    idleTimeout: IDLE_MS,
    host: server.host,
    port: server.port,
    secure: server.implicitTls,
    requireTLS: !server.implicitTls && !isLocal && !options.insecure,
    // Mail servers on the same machine offer certificates that nobody signed.
    ignoreTLS: isLocal && options.tls.ca_file === undefined,
    connectionTimeout: options.timeout,
    greetingTimeout: options.timeout,
    socketTimeout: options.timeout,
    dnsTimeout: options.timeout,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(server.user === null ? {} : { auth: { user: server.user, pass: server.password ?? '' } }),
    ...(ca === null ? {} : { tls: { ca } }),
  });
}

function addressOf(text: string): { name: string; address: string } {
  return parseMailbox(text) ?? { name: '', address: '' };
}

function judgeError(error: unknown, scrub: (text: string) => string): Attempt {
  const code = (error as Partial<NodemailerError>).responseCode;
  const reason = scrub(errorText(error));
  // RFC 5321 4.2.1: 5yz is permanent. Without an answer, the server may be back.
  return code !== undefined && code >= 500
    ? { outcome: 'refused', reason }
    : { outcome: 'retry', reason, retryAfterMs: null };
}

class Email implements Channel {
  readonly type = 'email';
  /** One kept connection. */
  readonly atOnce = 1;
  readonly id: string;
  readonly timeoutMs: number;
  readonly #options: EmailOptions;
  readonly #server: SmtpServer;
  readonly #scrub: (text: string) => string;
  #pool: Transporter | null = null;

  constructor(id: string, options: EmailOptions) {
    this.id = id;
    this.timeoutMs = options.timeout;
    this.#options = options;
    this.#server = parseSmtpUrl(options.smtp.reveal());
    const { user, password } = this.#server;
    const login = Buffer.from(`\0${user ?? ''}\0${password ?? ''}`).toString('base64');
    this.#scrub = createScrubber(password === null ? [] : [options.smtp.reveal(), password, login]);
  }

  async send(message: Message, signal: AbortSignal): Promise<Attempt> {
    const late = AbortSignal.timeout(this.timeoutMs);
    try {
      const pool = await this.#opened();
      const info = await pool.sendMail({ ...this.#mail(message), signal: AbortSignal.any([signal, late]) });
      const rejected = info.rejected as readonly unknown[];
      const some = rejected.length === 0 ? '' : `, refused for ${rejected.length} of the recipients`;
      return { outcome: 'sent', answer: this.#scrub(`${info.response}${some}`) };
    } catch (error) {
      if (!late.aborted) return judgeError(error, this.#scrub);
      return { outcome: 'retry', reason: `no answer within ${this.timeoutMs} ms`, retryAfterMs: null };
    }
  }

  close(): void {
    this.#pool?.close();
    this.#pool = null;
  }

  async #opened(): Promise<Transporter> {
    const { ca_file: caFile } = this.#options.tls;
    this.#pool ??= createPool(
      this.#server,
      this.#options,
      caFile === undefined ? null : await readFile(caFile),
    );
    return this.#pool;
  }

  #mail(message: Message) {
    const from = addressOf(this.#options.from);
    const domain = from.address.slice(from.address.lastIndexOf('@') + 1);
    const thread =
      message.alert === null ? {} : { references: `<alert-${message.alert.id}.spanmeter@${domain}>` };
    return {
      from,
      to: this.#options.to.map(addressOf),
      subject: emailSubject(message),
      text: emailText(message),
      html: emailHtml(message),
      messageId: `<${message.id}@${domain}>`,
      ...thread,
      // RFC 3834: nobody's holiday answers it.
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Spanmeter-Id': message.id },
    };
  }
}

/** Sends mail over one kept connection. */
export function openEmail(id: string, options: EmailOptions): Channel {
  return new Email(id, options);
}
