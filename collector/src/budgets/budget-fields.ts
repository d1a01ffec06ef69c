import {
  canonicalProvider,
  formatRational,
  MAX_DIMENSION_BYTES,
  parseDecimal,
  parsePico,
} from '@spanmeter/processors';
import { isCivilDate } from '../api/civil-date.ts';
import { isTimeZone, tenantIdFault } from '../keys/tenant-store.ts';
import { ascending, stepAt } from './budget-row.ts';
import { BUDGET_PERIODS, BUDGET_SCOPES, type Budget, type BudgetPeriod, type BudgetScope } from './budget.ts';

/** A budget as people write it, on the command line or in JSON. */
export interface BudgetRequest {
  /** Null for the operator's, which look at all tenants. */
  readonly tenant: string | null;
  readonly id: string;
  /** Null: the id. */
  readonly name: string | null;
  readonly scope: string;
  readonly scopeValue: string | null;
  readonly period: string;
  /** First and last day of a custom window (YYYY-MM-DD). */
  readonly from: string | null;
  readonly to: string | null;
  /** Null: the tenant's, UTC for the operator's. */
  readonly timezone: string | null;
  /** USD as decimal text. */
  readonly limitUsd: string;
  /** Percent of the limit as decimal text. */
  readonly steps: readonly string[];
  readonly hard: boolean;
  readonly enabled: boolean;
}

/** What a budget is set to. */
export type BudgetSettings = Omit<Budget, 'createdAtMs'>;

/** The fields as the API names them. */
export type BudgetField =
  | 'tenant'
  | 'id'
  | 'name'
  | 'scope'
  | 'scope_value'
  | 'period'
  | 'from'
  | 'to'
  | 'timezone'
  | 'limit_usd'
  | 'steps';

/** `message` goes on after the field's name: `must be more than 0`. */
export interface BudgetFault {
  readonly field: BudgetField;
  readonly message: string;
}

/** Steps of a budget that names none, in percent. */
export const DEFAULT_STEPS: readonly string[] = ['50', '80', '100'];

const ID = /^[a-z0-9][a-z0-9_.-]{0,63}$/;
/** Paths of the API beside `/api/v1/budgets/{id}`. */
const TAKEN_IDS: ReadonlySet<string> = new Set(['status']);
const MAX_NAME = 300;
const MAX_LIMIT_PICO = 10n ** 27n;
const MAX_STEPS = 10;
const MAX_STEP_PERCENT = 1000;
/** Percents are labels of a metric. */
const STEP = /^\d{1,4}(\.\d{1,4})?$/;
const MAX_WINDOW_DAYS = 3653;
const DAY_MS = 86_400_000;
/** Scopes that need no value: the tenant's id is the budget's own. */
export const VALUELESS_SCOPES: ReadonlySet<string> = new Set(['all', 'each', 'tenant']);

function limitFault(text: string): string | null {
  const exact = parseDecimal(text);
  if (exact === null) return 'must be an amount in USD, such as 500 or 12.50';
  if (exact.numerator <= 0n) return 'must be more than 0';
  if (exact.numerator * 10n ** 12n > MAX_LIMIT_PICO * exact.denominator) return 'must be at most 1e15 USD';
  if ((exact.numerator * 10n ** 12n) % exact.denominator !== 0n) return 'must have at most 12 decimals';
  return null;
}

function stepsFault(steps: readonly string[]): string | null {
  const isStep = (text: string): boolean =>
    STEP.test(text) && Number(text) > 0 && Number(text) <= MAX_STEP_PERCENT;
  if (steps.length < 1 || steps.length > MAX_STEPS || !steps.every(isStep)) {
    return (
      `must be 1 to ${MAX_STEPS} numbers of percent, such as 50,80,100, each more than 0 and at most ` +
      `${MAX_STEP_PERCENT}, with at most 4 decimals`
    );
  }
  if (new Set(steps.map(Number)).size !== steps.length) return 'must not have the same percent twice';
  return null;
}

function valueFault(text: string): string | null {
  if (text === '') return 'must not be empty';
  if (text.includes('\0') || /\p{Cs}/u.test(text)) return 'must be valid text without NUL';
  if (Buffer.byteLength(text) <= MAX_DIMENSION_BYTES) return null;
  return `must have at most ${MAX_DIMENSION_BYTES} bytes: longer values are cut to that when calls are stored`;
}

/** What is wrong with a value, as a sentence without its subject; null where it is fine. */
type Check<T> = (value: T) => string | null;

interface FieldChecks extends Readonly<Record<Exclude<BudgetField, 'steps'>, Check<string>>> {
  readonly steps: Check<readonly string[]>;
}

const dateFault: Check<string> = (text) => (isCivilDate(text) ? null : 'must be a date (YYYY-MM-DD)');

function oneOf(known: readonly string[]): Check<string> {
  return (text) => (known.includes(text) ? null : `must be one of ${known.join(', ')}`);
}

