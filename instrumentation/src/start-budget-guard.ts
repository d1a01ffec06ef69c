import type { Attributes } from '@opentelemetry/api';
import { isKeyOfOneTenant, readSpentBudgets, type BudgetSource } from './budget-client.ts';
import { BudgetExceededError, BudgetUnknownError, describeBudget, type SpentBudget } from './budget-error.ts';
import { endAdmission, setAdmission, type Admit } from './budget-guard.ts';
import { CLOCK } from './clock.ts';
import { diagnostics } from './diagnostics.ts';
import { describeFault } from './faults.ts';
import { holds, type CallDefaults } from './spent-budgets.ts';
import { MAX_TIMER_MS } from './timer-limit.ts';
import { isPromise } from './promises.ts';

/** How calls are held to the collector's hard budgets. Everything has a default. */
export interface BudgetGuardOptions extends CallDefaults {
  /** Of the collector's API; `http://127.0.0.1:8080`. */
  readonly url?: string;
  readonly key?: string;
  readonly keyFile?: string;
  /** `block` refuses calls, the default; `warn` only says so. */
  readonly mode?: 'block' | 'warn';
  /** Told once of each spent budget and period in mode `warn`; OpenTelemetry's diagnostic log where absent. */
  readonly warn?: (message: string, spent: SpentBudget) => void;
  /** What happens while budgets cannot be read: `open`, the default, lets calls through. */
  readonly fail?: 'open' | 'closed';
  /** Between two looks at the budgets; 10,000. */
  readonly intervalMs?: number;
  /** Asks for the budgets of this tenant alone, for keys that have to name one; `tenant` goes with it. */
  readonly budgetsOf?: string;
}

/** A guard that runs. */
export interface BudgetGuard {
  /** Resolves once the first look is over, whether it worked or not. */
  readonly ready: Promise<void>;
  /** Looks now; true where the collector told. Never rejects. */
  refresh(): Promise<boolean>;
  stop(): void;
}

export const DEFAULT_API_URL = 'http://127.0.0.1:8080';
export const DEFAULT_INTERVAL_MS = 10_000;
const MIN_INTERVAL_MS = 100;
/** Looks that may fail in a row until what was known counts no more. */
const STALE_AFTER = 3;
const MAX_TIMEOUT_MS = 5_000;
/** Budgets and periods that a warning was given for. */
const MAX_WARNED = 10_000;

let running: Guard | undefined;

/**
 * Holds the calls of this process to the collector's hard budgets: every call, before it is made, without waiting for
 * anything. Budgets are read every interval in the background. A second guard takes the place of the first.
 */
export function startBudgetGuard(options: BudgetGuardOptions = {}): BudgetGuard {
  running?.stop();
  const guard = new Guard(options);
  running = guard;
  return guard;
}

class Guard implements BudgetGuard {
  readonly #first: Promise<boolean>;
  readonly #options: BudgetGuardOptions;
  readonly #source: BudgetSource;
  readonly #intervalMs: number;
  readonly #timer: NodeJS.Timeout;
  #spent: readonly SpentBudget[] = [];
  #defaults: CallDefaults;
  /** Undefined until a key of one tenant could be told from others. */
  #isOneTenants: boolean | undefined;
  #freshUntilMs = 0;
  #looking: Promise<boolean> | undefined;
  #why = 'the collector was not asked yet';
  #hasFailed = false;
  readonly #warned = new Set<string>();
  readonly #admission: Admit = (call) => this.#admit(call);

