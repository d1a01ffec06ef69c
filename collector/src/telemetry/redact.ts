/** Longest text of one field or message that reaches a log line. */
const MAX_TEXT = 8_192;
const MAX_DEPTH = 6;
const MAX_ENTRIES = 100;

const SECRET_FIELD =
  /^(?:(?:proxy[-_]?)?authorization|(?:x[-_])?api[-_]?key|(?:set[-_]?)?cookie|passw(?:or)?d|pgpassword|secret|(?:client|shared)[-_]?secret|(?:access|bearer|refresh)?[-_]?token)$/i;

/** Pairs of what to find and what to put there; each keeps enough of the text to see what was hidden. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/\bsm_[A-Za-z0-9_-]{8,}/g, 'sm_[REDACTED]'],
  [/\bsk-[A-Za-z0-9_-]{16,}/g, 'sk-[REDACTED]'],
  // Passwords may hold any character, so the last @ of the run of non-spaces ends them.
  [/\b([a-z][a-z0-9+.-]{0,20}:\/\/[^\s/?#:@]*):(?!\d+[/?#])\S*@/gi, '$1:[REDACTED]@'],
  [
    /\b((?:proxy-)?authorization|x-api-key|api[-_]key)(["']?\s*[:=]\s*["']?)(?:(?:bearer|basic)\s+)?[^\s"',;]+/gi,
    '$1$2[REDACTED]',
  ],
  [
    /\b(bearer|basic)\s+(?!auth|tokens?\b|credentials?\b|scheme\b|\[REDACTED)[\w.~+/=-]{6,}/gi,
    '$1 [REDACTED]',
  ],
  [/(["'](?:\w*passw(?:or)?d|\w*secret|\w*token)["']\s*:\s*["'])[^"']*/gi, '$1[REDACTED]'],
  [/\b(\w*passw(?:or)?d|\w*secret|\w*token)=(?!\[REDACTED)("[^"]*"|'[^']*'|[^\s"'&;,]+)/gi, '$1=[REDACTED]'],
];

/** Replaces keys (`sm_…`), credentials of HTTP headers and passwords in text; cuts text over 8 KiB. */
export function redactText(text: string): string {
  let out = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}… (${text.length} characters)` : text;
  for (const [pattern, replacement] of PATTERNS) out = out.replace(pattern, replacement);
  return out;
}

function redactError(error: Error, depth: number): Record<string, unknown> {
  const out: Record<string, unknown> = { type: error.name, message: redactText(error.message) };
  if ('code' in error) out['code'] = redactValue(error.code, depth + 1);
  if (error.stack !== undefined) out['stack'] = redactText(error.stack);
  if (error.cause !== undefined) out['cause'] = redactValue(error.cause, depth + 1);
  if (error instanceof AggregateError) out['errors'] = redactValue(error.errors, depth + 1);
  return out;
}

function redactEntries(
  entries: Iterable<readonly [unknown, unknown]>,
  depth: number,
): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  let left = MAX_ENTRIES;
  for (const [key, value] of entries) {
    if (left-- === 0) {
      out['…'] = 'more';
      break;
    }
    const name = String(key);
    out[redactText(name)] = SECRET_FIELD.test(name) ? '[REDACTED]' : redactValue(value, depth + 1);
  }
  return out;
}

function redactObject(value: object, depth: number): unknown {
  if (value instanceof Error) return redactError(value, depth);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) return value.slice(0, MAX_ENTRIES).map((item) => redactValue(item, depth + 1));
  if (value instanceof Map) return redactEntries(value, depth);
  if (value instanceof Set) return redactValue([...value], depth);
  if ('toJSON' in value && typeof value.toJSON === 'function') return redactValue(value.toJSON(), depth + 1);
  return redactEntries(Object.entries(value), depth);
}

/** A copy of any value that is safe to log: secrets hidden, depth, entries and text bounded, always JSON. */
export function redactValue(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'function' || typeof value === 'symbol') return `[${typeof value}]`;
  if (typeof value !== 'object' || value === null) return value;
  return depth >= MAX_DEPTH ? '[deeper]' : redactObject(value, depth);
}
