import type { Message } from './message.ts';

/** What became of one attempt. Reasons are sentences without secrets, at most 300 characters. */
export type Attempt =
  | { readonly outcome: 'sent'; readonly answer: string }
  /** May be sent again, not before `retryAfterMs` where the other side asked for that. */
  | { readonly outcome: 'retry'; readonly reason: string; readonly retryAfterMs: number | null }
  /** Would be refused again. */
  | { readonly outcome: 'refused'; readonly reason: string };

/** Something that messages go to. */
export interface Channel {
  readonly id: string;
  readonly type: 'webhook' | 'slack' | 'email';
  /** Longest that one attempt takes. */
  readonly timeoutMs: number;
  /** How many messages it takes at once, each of another tenant: one tenant's come in order. */
  readonly atOnce: number;
  /** Makes one attempt; never rejects. One that `signal` ends comes back as `retry`. */
  send(message: Message, signal: AbortSignal): Promise<Attempt>;
  /** Ends what it keeps open. */
  close(): void;
}
