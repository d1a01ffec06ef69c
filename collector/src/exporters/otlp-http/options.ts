import { validateHeaderName, validateHeaderValue } from 'node:http';
import { z } from 'zod';
import { Secret } from '../../pipeline/secret.ts';
import type { RetryOptions } from './retry.ts';
import { byteSizeOption, durationOption } from '../../pipeline/option-types.ts';

/** Options of `otlp_http` in the configuration; durations in milliseconds, sizes in bytes. */
export interface OtlpHttpOptions {
  readonly endpoint?: string | undefined;
  readonly traces_endpoint?: string | undefined;
  readonly headers: Readonly<Record<string, Secret>>;
  readonly compression: 'gzip' | 'none';
  readonly compression_params: { readonly level: number };
  readonly timeout: number;
  readonly retry_on_failure: RetryOptions;
  readonly max_request_bytes: number;
  readonly max_lag: { readonly bytes: number; readonly age: number };
  readonly start_at: 'head' | 'oldest';
}

/** Headers that follow from what is sent. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  'content-type',
  'content-encoding',
  'content-length',
  'transfer-encoding',
  'connection',
  'host',
]);

function urlFault(text: string): string | null {
  if (!URL.canParse(text)) return 'write a whole URL, for example http://127.0.0.1:4318';
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return 'only http:// and https:// can be sent to';
  if (url.username !== '' || url.password !== '') return 'put credentials into headers, not into the URL';
  return null;
}

const url = z.string().superRefine((text, context) => {
  const message = urlFault(text);
  if (message !== null) context.addIssue({ code: 'custom', message });
});

function isHeader(name: string, value: string): boolean {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return !OWN_HEADERS.has(name.toLowerCase());
  } catch {
    return false;
  }
}

const headers = z
  .record(z.string(), z.string())
  .superRefine((all, context) => {
    for (const [name, value] of Object.entries(all)) {
      if (isHeader(name, value)) continue;
      context.addIssue({
        code: 'custom',
        path: [name],
        message: 'this header cannot be set, or not to this value',
      });
    }
  })
  .transform((all) =>
    Object.fromEntries(Object.entries(all).map(([name, value]) => [name, new Secret(value)] as const)),
  );

const retry = z.strictObject({
  enabled: z.boolean().default(true).describe('Whether what may be sent again is.'),
  initial_interval: durationOption.prefault('5s').describe('Wait after the first failure.'),
  max_interval: durationOption
    .prefault('30s')
    .describe('Longest wait, unless the destination asks for more.'),
  multiplier: z.number().min(1).max(100).default(1.5).describe('How the wait grows with each failure.'),
  max_elapsed_time: durationOption
    .prefault('0')
    .describe('Gives a request up after this time; 0 keeps trying until max_lag is reached.'),
});

const maxLag = z.strictObject({
  bytes: byteSizeOption.prefault('512MiB').describe('Journal bytes that may wait for this destination.'),
  age: durationOption.prefault('4h').describe('Age that what waits may reach.'),
});

/** The strict schema of `otlp_http`. */
export const otlpHttpOptions: z.ZodType<OtlpHttpOptions> = z
  .strictObject({
    endpoint: url.optional().describe('Base URL of the destination; /v1/traces is appended.'),
    traces_endpoint: url.optional().describe('Whole URL for traces, taken as it is; comes before endpoint.'),
    headers: headers.prefault({}).describe('Headers sent with every request; values are kept out of logs.'),
    compression: z.enum(['gzip', 'none']).default('gzip').describe('How requests are compressed.'),
    compression_params: z
      .strictObject({
        level: z.int().min(1).max(9).default(1).describe('1 is fastest, 9 is smallest.'),
      })
      .prefault({})
      .describe('How hard gzip tries.'),
    timeout: durationOption.prefault('30s').describe('Longest wait for an answer.'),
    retry_on_failure: retry.prefault({}).describe('When a failed request is sent again.'),
    max_request_bytes: byteSizeOption
      .prefault('1MiB')
      .describe('Journalled requests are joined up to this size before compression.'),
    max_lag: maxLag.prefault({}).describe('What waits longer than this is skipped and counted.'),
    start_at: z
      .enum(['head', 'oldest'])
      .default('head')
      .describe('Where a new destination starts in the journal: at what comes now, or at the oldest kept.'),
  })
  .refine((options) => options.endpoint !== undefined || options.traces_endpoint !== undefined, {
    path: ['endpoint'],
    message: 'say where to send: endpoint or traces_endpoint',
  });

/** The URL that traces are posted to. */
export function tracesUrl({ endpoint, traces_endpoint: whole }: OtlpHttpOptions): string {
  return whole ?? `${(endpoint ?? '').replace(/\/+$/, '')}/v1/traces`;
}
