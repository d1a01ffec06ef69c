import { z } from 'zod';

const MS_BY_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const BYTES_BY_UNIT: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/;
const DURATION_PART = /(\d+(?:\.\d+)?)(ms|s|m|h)/g;
const SIZE = /^(\d+)\s*(|B|KiB|MiB|GiB)$/;

/** Reads a duration as Go writes it (`30s`, `1m30s`, `250ms`, `0`) into milliseconds; null where it is none. */
export function parseDurationMs(text: string): number | null {
  if (text === '0') return 0;
  if (!DURATION.test(text)) return null;
  let total = 0;
  for (const [, number, unit] of text.matchAll(DURATION_PART))
    total += Number(number) * (MS_BY_UNIT[unit ?? ''] ?? 0);
  return total;
}

/** Reads a size (`512MiB`, `65536`) into bytes; null where it is none. */
export function parseBytes(text: string): number | null {
  const match = SIZE.exec(text.trim());
  return match === null ? null : Number(match[1]) * (BYTES_BY_UNIT[match[2] ?? ''] ?? 0);
}

function measure(
  parse: (text: string) => number | null,
  message: string,
): z.ZodType<number, string | number> {
  return z.union([z.string(), z.number()]).transform((value, context) => {
    const parsed = parse(String(value));
    if (parsed !== null && Number.isFinite(parsed)) return parsed;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });
}

/** A duration option; its value is in milliseconds. */
export const durationOption: z.ZodType<number, string | number> = measure(
  parseDurationMs,
  'write a duration with a unit, for example 30s, 1m30s or 250ms',
);

/** A size option; its value is in bytes. */
export const bytesOption: z.ZodType<number, string | number> = measure(
  parseBytes,
  'write a size in bytes, or with KiB, MiB or GiB, for example 512MiB',
);
