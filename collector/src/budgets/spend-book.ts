import type { Call } from '@spanmeter/processors';
import { ROW_SCOPES, type Budget, type BudgetState } from './budget.ts';
import { DIMENSION_OF, dimensionScope, isUnpriced, startMsOf } from './call-spend.ts';
import type { DimensionScope } from './call-spend.ts';
import { clockKey, PeriodClock } from './period-clock.ts';
import { SpendEntry } from './spend-entry.ts';

/** A registered tenant. */
export interface TenantZone {
  readonly id: string;
  readonly timezone: string;
}

interface DimensionIndex {
  readonly of: (call: Call) => string | null;
  readonly byValue: Map<string, SpendEntry[]>;
}

/** The entries of one owner, by what a call tells. */
interface Owner {
  readonly entries: SpendEntry[];
  /** Those that every call of the owner spends from. */
  readonly whole: SpendEntry[];
  readonly dimensions: Map<DimensionScope, DimensionIndex>;
}

interface Turning {
  readonly clock: PeriodClock;
  readonly entries: SpendEntry[];
}

/** What a tenant has before it is registered. */
const NEW_TENANT_ZONE = 'UTC';
/** The owner of budgets that look at all tenants. */
const OPERATOR = '';

/** Every enabled budget of every tenant with its sums. It knows no clock and no store. */
export class SpendBook {
  readonly #each: readonly Budget[];
  readonly #own = new Map<string, Budget[]>();
  readonly #owners = new Map<string, Owner>();
  readonly #operator: Owner;
  readonly #clocks = new Map<string, Turning>();
  readonly #maxEntries: number;
  #entries = 0;
  #leftOut = 0;
  #nowMs: number;
  #nextTurnMs = Infinity;

  constructor(budgets: readonly Budget[], nowMs: number, maxEntries: number) {
    this.#nowMs = nowMs;
    this.#maxEntries = maxEntries;
    const enabled = budgets.filter((budget) => budget.enabled);
    this.#each = enabled.filter((budget) => budget.scope === 'each');
    for (const budget of enabled) {
      if (budget.scope === 'each') continue;
      // A tenant may have a budget for each of thousands of users: nothing is copied for each.
      const own = this.#own.get(budget.tenantId);
      if (own === undefined) this.#own.set(budget.tenantId, [budget]);
      else own.push(budget);
    }
    this.#operator = this.#makeOwner(OPERATOR, NEW_TENANT_ZONE);
  }

  /** Budgets that found no room. */
  get leftOut(): number {
    return this.#leftOut;
  }

