import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';

/** What a span has besides its texts: ids, times, numbers, names of attributes. */
const BASE_BYTES = 1024;

/** About how many bytes a span takes, a character for one: captured content can be a thousand times the rest. */
export function spanSize({ attributes, events }: Partial<ReadableSpan>): number {
  let bytes = BASE_BYTES + textSize(attributes);
  for (const event of events ?? []) bytes += textSize(event.attributes);
  return bytes;
}

function textSize(attributes: Readonly<Record<string, unknown>> | undefined): number {
  let characters = 0;
  for (const key in attributes) {
    const value = attributes[key];
    if (typeof value === 'string') characters += value.length;
    else if (Array.isArray(value)) {
      for (const one of value as unknown[]) characters += typeof one === 'string' ? one.length : 8;
    }
  }
  return characters;
}
