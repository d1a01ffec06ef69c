import { asObject, type Json } from '../json.ts';

/** More responses than this are not remembered; of the oldest, usage could then be told again. */
const MAX_REMEMBERED = 10_000;

/** A response that goes on in the background has one of these; with any other it is over. */
const UNDER_WAY: ReadonlySet<unknown> = new Set(['queued', 'in_progress']);

/** Ids, the newest first to stay. */
class RememberedIds {
  readonly #ids = new Set<string>();

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  add(id: string): void {
    this.#ids.add(id);
    if (this.#ids.size <= MAX_REMEMBERED) return;
    for (const oldest of this.#ids) {
      this.#ids.delete(oldest);
      return;
    }
  }
}

const begun = new RememberedIds();
const told = new RememberedIds();

/** Whether the usage of this response is still to come. */
export function isUnderWay(response: Json): boolean {
  return UNDER_WAY.has(response['status']);
}

/** Notes a response that was begun in the background: whoever first sees it finished has its usage to tell. */
export function noteBegun(response: Json): void {
  if (typeof response['id'] === 'string') begun.add(response['id']);
}

/**
 * Whether this response's usage is to be told now: it ran in the background, it is over, and nobody in this process
 * has told it yet. What ran in the foreground was told when it was created.
 */
export function takesUsage(response: Json): boolean {
  const id = response['id'];
  if (typeof id !== 'string' || isUnderWay(response) || asObject(response['usage']) === undefined)
    return false;
  if (told.has(id) || !(response['background'] === true || begun.has(id))) return false;
  told.add(id);
  return true;
}

/** Notes that usage was told by the call that began the response. */
export function noteTold(response: Json): void {
  if (typeof response['id'] === 'string') told.add(response['id']);
}
