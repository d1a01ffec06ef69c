import { context } from '@opentelemetry/api';
import { diagnostics } from './diagnostics.ts';
import { describeFault } from './faults.ts';
import { withAttribution, type Attribution } from './attribution.ts';
import { isPromise } from './promises.ts';

/** As much of a request as is looked at: that of Express 4 and 5, Connect, and Node itself. */
export interface AttributedRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** Where one value comes from: the name of a header, or a function of the request. */
export type AttributionSource<Req> = string | ((request: Req) => string | number | null | undefined);

/** Where each value of an attribution comes from. */
export type AttributionSources<Req> = { readonly [K in keyof Attribution]?: AttributionSource<Req> };

/** A middleware of Express, by its shape. */
export type AttributionMiddleware<Req> = (request: Req, response: unknown, next: () => void) => void;

const FIELDS: readonly (keyof Attribution)[] = ['tenant', 'team', 'user', 'session', 'feature'];
/** Characters of a value; a longer one comes from no one honest. */
const MAX_VALUE = 256;

/**
 * A middleware that attributes every LLM call made while a request is answered: `app.use(attribution({ tenant: (req) =>
 * req.auth.tenant, user: 'x-user-id' }))`. A source that fails, or gives no text, leaves its value out; the request
 * goes on.
 */
export function attribution<Req extends AttributedRequest = AttributedRequest>(
  sources: AttributionSources<Req>,
): AttributionMiddleware<Req> {
  const given = FIELDS.flatMap((field) => {
    const source = sources[field];
    return source === undefined ? [] : [{ field, read: readerOf<Req>(source) }];
  });
  return (request, response, next) => {
    const values: { -readonly [K in keyof Attribution]: Attribution[K] } = {};
    for (const { field, read } of given) {
      const value = valueOf(field, read, request);
      if (value !== undefined) values[field] = value;
    }
    withAttribution(values, () => {
      bindEvents(request);
      bindEvents(response);
      next();
    });
  };
}

function readerOf<Req extends AttributedRequest>(source: AttributionSource<Req>): (request: Req) => unknown {
  if (typeof source === 'function') return source;
  const name = source.toLowerCase();
  return ({ headers }) => {
    const value = headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
}

function valueOf<Req>(
  field: keyof Attribution,
  read: (request: Req) => unknown,
  request: Req,
): string | undefined {
  try {
    const value = read(request);
    if (isPromise(value)) {
      // It comes too late; and what it rejects with must not end the process.
      value.catch(() => undefined);
      throw new TypeError('a source of an attribution gives a value, not a promise');
    }
    const text = typeof value === 'number' ? String(value) : value;
    return typeof text === 'string' && text !== '' && text.length <= MAX_VALUE ? text : undefined;
  } catch (fault) {
    sayOnce(field, fault);
    return undefined;
  }
}

/** What listens to a request later, as parsers of bodies do, runs in the request's context too. */
function bindEvents(emitter: unknown): void {
  try {
    context.bind(context.active(), emitter);
  } catch (fault) {
    sayOnce('events', fault);
  }
}

const said = new Set<string>();

function sayOnce(what: string, fault: unknown): void {
  if (said.has(what)) return;
  said.add(what);
  diagnostics.warn(`spanmeter: the attribution middleware could not read ${what}`, describeFault(fault));
}
