import { SpanKind, type Attributes } from '@opentelemetry/api';
import type { AdapterHost, AnyFunction } from '../../adapter.ts';
import { canHide, hide } from '../../hidden.ts';
import { asObject, putString } from '../../json.ts';
import { ATTR_REQUEST_MODEL, ATTR_RESPONSE_ID } from '../../semconv.ts';
import { tellInnerRequests } from './inner-requests.ts';
import { messageResponse } from './message-response.ts';
import { isPromise } from '../../promises.ts';
import { besideOf, whereAndWhat } from './request.ts';

/** Results told in this process, oldest first: two full batches of the API's largest size. */
const MAX_TOLD = 200_000;

const told = new Set<string>();

/** False where this result was told before, as when an app reads a batch's results again. */
export function isNewResult(id: string): boolean {
  if (told.has(id)) return false;
  told.add(id);
  if (told.size > MAX_TOLD) for (const oldest of told.keys()) return told.delete(oldest);
  return true;
}

/**
 * Wraps `results()` of a batch: what a batch used is known only from there. Each message that it made is one call,
 * told when its line is read, once in a process however often that is; what failed, expired or was cancelled is
 * not billed. `create()` and the polling are no calls of a model.
 */
export function wrapBatchResults(batches: object, host: AdapterHost): void {
  host.wrap(batches, 'results', (original) => {
    const results: AnyFunction = function (this: unknown, ...args) {
      const result = original.apply(this, args);
      if (!host.isActive() || !isPromise(result)) return result;
      // What the app gets rejects as the SDK's does, handled or not.
      return result.then((lines: unknown) => {
        host.guard(() => watchLines(lines, (line) => tell(host, this, args[0], line)));
        return lines;
      });
    };
    return results;
  });
}

function watchLines(lines: unknown, tellLine: (line: unknown) => void): void {
  const source = lines as Partial<AsyncIterable<unknown>> | undefined;
  const iterate = source?.[Symbol.asyncIterator];
  if (source === undefined || typeof iterate !== 'function' || !canHide(source, Symbol.asyncIterator)) return;
  hide(source, Symbol.asyncIterator, function (this: unknown): AsyncIterator<unknown> {
    const iterator: AsyncIterator<unknown> = Reflect.apply(iterate, this, []);
    const next = iterator.next.bind(iterator);
    if (!canHide(iterator, 'next')) return iterator;
    hide(iterator, 'next', (...args: []) =>
      next(...args).then((step) => {
        if (step.done !== true) tellLine(step.value);
        return step;
      }),
    );
    return iterator;
  });
}

function tell(host: AdapterHost, resource: unknown, batchId: unknown, line: unknown): void {
  host.guard(() => {
    const result = asObject(asObject(line)?.['result']);
    const message = result?.['type'] === 'succeeded' ? asObject(result['message']) : undefined;
    if (message === undefined || !host.isActive()) return;
    const attributes = { ...whereAndWhat(resource, message, 'chat'), ...messageResponse(message) };
    const id = attributes[ATTR_RESPONSE_ID];
    if (typeof id === 'string' && !isNewResult(id)) return;
    const batch: Attributes = { 'spanmeter.batch': true };
    putString(batch, 'anthropic.message.batch.id', batchId);
    Object.assign(attributes, batch);
    const name = `chat ${String(attributes[ATTR_REQUEST_MODEL] ?? '')}`.trimEnd();
    host.startSpan({ name, kind: SpanKind.CLIENT, attributes })?.end();
    const usage = asObject(message['usage']);
    if (usage !== undefined) tellInnerRequests(host, besideOf(resource), message, usage, batch);
  });
}