  constructor(options: BudgetGuardOptions) {
    this.#options = options;
    this.#defaults = { ...options, tenant: options.tenant ?? options.budgetsOf };
    this.#isOneTenants = options.onlyTenant;
    this.#intervalMs = intervalOf(options.intervalMs);
    this.#source = {
      url: options.url ?? DEFAULT_API_URL,
      key: options.key,
      keyFile: options.keyFile,
      tenant: options.budgetsOf,
      timeoutMs: Math.min(MAX_TIMEOUT_MS, this.#intervalMs),
    };
    setAdmission(this.#admission);
    this.#timer = CLOCK.setInterval(() => void this.#refresh(), this.#intervalMs).unref();
    this.#first = this.#refresh();
  }

  get ready(): Promise<void> {
    return awaited(this.#first).then(() => undefined);
  }

  refresh(): Promise<boolean> {
    return awaited(this.#refresh());
  }

  #refresh(): Promise<boolean> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  stop(): void {
    CLOCK.clearInterval(this.#timer);
    if (running === this) running = undefined;
    endAdmission(this.#admission);
  }

  async #look(): Promise<boolean> {
    try {
      const spent = await readSpentBudgets(this.#source);
      if (spent.length > 0 && this.#isOneTenants === undefined) {
        this.#isOneTenants = await isKeyOfOneTenant(this.#source);
        this.#defaults = { ...this.#defaults, onlyTenant: this.#isOneTenants };
      }
      this.#spent = spent;
      this.#freshUntilMs = CLOCK.now() + STALE_AFTER * this.#intervalMs + this.#source.timeoutMs;
      this.#hasFailed = false;
      return true;
    } catch (error) {
      this.#why = error instanceof Error ? error.message : String(error);
      if (!this.#hasFailed) {
        const then = this.#options.fail === 'closed' ? 'refused' : 'let through';
        diagnostics.warn(`spanmeter: the budgets cannot be read (${this.#why}); calls will be ${then}`);
      }
      this.#hasFailed = true;
      return false;
    }
  }

  #admit(call: Attributes): Error | undefined {
    if (CLOCK.now() > this.#freshUntilMs) {
      const isClosed = this.#options.fail === 'closed' && this.#options.mode !== 'warn';
      return isClosed ? new BudgetUnknownError(this.#why) : undefined;
    }
    const spent = this.#spent.find((one) => isCurrent(one) && holds(one, call, this.#defaults));
    if (spent === undefined) return undefined;
    if (this.#options.mode !== 'warn') return new BudgetExceededError(spent);
    this.#warn(spent);
    return undefined;
  }

  /** Once for a budget and its period. */
  #warn(spent: SpentBudget): void {
    const id = JSON.stringify([spent.tenant, spent.budget, spent.periodEnd.getTime()]);
    if (this.#warned.has(id)) return;
    if (this.#warned.size >= MAX_WARNED) this.#warned.clear();
    this.#warned.add(id);
    const message = `${describeBudget(spent)}; calls go on, since the guard only warns`;
    const { warn } = this.#options;
    if (warn === undefined) diagnostics.warn(`spanmeter: ${message}`);
    else callQuietly(() => warn(message, spent));
  }
}

/** Code of the app's, whose faults must not turn the guard off. */
function callQuietly(call: () => unknown): void {
  try {
    const result = call();
    if (isPromise(result)) result.catch(() => undefined);
  } catch (fault) {
    diagnostics.error('spanmeter: what is to be told of spent budgets failed', describeFault(fault));
  }
}

function intervalOf(wanted: number = DEFAULT_INTERVAL_MS): number {
  if (Number.isNaN(wanted)) return DEFAULT_INTERVAL_MS;
  return Math.min(Math.max(MIN_INTERVAL_MS, wanted), MAX_TIMER_MS);
}

/** A period that is over has nothing spent in the next one; the collector says so with the next look. */
function isCurrent({ periodEnd }: SpentBudget): boolean {
  return !(Date.now() >= periodEnd.getTime());
}

/** Looks do not keep the process alive, but somebody who waits for one does. */
function awaited<T>(look: Promise<T>): Promise<T> {
  const alive = CLOCK.setInterval(() => undefined, MAX_TIMEOUT_MS);
  return look.finally(() => CLOCK.clearInterval(alive));
}
