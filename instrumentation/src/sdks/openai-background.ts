import type { Attributes } from '@opentelemetry/api';
import { attributionOf, tellingContext } from '../attribution.ts';
import { asObject, type Json } from '../json.ts';

/** More responses than this are not remembered; of the oldest, usage could then be told again. */
const MAX_REMEMBERED = 10_000;

/** A response that goes on in the background has one of these; with any other it is over. */
const UNDER_WAY: ReadonlySet<unknown> = new Set(['queued', 'in_progress']);

/** What is known of ids, the newest first to stay. */
class Remembered<T> {
  readonly #known = new Map<string, T>();

  get(id: string): T | undefined {
    return this.#known.get(id);
  }

  set(id: string, known: T): void {
    this.#known.set(id, known);
    if (this.#known.size <= MAX_REMEMBERED) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }
}

/** Who the call was for that began a response. */
const begun = new Remembered<Attributes>();
const told = new Remembered<true>();

/** Whether the usage of this response is still to come. */
export function isUnderWay(response: Json): boolean {
  return UNDER_WAY.has(response['status']);
}

/** Notes a response that was begun in the background: whoever first sees it finished has its usage to tell. */
export function noteBegun(response: Json): void {
  if (typeof response['id'] === 'string') begun.set(response['id'], attributionOf(tellingContext()));
}

/** Who a response that was begun here is for, whoever looks at it: a loop that polls, or a webhook, knows nothing of it. */
export function begunFor(response: Json): Attributes {
  return begun.get(String(response['id'])) ?? {};
}

/**
 * Whether this response's usage is to be told now: it ran in the background, it is over, and nobody in this process
 * has told it yet. What ran in the foreground was told when it was created.
 */
export function takesUsage(response: Json): boolean {
  const id = response['id'];
  if (typeof id !== 'string' || isUnderWay(response) || asObject(response['usage']) === undefined)
    return false;
  if (told.get(id) || !(response['background'] === true || begun.get(id) !== undefined)) return false;
  told.set(id, true);
  return true;
}

/** Notes that usage was told by the call that began the response. */
export function noteTold(response: Json): void {
  if (typeof response['id'] === 'string') told.set(response['id'], true);
}
