import { redactText } from '../../telemetry/redact.ts';
import { bounded, oneLine } from './message.ts';

const MAX_REASON = 300;
/** Shorter parts of a URL are words that occur anyway. */
const MIN_SECRET = 6;

/** What of a URL must not be told: all of it, and whatever comes after the host. */
export function urlSecrets(url: URL): readonly string[] {
  const { href, pathname, search } = url;
  return [href, `${pathname}${search}`, ...pathname.split('/'), ...url.searchParams.values()];
}

/** The text without its percent-encoding, as other sides repeat it; as it is where that is not valid. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** What of a header's value must not be told: all of it, its parts after the scheme, and what Basic hides in them. */
export function headerSecrets(value: string): readonly string[] {
  const [first = '', ...rest] = value.split(/[\s,;=:"]+/).filter((part) => part !== '');
  if (rest.length === 0) return [value];
  if (first.toLowerCase() !== 'basic') return [value, value.slice(first.length).trim(), ...rest];
  const login = Buffer.from(rest.join(''), 'base64').toString('utf8');
  return [value, ...rest, login, login.slice(login.indexOf(':') + 1)];
}

/** Makes what takes secrets out of text that others wrote, as they are, in base64 or escaped for a URL; one short line. */
export function createScrubber(secrets: readonly string[]): (text: string) => string {
  const forms = secrets.flatMap((secret) => [
    secret,
    decoded(secret),
    encodeURIComponent(secret),
    Buffer.from(secret).toString('base64'),
  ]);
  // Longest first, so that no part of one is left beside another.
  const hidden = [...new Set(forms)]
    .filter((form) => form.length >= MIN_SECRET)
    .toSorted((a, b) => b.length - a.length);
  return (text) => {
    let out = text;
    for (const form of hidden) out = out.replaceAll(form, '[REDACTED]');
    return bounded(redactText(oneLine(out)), MAX_REASON);
  };
}

/** An error and its causes in one line. */
export function errorText(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0)
    return error.errors.map(errorText).join('; ');
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `: ${errorText(error.cause)}`;
  return `${error.message}${cause}`;
}