/** The check of each field by itself. */
export const FIELD_CHECKS: FieldChecks = {
  tenant: (text) =>
    tenantIdFault(text) === null ? null : 'must have 1 to 512 bytes and no control characters',
  id(text) {
    if (TAKEN_IDS.has(text)) return `must not be "${text}", which the API has for itself`;
    if (ID.test(text)) return null;
    return 'must be 1 to 64 of a-z, 0-9, "_", "." and "-", and begin with a letter or digit';
  },
  name: (text) =>
    text.trim() !== '' && Array.from(text).length <= MAX_NAME && !/[\p{Cc}\p{Cs}]/u.test(text)
      ? null
      : `must have 1 to ${MAX_NAME} characters and no control characters`,
  scope: oneOf(BUDGET_SCOPES),
  scope_value: valueFault,
  period: oneOf(BUDGET_PERIODS),
  from: dateFault,
  to: dateFault,
  timezone: (text) =>
    isTimeZone(text) ? null : 'must be an IANA time zone that exists, such as Europe/Rome',
  limit_usd: limitFault,
  steps: stepsFault,
};

/** Checks a field that may be absent. */
function faultOf(field: Exclude<BudgetField, 'steps'>, value: string | null): BudgetFault[] {
  const message = value === null ? null : FIELD_CHECKS[field](value);
  return message === null ? [] : [{ field, message }];
}

function fieldFaults(request: BudgetRequest): BudgetFault[] {
  const steps = FIELD_CHECKS.steps(request.steps);
  return [
    ...faultOf('tenant', request.tenant),
    ...faultOf('id', request.id),
    ...faultOf('name', request.name),
    ...faultOf('scope', request.scope),
    ...faultOf('scope_value', request.scopeValue),
    ...faultOf('period', request.period),
    ...faultOf('from', request.from),
    ...faultOf('to', request.to),
    ...faultOf('timezone', request.timezone),
    ...faultOf('limit_usd', request.limitUsd),
    ...(steps === null ? [] : [{ field: 'steps' as const, message: steps }]),
  ];
}

function scopeFaults({ tenant, scope, scopeValue }: BudgetRequest): BudgetFault[] {
  const faults: BudgetFault[] = [];
  if (scope === 'tenant' && tenant === null) {
    faults.push({ field: 'tenant', message: "must be given where the budget is a tenant's" });
  }
  if ((scope === 'all' || scope === 'each') && tenant !== null) {
    faults.push({
      field: 'tenant',
      message: `must not be given with scope "${scope}", which looks at all tenants`,
    });
  }
  if (VALUELESS_SCOPES.has(scope) && scopeValue !== null) {
    faults.push({ field: 'scope_value', message: `must not be given with scope "${scope}"` });
  }
  if (!VALUELESS_SCOPES.has(scope) && scopeValue === null && FIELD_CHECKS.scope(scope) === null) {
    faults.push({ field: 'scope_value', message: `must be given with scope "${scope}"` });
  }
  return faults;
}

function windowFaults({ period, from, to }: BudgetRequest): BudgetFault[] {
  const dates = [
    ['from', from],
    ['to', to],
  ] as const;
  if (period !== 'custom') {
    if (FIELD_CHECKS.period(period) !== null) return [];
    return dates.flatMap(([field, date]) =>
      date === null
        ? []
        : [{ field, message: `must not be given with period "${period}", only with "custom"` }],
    );
  }
  const absent = dates.flatMap(([field, date]) =>
    date === null ? [{ field, message: 'must be given with period "custom"' }] : [],
  );
  if (from === null || to === null || !isCivilDate(from) || !isCivilDate(to)) return absent;
  const days = (Date.parse(to) - Date.parse(from)) / DAY_MS;
  if (days < 0) return [{ field: 'to', message: 'must not be before the first day' }];
  if (days >= MAX_WINDOW_DAYS)
    return [{ field: 'to', message: 'must be at most 10 years after the first day' }];
  return [];
}

/** Everything that is wrong with a budget, field by field and together. */
export function budgetFaults(request: BudgetRequest): BudgetFault[] {
  return [...fieldFaults(request), ...scopeFaults(request), ...windowFaults(request)];
}

/** A provider by the name that calls are stored with, whatever spelling it was given in. */
function valueOf({ scope, scopeValue }: BudgetRequest): string | null {
  return scope === 'provider' ? (canonicalProvider(scopeValue) ?? scopeValue) : scopeValue;
}

/** What a request without faults sets. */
export function settingsOf(request: BudgetRequest): BudgetSettings {
  const limitPicoUsd = parsePico(request.limitUsd) ?? 0n;
  const parts = request.steps.map((percent) => parseDecimal(`${percent}e-2`)).filter((part) => part !== null);
  return {
    tenantId: request.tenant ?? '',
    id: request.id,
    name: request.name ?? request.id,
    scope: request.scope as BudgetScope,
    scopeValue: valueOf(request),
    period: request.period as BudgetPeriod,
    startsOn: request.from,
    endsOn: request.to,
    timezone: request.timezone,
    limitPicoUsd,
    steps: ascending(parts.map((part) => stepAt(limitPicoUsd, part))),
    hard: request.hard,
    enabled: request.enabled,
  };
}

/** The steps as the column `thresholds` has them: parts of the limit as decimal text. */
export function thresholdsOf({ steps }: BudgetSettings): string[] {
  return steps.map(({ percent }) => {
    const part = parseDecimal(`${percent}e-2`);
    return part === null ? percent : formatRational(part);
  });
}
