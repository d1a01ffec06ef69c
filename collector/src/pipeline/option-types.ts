import { z } from 'zod';
import { parseEndpoint } from './endpoint.ts';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION = /^(?:0|(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+)$/;

function durationToMs(text: string): number {
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    total += Number(amount) * (UNIT_MS[unit ?? ''] ?? 0);
  }
  return Math.round(total);
}

function msToDuration(ms: number): string {
  for (const unit of ['h', 'm', 's']) {
    const size = UNIT_MS[unit] ?? 1;
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return ms === 0 ? '0s' : `${ms}ms`;
}

/** A duration as the Collector writes it (`200ms`, `5s`, `1h30m`, `0`), or in days (`7d`); milliseconds in the program. */
export const durationOption: z.ZodType<number, string | number> = z.codec(
  z.union([z.string(), z.number()]).refine((value) => value === 0 || DURATION.test(String(value)), {
    error: 'expected a duration such as 200ms, 5s or 1h30m',
  }),
  z.number(),
  { decode: (value) => durationToMs(String(value)), encode: msToDuration },
);

const UNIT_BYTES: Readonly<Record<string, number>> = {
  '': 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};

function sizeToBytes(size: string | number): number {
  if (typeof size === 'number') return size;
  const match = /^(\d+)\s*(KiB|MiB|GiB|TiB)?$/.exec(size);
  return match === null ? 0 : Number(match[1]) * (UNIT_BYTES[match[2] ?? ''] ?? 1);
}

/** A size: a number of bytes, or text with a unit (`64MiB`); bytes in the program. */
export const byteSizeOption: z.ZodType<number, string | number> = z.codec(
  z.union([
    z.number().int().positive(),
    z.string().regex(/^\d+\s*(KiB|MiB|GiB|TiB)?$/, { error: 'expected a size such as 67108864 or 64MiB' }),
  ]),
  z.number().int().positive(),
  { decode: sizeToBytes, encode: (bytes) => bytes },
);

/** Where a server listens, as `host:port`. */
export const endpointOption: z.ZodType<string, string> = z
  .string()
  .refine((text) => parseEndpoint(text) !== null, {
    error: 'expected host:port, such as 127.0.0.1:4317 or [::1]:4317',
  });
