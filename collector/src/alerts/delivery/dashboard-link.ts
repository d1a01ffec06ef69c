import type { AlertKind } from '../alert.ts';
import type { Message } from './message.ts';

const BOARD: Readonly<Record<AlertKind, string>> = {
  budget: 'spanmeter-budgets',
  spend_anomaly: 'spanmeter-tenant',
  unpriced_model: 'spanmeter-data-quality',
  silent_tenant: 'spanmeter-tenant',
};

/** The dashboard of a Grafana at `base` that shows what a message is about; null where no Grafana is configured. */
export function dashboardLink(
  base: string | null,
  { tenant, alert }: Pick<Message, 'tenant' | 'alert'>,
): string | null {
  if (base === null) return null;
  const board =
    alert === null ? (tenant === '' ? 'spanmeter-overview' : 'spanmeter-tenant') : BOARD[alert.kind];
  const query = tenant === '' ? '' : `?var-tenant=${encodeURIComponent(tenant)}`;
  return `${base.replace(/\/+$/, '')}/d/${board}${query}`;
}
