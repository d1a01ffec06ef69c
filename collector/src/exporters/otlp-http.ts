import type { ComponentType } from '../pipeline/component.ts';
import { otlpHttpOptions } from './otlp-http/options.ts';
import type { OtlpHttpOptions } from './otlp-http/options.ts';

export type { OtlpHttpOptions } from './otlp-http/options.ts';
export { forwardBody } from './otlp-http/forward-body.ts';
export type { OutgoingRequest } from './otlp-http/forward-body.ts';
export { createOtlpHttpSender } from './otlp-http/sender.ts';
export type { OtlpHttpSender, SenderState } from './otlp-http/sender.ts';

/** The `otlp_http` exporter. */
export const otlpHttp: ComponentType<OtlpHttpOptions> = {
  kind: 'exporter',
  type: 'otlp_http',
  aliases: ['otlphttp'],
  summary: 'Passes spans on by OTLP/HTTP with the cost of each call added; other bytes stay as they came.',
  options: otlpHttpOptions,
};
