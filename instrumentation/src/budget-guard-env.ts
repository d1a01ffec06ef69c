import { diagnostics } from './diagnostics.ts';
import { asObject } from './json.ts';
import { startBudgetGuard, type BudgetGuard, type BudgetGuardOptions } from './start-budget-guard.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Starts a guard where `SPANMETER_BUDGET_GUARD` is `block` or `warn`; undefined otherwise. What calls do not say is
 * taken from the resource that their spans have.
 */
export function budgetGuardFromEnv(env: Environment): BudgetGuard | undefined {
  const mode = text(env, 'SPANMETER_BUDGET_GUARD')?.toLowerCase();
  if (mode === undefined || mode === 'off' || mode === 'false') return undefined;
  if (mode !== 'block' && mode !== 'warn') {
    diagnostics.error(
      `spanmeter: SPANMETER_BUDGET_GUARD is neither block nor warn but ${mode}; no budgets are guarded`,
    );
    return undefined;
  }
  const url = text(env, 'SPANMETER_API_URL');
  if (url !== undefined && !URL.canParse(url)) {
    diagnostics.error('spanmeter: SPANMETER_API_URL is no URL; no budgets are guarded');
    return undefined;
  }
  const interval = Number(text(env, 'SPANMETER_BUDGET_INTERVAL_MS'));
  const options: BudgetGuardOptions = {
    mode,
    warn: sayWarning,
    ...resourceOf(env),
    ...(url === undefined ? {} : { url }),
    ...(interval > 0 ? { intervalMs: interval } : {}),
    ...(text(env, 'SPANMETER_BUDGET_FAIL')?.toLowerCase() === 'closed' ? { fail: 'closed' as const } : {}),
    ...optional('key', text(env, 'SPANMETER_KEY')),
    ...optional('keyFile', text(env, 'SPANMETER_KEY_FILE')),
    ...optional('budgetsOf', text(env, 'SPANMETER_BUDGET_TENANT')),
  };
  return startBudgetGuard(options);
}

/** Whoever asks for warnings is to see them, also where the app has no diagnostic log. */
function sayWarning(message: string): void {
  const api = (globalThis as Record<symbol, unknown>)[Symbol.for('opentelemetry.js.api.1')];
  if (asObject(api)?.['diag'] === undefined) process.emitWarning(message, 'SpanmeterWarning');
  else diagnostics.warn(`spanmeter: ${message}`);
}

function text(env: Environment, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === '' ? undefined : value;
}

function optional<K extends string>(key: K, value: string | undefined): Partial<Record<K, string>> {
  return value === undefined ? {} : ({ [key]: value } as Record<K, string>);
}

/** `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME`, as SDKs read them. */
function resourceOf(env: Environment): BudgetGuardOptions {
  const resource = new Map<string, string>();
  for (const pair of (env['OTEL_RESOURCE_ATTRIBUTES'] ?? '').split(',')) {
    const at = pair.indexOf('=');
    if (at > 0) resource.set(pair.slice(0, at).trim(), decoded(pair.slice(at + 1).trim()));
  }
  return {
    ...optional('tenant', resource.get('tenant.id')),
    ...optional('team', resource.get('team.id')),
    ...optional('serviceName', text(env, 'OTEL_SERVICE_NAME') ?? resource.get('service.name')),
    ...optional(
      'environment',
      resource.get('deployment.environment.name') ?? resource.get('deployment.environment'),
    ),
  };
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