  /** Makes the budgets of a tenant; one that is there stays as it is. */
  addTenant({ id, timezone }: TenantZone): void {
    if (id !== OPERATOR && !this.#owners.has(id)) this.#owners.set(id, this.#makeOwner(id, timezone));
  }

  /** Makes the budgets of tenants that are not registered; after all that are. */
  addUnregistered(): void {
    for (const tenant of this.#own.keys()) this.addTenant({ id: tenant, timezone: NEW_TENANT_ZONE });
  }

  /** Adds calls that a commit inserted; the entries whose current period moved, each once. */
  add(calls: readonly Call[]): Set<SpendEntry> {
    const touched = new Set<SpendEntry>();
    let tenant: string | null = null;
    let owner = this.#operator;
    for (const call of calls) {
      const cost = call.costPicoUsd;
      const unpriced = cost === null && isUnpriced(call.costStatus);
      if (cost === null && !unpriced) continue;
      if (call.tenantId !== tenant) {
        tenant = call.tenantId;
        owner = this.#ownerOf(tenant);
      }
      const startMs = startMsOf(call);
      addTo(owner, call, startMs, cost, unpriced, touched);
      if (this.#operator.entries.length > 0) addTo(this.#operator, call, startMs, cost, unpriced, touched);
    }
    return touched;
  }

  /** Ends the periods that are over by then; their entries start anew. A time that has been before does nothing. */
  turn(nowMs: number): SpendEntry[] {
    if (nowMs <= this.#nowMs) return [];
    this.#nowMs = nowMs;
    if (nowMs < this.#nextTurnMs) return [];
    const turned: SpendEntry[] = [];
    this.#nextTurnMs = Infinity;
    for (const { clock, entries } of this.#clocks.values()) {
      const before = turned.length;
      while (clock.turnsAtMs <= nowMs) {
        clock.turn();
        for (const entry of entries) entry.turn();
        if (turned.length === before) turned.push(...entries);
      }
      this.#nextTurnMs = Math.min(this.#nextTurnMs, clock.turnsAtMs);
    }
    return turned;
  }

  /** States of a tenant, or of all with the operator's first. */
  states(tenant: string | null): BudgetState[] {
    const owners = tenant === null ? this.#allOwners() : [this.#owners.get(tenant)];
    const states: BudgetState[] = [];
    for (const owner of owners) {
      for (const { state } of owner?.entries ?? []) if (state !== null) states.push(state);
    }
    return states;
  }

  /** Every entry with a current or coming period. */
  *entries(): Generator<SpendEntry> {
    for (const owner of this.#allOwners()) {
      for (const entry of owner.entries) {
        if (entry.clock.current !== null || entry.clock.next !== null) yield entry;
      }
    }
  }

  *#allOwners(): Generator<Owner> {
    yield this.#operator;
    yield* this.#owners.values();
  }

  #ownerOf(tenant: string): Owner {
    const known = this.#owners.get(tenant);
    if (known !== undefined) return known;
    const owner = this.#makeOwner(tenant, NEW_TENANT_ZONE);
    this.#owners.set(tenant, owner);
    return owner;
  }

  #makeOwner(tenant: string, timezone: string): Owner {
    const owner: Owner = { entries: [], whole: [], dimensions: new Map() };
    const own = this.#own.get(tenant) ?? [];
    for (const budget of own) this.#addEntry(owner, budget, tenant, budget.timezone ?? timezone);
    if (tenant === OPERATOR) return owner;
    for (const budget of this.#each) {
      if (own.some(({ scope, period }) => scope === 'tenant' && period === budget.period)) continue;
      this.#addEntry(owner, budget, tenant, budget.timezone ?? timezone);
    }
    return owner;
  }

  #addEntry(owner: Owner, budget: Budget, tenant: string, timezone: string): void {
    if (this.#entries >= this.#maxEntries) {
      this.#leftOut++;
      return;
    }
    this.#entries++;
    const turning = this.#turningOf(budget, timezone);
    const entry = new SpendEntry(budget, tenant, turning.clock);
    turning.entries.push(entry);
    owner.entries.push(entry);
    const scope = dimensionScope(budget.scope);
    if (scope === null) {
      owner.whole.push(entry);
      return;
    }
    const index = owner.dimensions.get(scope) ?? { of: DIMENSION_OF[scope], byValue: new Map() };
    owner.dimensions.set(scope, index);
    const value = budget.scopeValue ?? '';
    const entries = index.byValue.get(value);
    if (entries === undefined) index.byValue.set(value, [entry]);
    else entries.push(entry);
  }

  #turningOf(budget: Budget, timezone: string): Turning {
    const key = clockKey(budget, timezone);
    const known = this.#clocks.get(key);
    if (known !== undefined) return known;
    const made = { clock: new PeriodClock(budget, timezone, this.#nowMs), entries: [] };
    this.#nextTurnMs = Math.min(this.#nextTurnMs, made.clock.turnsAtMs);
    this.#clocks.set(key, made);
    return made;
  }
}

function addTo(
  owner: Owner,
  call: Call,
  startMs: number,
  cost: bigint | null,
  unpriced: boolean,
  touched: Set<SpendEntry>,
): void {
  for (const entry of owner.whole) if (entry.add(startMs, cost, unpriced)) touched.add(entry);
  if (owner.dimensions.size === 0) return;
  for (const { of, byValue } of owner.dimensions.values()) {
    const value = of(call);
    if (value === null) continue;
    for (const entry of byValue.get(value) ?? []) {
      if (entry.add(startMs, cost, unpriced)) touched.add(entry);
    }
  }
}

/** Whether rollups cannot tell the spend of a budget. */
export function isByRow(budget: Budget): boolean {
  return ROW_SCOPES.has(budget.scope);
}
