import type { Attributes } from '@opentelemetry/api';
import type { SpentBudget } from './budget-error.ts';
import { ATTR_PROVIDER, ATTR_REQUEST_MODEL } from './semconv.ts';

/** What the collector knows of this process's calls and their spans do not say. */
export interface CallDefaults {
  /** Of calls that name no tenant. */
  readonly tenant?: string | undefined;
  /** The key proves the tenant, whatever calls name. */
  readonly onlyTenant?: boolean | undefined;
  readonly team?: string | undefined;
  readonly serviceName?: string | undefined;
  readonly environment?: string | undefined;
  /** The public id of the key that the spans are sent with. */
  readonly keyId?: string | undefined;
}

type Read = (call: Attributes, defaults: CallDefaults) => unknown;

/** Where a call has what a budget of each scope is by: as the collector reads spans, in its order. */
const BY_SCOPE: Readonly<Record<string, Read>> = {
  team: (call, { team }) => call['team.id'] ?? team,
  feature: (call) => call['spanmeter.feature'],
  service_name: (_call, { serviceName }) => serviceName,
  environment: (call, { environment }) => call['deployment.environment.name'] ?? environment,
  provider: (call) => call[ATTR_PROVIDER],
  key: (_call, { keyId }) => keyId,
  user: (call) => call['user.id'],
  session: (call) => call['session.id'] ?? call['gen_ai.conversation.id'],
  agent: (call) => call['gen_ai.agent.name'],
};

/** What vendors put behind the name that the price book has: a date, a version, `latest`. */
const MODEL_TAIL = /^(?:[-@](?:\d{4}-?\d{2}-?\d{2}|\d{4}|latest|preview|v?\d+)|-v\d+:\d+|:\d+)+$/;

function isModel(call: Attributes, value: string): boolean {
  const model = call[ATTR_REQUEST_MODEL];
  if (typeof model !== 'string') return false;
  if (model === value) return true;
  // Routers name the vendor before it: `openai/gpt-4o`.
  const name = model.slice(model.lastIndexOf('/') + 1);
  return name === value || (name.startsWith(value) && MODEL_TAIL.test(name.slice(value.length)));
}

/** Whether a call's spend is held by a budget. */
export function holds(spent: SpentBudget, call: Attributes, defaults: CallDefaults): boolean {
  const { tenant, scope, scopeValue } = spent;
  if (tenant !== '' && defaults.onlyTenant !== true) {
    const own = call['tenant.id'] ?? defaults.tenant ?? 'default';
    if (typeof own !== 'string' || own.trim() !== tenant) return false;
  }
  if (scope === 'tenant' || scope === 'all') return true;
  if (scopeValue === null) return false;
  if (scope === 'model') return isModel(call, scopeValue);
  const value = BY_SCOPE[scope]?.(call, defaults);
  return typeof value === 'string' && value.trim() === scopeValue;
}
