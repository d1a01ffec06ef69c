import { globMatcher } from '@spanmeter/processors';
import { ALERT_SEVERITIES, type AlertKind, type AlertSeverity, type AlertSignal } from './alert.ts';

/** Which alerts a channel wants. */
export interface ChannelRoute {
  /** The channel's name in the configuration. */
  readonly id: string;
  /** Globs of tenant ids, of which one must match; null is all. The operator's own alerts have the tenant ''. */
  readonly tenants: readonly string[] | null;
  /** Null is all. */
  readonly kinds: readonly AlertKind[] | null;
  readonly minSeverity: AlertSeverity;
  /** Whether it is told that an alert that it was told of is over. */
  readonly sendResolved: boolean;
}

/** What of an alert decides who hears of it. */
export type Routed = Pick<AlertSignal, 'tenantId' | 'kind' | 'severity'>;

/** The channels that want an alert, in the order given. */
export function routesFor(alert: Routed, channels: readonly ChannelRoute[]): readonly ChannelRoute[] {
  const rank = ALERT_SEVERITIES.indexOf(alert.severity);
  return channels.filter(
    ({ tenants, kinds, minSeverity }) =>
      rank >= ALERT_SEVERITIES.indexOf(minSeverity) &&
      (kinds === null || kinds.includes(alert.kind)) &&
      (tenants === null || tenants.some((glob) => globMatcher(glob)(alert.tenantId))),
  );
}
