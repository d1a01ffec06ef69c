import { Option, type Command } from 'commander';
import { deleteLetter, listLetters, type Letter, type LetterFilter } from './dead-letter-store.ts';
import { actor, withClient } from './database.ts';
import { CliError, grouped, runs, table, type CliContext, type Column } from './output.ts';
import { replayLetter } from './replay-letter.ts';
import { inTransaction } from '../keys/transaction.ts';

interface ListOptions {
  readonly tenant?: string;
  readonly reason?: string;
  readonly limit: string;
  readonly format: 'table' | 'json';
}

interface ReplayOptions {
  readonly tenant?: string;
  readonly reason?: string;
  readonly all?: boolean;
  readonly endpoint?: string;
}

const MAX_REPLAY = 10_000;
const COLUMNS: readonly Column[] = ['Id', 'Received', 'Tenant', 'Reason', 'Bytes', 'Detail'].map((title) => ({
  title,
  align: title === 'Bytes' ? 'right' : 'left',
}));

/** Dead letters as a table, newest first. */
export function letterTable(
  letters: readonly Letter[],
  context: Pick<CliContext, 'columns' | 'colours'>,
): string {
  if (letters.length === 0) return 'No dead letters.\n';
  const rows = letters.map((letter) => [
    letter.id.slice(0, 12),
    letter.receivedAt.toISOString().slice(0, 19).replace('T', ' '),
    letter.tenant,
    letter.reason,
    grouped(String(letter.bytes)),
    letter.detail,
  ]);
  return table(COLUMNS, rows, context);
}

function filterOf(
  options: { tenant?: string; reason?: string },
  limit: number,
  ids: readonly string[],
): LetterFilter {
  const { tenant = null, reason = null } = options;
  for (const id of ids) {
    if (!/^[0-9a-f]{8,64}$/i.test(id)) throw new CliError(`"${id}" is not the id of a dead letter.`, 2);
  }
  return { tenant, reason, limit, ids: ids.map((id) => id.toLowerCase()) };
}

/** Where the local collector takes OTLP over HTTP, from its variable; an address of all interfaces is loopback. */
export function tracesUrl(endpoint: string): string {
  const base = /^https?:\/\//.test(endpoint) ? endpoint : `http://${endpoint}`;
  const url = new URL(base.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:'));
  if (url.pathname === '/') url.pathname = '/v1/traces';
  return url.href;
}

/**
 * One letter in one transaction: taken out first, put back where the collector does not take it. Were it taken
 * out last, the collector's own new dead letter of the same spans would be taken out with it.
 */
async function replay(context: CliContext, letters: readonly Letter[], url: string): Promise<number> {
  let failed = 0;
  const key = context.env['SPANMETER_API_KEY'];
  await withClient(context, async (client) => {
    for (const letter of letters) {
      const attempt = inTransaction(client, async () => {
        const payload = await deleteLetter(client, letter, actor(context.env));
        if (payload !== null) await replayLetter({ url, key, tenant: letter.tenant, payload });
      });
      await attempt.catch((error: unknown) => {
        if (!(error instanceof CliError)) throw error;
        failed += 1;
        context.warn(`${letter.id.slice(0, 12)}: ${error.message}\n`);
      });
    }
  });
  return failed;
}

function registerReplay(deadletter: Command, context: CliContext): void {
  const command = deadletter
    .command('replay')
    .description('send dead letters to the local collector again; what it takes is no dead letter any more')
    .argument('[id...]', 'ids, or beginnings of at least 8 digits')
    .option('--all', 'all that match')
    .option('--tenant <id>', 'of one tenant')
    .option('--reason <reason>', 'of one reason')
    .option(
      '--endpoint <address>',
      'OTLP/HTTP address (default: SPANMETER_OTLP_HTTP_ENDPOINT or 127.0.0.1:4318)',
    );
  runs(command, context, async (ids) => {
    const options = command.opts<ReplayOptions>();
    if (ids.length === 0 && options.all !== true) throw new CliError('Name dead letters, or give --all.', 2);
    const configured = context.env['SPANMETER_OTLP_HTTP_ENDPOINT'];
    const url = tracesUrl(options.endpoint ?? (configured || '127.0.0.1:4318'));
    const filter = filterOf(options, MAX_REPLAY, ids);
    const letters = await withClient(context, (client) => listLetters(client, filter));
    const failed = await replay(context, letters, url);
    context.write(`${letters.length - failed} of ${letters.length} dead letters replayed.\n`);
    if (failed > 0) throw new CliError(`${failed} dead letters stay.`);
  });
}

/** `spanmeter deadletter list|replay`. */
export function registerDeadletter(program: Command, context: CliContext): void {
  const deadletter = program.command('deadletter').description('spans that could not be processed');
  const list = deadletter
    .command('list')
    .description('list dead letters, newest first')
    .option('--tenant <id>', 'of one tenant')
    .option('--reason <reason>', 'of one reason')
    .option('--limit <number>', 'how many at most', '100')
    .addOption(new Option('--format <format>', 'how to print').choices(['table', 'json']).default('table'));
  runs(list, context, async () => {
    const { limit, format, ...options } = list.opts<ListOptions>();
    if (!/^[1-9]\d{0,4}$/.test(limit)) throw new CliError('--limit is a number from 1 to 99999.', 2);
    const filter = filterOf(options, Number(limit), []);
    const letters = await withClient(context, (client) => listLetters(client, filter));
    context.write(
      format === 'json' ? `${JSON.stringify(letters, null, 2)}\n` : letterTable(letters, context),
    );
  });
  registerReplay(deadletter, context);
}
