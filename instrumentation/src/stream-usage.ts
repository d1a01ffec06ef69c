import { diagnostics } from './diagnostics.ts';

let wanted: boolean | undefined;
let told = false;

/**
 * Whether `SPANMETER_STREAM_USAGE=true` allows to ask for the usage of a stream on behalf of an app that did not.
 * Off by default, since it changes the app's request.
 */
export function wantsStreamUsage(): boolean {
  return (wanted ??= process.env['SPANMETER_STREAM_USAGE']?.trim().toLowerCase() === 'true');
}

/** Says once in a process that streams carry no usage, and what to do about it. */
export function warnStreamUsage(module: string): void {
  if (told) return;
  told = true;
  diagnostics.warn(
    `spanmeter: a stream of ${module} was requested without its usage, so that it can only be estimated. Set ` +
      'stream_options: { include_usage: true } in the request, or SPANMETER_STREAM_USAGE=true to have it asked for.',
  );
}
