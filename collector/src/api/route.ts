import type { TenantBooks } from '@spanmeter/processors';
import type { ClientBase } from 'pg';
import type { z } from 'zod';
import type { BudgetWatch } from '../budgets/budget-watch.ts';
import type { BudgetForecasts } from '../forecast/forecast.ts';
import type { Identity } from '../pipeline/identity.ts';
import { Refusal } from '../pipeline/refusal.ts';
import type { Alone } from './alone.ts';
import type { Reader } from './reader.ts';

/**
 * Who may call a route: `public` anybody; `spend` whoever may read spend (read and admin keys, and everybody
 * where no authentication is configured); `operator` the same without keys that belong to one tenant; `own_budgets`
 * whoever may read spend, and ingest and gateway keys.
 */
export type Access = 'public' | 'spend' | 'operator' | 'own_budgets';

/** GET routes read in a snapshot under row-level security; the others change something, for operators only. */
export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/** Who a change is told of in the audit log, and how it is made. */
export interface Writer {
  /** `key:<id>`, or `api` where no authentication is configured. */
  readonly actor: string;
  /** Runs `work` in one transaction of the tables' owner. Rejects with Refusal `unavailable` as the reader does. */
  write<T>(work: (client: ClientBase) => Promise<T>): Promise<T>;
}

/** What a handler gets besides its query. */
export interface RouteContext {
  readonly identity: Identity;
  readonly reader: Reader;
  readonly now: () => Date;
  /** The collector's state, as the caller of `createApi` tells it. */
  readonly status: () => object | Promise<object>;
  /** The books that calls are priced by now; they may be others at the next request. */
  readonly books: () => TenantBooks;
  readonly writer: Writer;
  /** Budgets as they stand, from memory; null before they were read for the first time. */
  readonly budgets: () => BudgetWatch | null;
  /** Forecasts of their states; null where nobody makes any. */
  readonly forecasts: () => BudgetForecasts | null;
  /** The values of the path's `{names}`. */
  readonly params: Readonly<Record<string, string>>;
  /** The turn of work that would take too much if several did it at once. */
  readonly alone: Alone;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

export interface CsvAnswer {
  readonly filename: string;
  readonly csv: string;
}

/** JSON by default. */
export type RouteAnswer = { readonly json: unknown } | CsvAnswer;

/** One endpoint: what it accepts, answers and promises. The OpenAPI document follows from it. */
export interface Route {
  /** May have `{names}`, whose values are in the context's `params`. */
  readonly path: string;
  /** GET unless given. */
  readonly method?: Method;
  readonly summary: string;
  readonly description: string;
  readonly access: Access;
  /** Strict, so that a misspelt parameter is an error and not a different question. */
  readonly query: z.ZodObject;
  /** Of a change: a JSON object, strict as the query is. */
  readonly body?: z.ZodObject;
  readonly answer: z.ZodType;
  /** An answer as it might be; held to `answer` by a test. */
  readonly example: unknown;
  readonly csv?: boolean;
  handle(query: unknown, context: RouteContext, body: unknown): Promise<RouteAnswer>;
}

type RouteOf<Q extends z.ZodObject> = Omit<Route, 'query' | 'body' | 'method' | 'handle'> & {
  readonly query: Q;
  handle(query: z.output<Q>, context: RouteContext): Promise<RouteAnswer>;
};

/** Ties a handler's parameter to its schema. */
export function defineRoute<Q extends z.ZodObject>(route: RouteOf<Q>): Route {
  return { ...route, handle: (query, context) => route.handle(query as z.output<Q>, context) };
}

type ChangeOf<Q extends z.ZodObject, B extends z.ZodObject> = Omit<
  Route,
  'query' | 'body' | 'access' | 'method' | 'handle'
> & {
  readonly method: Exclude<Method, 'GET'>;
  readonly query: Q;
  readonly body: B;
  handle(query: z.output<Q>, context: RouteContext, body: z.output<B>): Promise<RouteAnswer>;
};

/** The same for a route that changes something, which only operators may. */
export function defineChange<Q extends z.ZodObject, B extends z.ZodObject>(route: ChangeOf<Q, B>): Route {
  return {
    ...route,
    access: 'operator',
    handle: (query, context, body) => route.handle(query as z.output<Q>, context, body as z.output<B>),
  };
}

/** Rejects an identity that may not call a route, with Refusal `forbidden`. */
export function checkAccess(access: Access, identity: Identity): void {
  const { role } = identity;
  if (access === 'public' || role === 'admin' || role === 'open') return;
  if (access === 'own_budgets' || (access === 'spend' && role === 'read')) return;
  throw new Refusal('forbidden', `A key with role ${role} may not do this.`);
}

/** The tenant a request is about: the key's own, or the one asked for; null is all of them. */
export function tenantFor(identity: Identity, asked: string | undefined): string | null {
  if (identity.role === 'admin' || identity.role === 'open') return asked ?? null;
  if (identity.role !== 'read' || identity.tenant === null) {
    throw new Refusal('forbidden', `A key with role ${identity.role} may not do this.`);
  }
  if (asked !== undefined && asked !== identity.tenant) {
    throw new Refusal('forbidden', 'This key may only read its own tenant.');
  }
  return identity.tenant;
}

/** Routes by path, in the order in which the paths come first. */
export function byPath(routes: readonly Route[]): ReadonlyMap<string, readonly Route[]> {
  const paths = new Map<string, Route[]>();
  for (const route of routes) paths.set(route.path, [...(paths.get(route.path) ?? []), route]);
  return paths;
}
