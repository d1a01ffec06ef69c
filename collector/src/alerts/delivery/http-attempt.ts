import type { Attempt } from './channel.ts';
import { postOnce, type PostAnswer, type PostRequest } from './http-post.ts';
import { errorText } from './scrub.ts';

/** The other side may ask for patience, but not for a day of it. */
const MAX_RETRY_AFTER_MS = 3_600_000;

/** Reads Retry-After, seconds or an HTTP date, into milliseconds from now, at most an hour; null where it is neither. */
export function retryAfterMs(header: string | null, nowUnixMs: number): number | null {
  if (header === null) return null;
  const text = header.trim();
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowUnixMs;
  return Number.isNaN(waitMs) ? null : Math.min(Math.max(waitMs, 0), MAX_RETRY_AFTER_MS);
}

/** What an answer means: 2xx is taken; 408, 429 and 5xx may be tried again; anything else stays as it is. */
export function judge(
  { status, retryAfter, text }: PostAnswer,
  scrub: (text: string) => string,
  nowUnixMs: number,
): Attempt {
  if (status >= 200 && status < 300) return { outcome: 'sent', answer: `HTTP ${status}` };
  const said = text.trim() === '' ? '' : `: ${text.trim()}`;
  if (status >= 300 && status < 400) {
    return { outcome: 'refused', reason: `HTTP ${status}, a redirect, which is not followed` };
  }
  const reason = scrub(`HTTP ${status}${said}`);
  if (status !== 408 && status !== 429 && status < 500) return { outcome: 'refused', reason };
  return { outcome: 'retry', reason, retryAfterMs: retryAfterMs(retryAfter, nowUnixMs) };
}

/** Posts once and says what became of it; never rejects. */
export async function attemptPost(
  request: PostRequest,
  signal: AbortSignal,
  scrub: (text: string) => string,
): Promise<Attempt> {
  try {
    return judge(await postOnce(request, signal), scrub, Date.now());
  } catch (error) {
    return { outcome: 'retry', reason: scrub(errorText(error)), retryAfterMs: null };
  }
}
