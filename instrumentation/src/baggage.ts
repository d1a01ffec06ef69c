import { propagation, type Attributes, type Baggage, type Context } from '@opentelemetry/api';
import { attributionValue } from './attribution-value.ts';
import { asObject } from './json.ts';

/** Baggage entries that attribute a call, where `SPANMETER_BAGGAGE_KEYS` does not list others. */
export const DEFAULT_BAGGAGE_KEYS: readonly string[] = [
  'tenant.id',
  'team.id',
  'user.id',
  'session.id',
  'spanmeter.feature',
];

let keys: readonly string[] | undefined;
let hosts: readonly string[] | undefined;

function listOf(value: string | undefined): readonly string[] {
  return (value ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function baggageKeys(): readonly string[] {
  if (keys !== undefined) return keys;
  const listed = listOf(process.env['SPANMETER_BAGGAGE_KEYS']);
  if (listed.length === 0) return (keys = DEFAULT_BAGGAGE_KEYS);
  return (keys = listed[0] === 'none' ? [] : listed);
}

/** Contexts keep their baggage, which never changes, so that it is read once. */
const read = new WeakMap<Baggage, Attributes | undefined>();

/** The attributes that the baggage of `ctx` gives a call; undefined where there are none. */
export function baggageAttributes(ctx: Context): Attributes | undefined {
  const baggage = propagation.getBaggage(ctx);
  if (baggage === undefined) return undefined;
  if (read.has(baggage)) return read.get(baggage);
  let attributes: Attributes | undefined;
  for (const key of baggageKeys()) {
    const value = attributionValue(asObject(baggage.getEntry(key))?.['value']);
    if (value !== undefined) (attributes ??= {})[key] = value;
  }
  read.set(baggage, attributes);
  return attributes;
}

/** Whether `SPANMETER_BAGGAGE_HOSTS` lets baggage go to this host: by name, or all below `.example.com`. */
export function mayHaveBaggage(host: unknown): boolean {
  // Hosts of URLs are in lower case.
  hosts ??= listOf(process.env['SPANMETER_BAGGAGE_HOSTS']?.toLowerCase());
  if (typeof host !== 'string') return false;
  return hosts.some((one) => one === host || (one.startsWith('.') && host.endsWith(one)));
}
