import { isRefusedAddress } from './address.ts';

/** A server that takes mail. */
export interface SmtpServer {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte; otherwise STARTTLS. */
  readonly implicitTls: boolean;
  readonly user: string | null;
  readonly password: string | null;
}

const MAILBOX = /^[^\s@<>,;:"()[\]\\\p{Cc}]+@[^\s@<>,;:"()[\]\\\p{Cc}]+$/u;

/** Splits `Name <address>`; null where there is no address, or one that could smuggle in another. */
export function parseMailbox(text: string): { readonly name: string; readonly address: string } | null {
  const match = /^(?:"?([^"<>\p{Cc}]*?)"?\s*<([^<>]+)>|([^<>]+))$/u.exec(text.trim());
  const address = match?.[2] ?? match?.[3] ?? '';
  return MAILBOX.test(address) ? { name: match?.[1] ?? '', address } : null;
}

export function isMailAddress(text: string): boolean {
  return parseMailbox(text) !== null;
}

/** Why a text is no usable SMTP URL; null where it is one. Never quotes the text: it holds a password. */
export function smtpFault(text: string): string | null {
  if (!/^smtps?:\/\//i.test(text) || !URL.canParse(text)) {
    return 'write smtps://user:password@host:465, or smtp://user:password@host:587 for STARTTLS';
  }
  const { hostname, pathname, search, hash, username, password } = new URL(text);
  if (hostname === '') return 'the host is missing';
  if (pathname.length > 1 || search !== '' || hash !== '')
    return 'only user, password, host and port belong there';
  if ((username === '') !== (password === '')) return 'user and password belong together';
  if (isRefusedAddress(hostname)) return 'link-local and metadata addresses are not sent to';
  try {
    decodeURIComponent(username + password);
    return null;
  } catch {
    return 'write % in user and password as %25';
  }
}

/** Reads a URL that `smtpFault` found nothing wrong with. */
export function parseSmtpUrl(text: string): SmtpServer {
  const { protocol, hostname, port, username, password } = new URL(text);
  const implicitTls = protocol.toLowerCase() === 'smtps:';
  return {
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? (implicitTls ? 465 : 587) : Number(port),
    implicitTls,
    user: username === '' ? null : decodeURIComponent(username),
    password: password === '' ? null : decodeURIComponent(password),
  };
}
