import type { Config } from '../config/config.ts';
import type { DatabaseAddress } from '../service/messages.ts';

function endpointOf(options: unknown, ...path: readonly string[]): string | null {
  let value = options;
  for (const key of path) value = (value as Record<string, unknown> | null | undefined)?.[key];
  return typeof value === 'string' ? value : null;
}

/** What a person at a terminal wants to know once the collector is up: where to send, where to look. */
export function banner(
  config: Config,
  database: DatabaseAddress,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const bold = (text: string): string =>
    (env['NO_COLOR'] ?? '') === '' ? `\u001b[1m${text}\u001b[0m` : text;
  const rows: [string, string | null][] = [];
  for (const { type, options } of config.receivers.values()) {
    if (type.type !== 'otlp') continue;
    const http = endpointOf(options, 'protocols', 'http', 'endpoint');
    rows.push(['send OTLP/HTTP to', http === null ? null : `http://${http}`]);
    rows.push(['send OTLP/gRPC to', endpointOf(options, 'protocols', 'grpc', 'endpoint')]);
  }
  for (const { type, options } of config.extensions.values()) {
    const endpoint = endpointOf(options, 'endpoint');
    if (type.type === 'api' && endpoint !== null) {
      rows.push(['spend', `http://${endpoint}/api/v1/spend?group_by=tenant,model`]);
    }
    if (type.type === 'health_check' && endpoint !== null) rows.push(['health', `http://${endpoint}/`]);
  }
  for (const { type, options } of config.exporters.values()) {
    const endpoint = endpointOf(options, 'endpoint');
    if (type.type === 'prometheus' && endpoint !== null) rows.push(['metrics', `http://${endpoint}/metrics`]);
  }
  rows.push(['SQL, read-only', database.readOnlyUrl]);
  rows.push(['report', 'npx spanmeter report']);
  const lines = rows.flatMap(([what, where]) => (where === null ? [] : [`  ${what.padEnd(18)} ${where}`]));
  return `\n${bold('  Spanmeter is ready')}\n\n${lines.join('\n')}\n\n  Ctrl-C stops it.\n\n`;
}
