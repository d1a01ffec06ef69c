import { Option, type Command } from 'commander';
import { ALERT_KINDS, ALERT_SEVERITIES, ALERT_STATES } from '../alerts/alert.ts';
import type { AlertKind, AlertSeverity, AlertState } from '../alerts/alert.ts';
import { changeAlert, ignoredUntil, MAX_NOTE_LENGTH, type AlertAction } from '../alerts/change-alert.ts';
import { listAlerts, type ListedAlert } from '../alerts/list-alerts.ts';
import { inTransaction } from '../keys/transaction.ts';
import { registerAlertTest } from './alert-test.ts';
import { actor, withClient } from './database.ts';
import { CliError, runs, table, type CliContext } from './output.ts';

interface ListOptions {
  readonly tenant?: string;
  readonly state?: readonly AlertState[];
  readonly severity?: readonly AlertSeverity[];
  readonly kind?: readonly AlertKind[];
  readonly limit: string;
  readonly format: 'table' | 'json';
}

interface ChangeOptions {
  readonly tenant?: string;
  readonly note?: string;
  readonly until?: string;
}

const MAX_LISTED = 1_000;
const INSTANT = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2}))?$/;
const PAST: Readonly<Record<AlertAction, string>> = {
  acknowledge: 'acknowledged',
  resolve: 'resolved',
  ignore: 'ignored',
};

/** Alerts as a table. */
export function alertTable(
  alerts: readonly ListedAlert[],
  context: Pick<CliContext, 'columns' | 'colours'>,
): string {
  if (alerts.length === 0) return 'No alerts.\n';
  const hasNotes = alerts.some(({ note }) => note !== null);
  const columns = ['Id', 'Since', 'Tenant', 'Severity', 'State', 'Summary', ...(hasNotes ? ['Note'] : [])];
  const rows = alerts.map((alert) => [
    alert.id,
    alert.started_at.slice(0, 16).replace('T', ' '),
    alert.tenant === '' ? '(operator)' : alert.tenant,
    alert.severity,
    alert.state,
    alert.summary,
    ...(hasNotes ? [alert.note ?? ''] : []),
  ]);
  return table(
    // Cut, it would not show the amounts, which are what it is about.
    columns.map((title) => ({ title, align: 'left', whole: title === 'Summary' })),
    rows,
    context,
  );
}

function registerList(alert: Command, context: CliContext): void {
  const list = alert
    .command('list')
    .description('list alerts, the newest first')
    .option('--tenant <id>', 'of one tenant')
    .addOption(new Option('--state <state...>', 'in these states').choices(ALERT_STATES))
    .addOption(new Option('--severity <severity...>', 'of these severities').choices(ALERT_SEVERITIES))
    .addOption(new Option('--kind <kind...>', 'of these kinds').choices(ALERT_KINDS))
    .option('--limit <count>', 'how many at most', '100')
    .addOption(new Option('--format <format>', 'how to print').choices(['table', 'json']).default('table'));
  runs(list, context, async () => {
    const { tenant, state, severity, kind, limit, format } = list.opts<ListOptions>();
    const count = /^\d{1,4}$/.test(limit) ? Number(limit) : 0;
    if (count < 1 || count > MAX_LISTED)
      throw new CliError(`--limit must be a number from 1 to ${MAX_LISTED}.`, 2);
    const filter = {
      tenant: tenant ?? null,
      states: state ?? null,
      severities: severity ?? null,
      kinds: kind ?? null,
      after: null,
      limit: count,
    };
    const { alerts, next } = await withClient(context, (client) =>
      listAlerts(
        async <R extends object>(text: string, values: readonly unknown[]) =>
          (await client.query<R>(text, [...values])).rows,
        filter,
      ),
    );
    const text = format === 'json' ? `${JSON.stringify(alerts, null, 2)}\n` : alertTable(alerts, context);
    context.write(text);
    if (next !== null && format === 'table') context.warn('There are more: see --limit.\n');
  });
}

function outcome({ id, name, state, ignored_until: until }: ListedAlert, action: AlertAction): string {
  const named = `Alert ${id} (${name})`;
  if (action !== 'ignore') return `${named} is ${PAST[action]}.\n`;
  const still = state === 'resolved' ? ' It is resolved, and stays so.' : '';
  return `${named} is ignored ${until === null ? 'for good' : `until ${until}`}, on later occasions too.${still}\n`;
}

function registerChange(
  alert: Command,
  context: CliContext,
  verb: string,
  action: AlertAction,
  about: string,
): void {
  const command = alert
    .command(verb)
    .description(about)
    .argument('<id>', 'as "alert list" shows it')
    .option('--tenant <id>', 'whose it must be')
    .option('--note <text>', 'why, for those who look at it later');
  if (action === 'ignore') command.option('--until <instant>', 'until when; without it, for good');
  runs(command, context, async ([id = '']) => {
    const { tenant = null, note: given, until: asked } = command.opts<ChangeOptions>();
    const note = given?.trim() ?? null;
    if (note !== null && (note === '' || note.length > MAX_NOTE_LENGTH)) {
      throw new CliError(`--note must have 1 to ${MAX_NOTE_LENGTH} characters.`, 2);
    }
    const until = asked !== undefined && INSTANT.test(asked) ? ignoredUntil(asked) : null;
    if (asked !== undefined && until === null) {
      throw new CliError('--until must be an instant such as 2026-12-01T08:00:00Z, or a date (UTC).', 2);
    }
    const change = { id, tenant, action, note, until, actor: actor(context.env) };
    const changed = await withClient(context, (client) =>
      inTransaction(client, () => changeAlert(client, change)),
    );
    context.write(outcome(changed, action));
  });
}

/** `spanmeter alert list|ack|resolve|ignore|test`. */
export function registerAlert(program: Command, context: CliContext): void {
  const alert = program.command('alert').description('alerts: what was told of budgets, prices and tenants');
  registerList(alert, context);
  registerChange(alert, context, 'ack', 'acknowledge', 'somebody is at it: quiet on this occasion');
  registerChange(alert, context, 'resolve', 'resolve', 'done with on this occasion, whatever comes');
  registerChange(alert, context, 'ignore', 'ignore', 'tell nobody, on later occasions too');
  registerAlertTest(alert, context);
}
