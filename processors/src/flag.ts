import type { AttributeValue } from './call.ts';

/** A yes or no from an attribute: a boolean, or its text as languages write it (`true`, `True`); null where neither. */
export function readFlag(value: AttributeValue | undefined): boolean | null {
  if (typeof value === 'boolean') return value;
  const text = typeof value === 'string' ? value.trim().toLowerCase() : '';
  return text === 'true' ? true : text === 'false' ? false : null;
}
