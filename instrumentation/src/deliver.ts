import type { ObservedCall } from './call.ts';
import { isStream, observeStream } from './stream.ts';

/** The call's answer has arrived: a stream is watched from here, anything else is the whole response. */
export function deliver(value: unknown, call: ObservedCall): void {
  try {
    if (call.hasPassedOn) return call.abandon();
    const { stream, streamOf } = call.kind;
    const source = stream === undefined ? undefined : streamOf === undefined ? value : streamOf(value);
    if (source !== undefined && isStream(source)) observeStream(source, call);
    else call.succeed(value);
  } catch (fault) {
    call.fault(fault);
    call.abandon();
  }
}
