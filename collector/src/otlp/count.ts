import { Refusal } from '../pipeline/refusal.ts';
import { METRIC_DATA, METRIC_KINDS, REQUEST, RESOURCE_GROUP, SCOPE_GROUP } from './fields.ts';
import { contentStart, LENGTH, malformed, plainBytes, skipPayload, tagValue, varintEnd } from './wire.ts';

// ExportMetricsServiceRequest { 1: ResourceMetrics { 2: ScopeMetrics { 2: Metric { 5|7|9|10|11: { 1: point* } } } } }
// ExportLogsServiceRequest    { 1: ResourceLogs    { 2: ScopeLogs    { 2: LogRecord* } } }

/** Field numbers from the request down to what is counted; a level may have several. */
const PATHS: Readonly<Record<'metrics' | 'logs', readonly (readonly number[])[]>> = {
  metrics: [
    [REQUEST.resourceSpans],
    [RESOURCE_GROUP.scopeGroups],
    [SCOPE_GROUP.items],
    METRIC_KINDS,
    [METRIC_DATA.dataPoints],
  ],
  logs: [[REQUEST.resourceSpans], [RESOURCE_GROUP.scopeGroups], [SCOPE_GROUP.items]],
};

/**
 * Data points or log records in a protobuf export request; checks the framing on the way down to them, not
 * inside them. Throws Refusal `invalid`.
 */
export function countItems(signal: 'metrics' | 'logs', body: Uint8Array): number {
  return countIn(plainBytes(body), 0, body.length, PATHS[signal], 0);
}

function countIn(
  bytes: Uint8Array,
  start: number,
  end: number,
  path: readonly (readonly number[])[],
  level: number,
): number {
  const wanted = path[level] ?? [];
  let count = 0;
  let at = start;
  while (at < end) {
    const payload = varintEnd(bytes, at, end);
    const tag = tagValue(bytes, at, payload);
    const stop = skipPayload(bytes, payload, end, tag, level + 1);
    if (wanted.includes(tag >>> 3)) {
      if ((tag & 7) !== LENGTH) throw malformed(at, `field ${tag >>> 3} has wire type ${tag & 7}, not 2`);
      const last = level === path.length - 1;
      count += last ? 1 : countIn(bytes, contentStart(bytes, payload, stop), stop, path, level + 1);
    }
    at = stop;
  }
  return count;
}

const JSON_PATHS: Readonly<Record<'metrics' | 'logs', readonly (readonly string[])[]>> = {
  metrics: [
    ['resourceMetrics'],
    ['scopeMetrics'],
    ['metrics'],
    ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'],
    ['dataPoints'],
  ],
  logs: [['resourceLogs'], ['scopeLogs'], ['logRecords']],
};

/** Data points or log records in an OTLP/JSON export request. Throws Refusal `invalid` for what is no JSON object. */
export function countJsonItems(signal: 'metrics' | 'logs', json: Uint8Array): number {
  let request: unknown;
  try {
    request = JSON.parse(Buffer.from(json.buffer, json.byteOffset, json.byteLength).toString('utf8'));
  } catch (cause) {
    throw new Refusal('invalid', 'the body is not JSON', { cause });
  }
  if (!isObject(request)) throw new Refusal('invalid', 'the body is not a JSON object');
  return JSON_PATHS[signal].reduce<unknown[]>(
    (found, names) => found.flatMap((value) => membersOf(value, names)),
    [request],
  ).length;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The members of these names; arrays are taken apart. */
function membersOf(value: unknown, names: readonly string[]): unknown[] {
  if (!isObject(value)) return [];
  return names.flatMap((name) => {
    const member = Object.hasOwn(value, name) ? value[name] : undefined;
    if (Array.isArray(member)) return member as unknown[];
    return isObject(member) ? [member] : [];
  });
}
