import { Option, type Command } from 'commander';
import type { ChannelOptions } from '../alerts/channel-options.ts';
import type { Attempt, Channel } from '../alerts/delivery/channel.ts';
import { openChannel } from '../alerts/delivery/open-channel.ts';
import { testMessage } from '../alerts/delivery/test-message.ts';
import { COMPONENTS } from '../components.ts';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import type { ComponentType } from '../pipeline/component.ts';
import { CliError, printable, runs, type CliContext } from './output.ts';
import { addStartOptions, startOptions, type StartOptions } from './start-options.ts';
import { describeFaults } from './validate.ts';

interface TestOptions extends Partial<StartOptions> {
  readonly channel?: readonly string[];
  readonly format: 'text' | 'json';
}

/** What the command needs of the options of `alerts`. */
interface AlertTargets {
  readonly channels: Readonly<Record<string, ChannelOptions>>;
  readonly dashboard_url: string;
}

interface Tested {
  readonly channel: string;
  readonly type: Channel['type'];
  readonly outcome: 'sent' | 'failed';
  readonly duration_ms: number;
  /** What the other side said, or why it failed; without secrets. */
  readonly answer: string;
}

const NONE =
  'No channel is configured: name some under extensions::alerts::channels, and alerts under service::extensions.';

/** The extension `alerts` where the service uses it. */
function alertsOf(config: Config): AlertTargets | null {
  for (const id of config.service.extensions) {
    const extension = config.extensions.get(id);
    if (extension?.type.type === 'alerts') return extension.options as AlertTargets;
  }
  return null;
}

function targets(
  options: StartOptions,
  env: CliContext['env'],
  registry: readonly ComponentType[],
  wanted: readonly string[] | undefined,
): { readonly channels: readonly Channel[]; readonly dashboards: string | null } {
  const { config, faults } = loadConfig(options.config, options.set, env, registry);
  if (config === undefined) throw new CliError(describeFaults(faults), 2);
  const alerts = alertsOf(config);
  const entries = Object.entries(alerts?.channels ?? {});
  if (alerts === null || entries.length === 0) throw new CliError(NONE, 2);
  const unknown = wanted?.find((id) => !entries.some(([known]) => known === id));
  if (unknown !== undefined) {
    const known = entries.map(([id]) => id).join(', ');
    throw new CliError(`There is no channel "${printable(unknown)}"; there are: ${known}.`, 2);
  }
  return {
    channels: entries
      .filter(([id]) => wanted === undefined || wanted.includes(id))
      .map(([id, one]) => openChannel(id, one)),
    dashboards: alerts.dashboard_url === '' ? null : alerts.dashboard_url,
  };
}

function answerOf(attempt: Attempt): string {
  return attempt.outcome === 'sent' ? attempt.answer : attempt.reason;
}

async function testChannel(channel: Channel, dashboards: string | null): Promise<Tested> {
  const startedAt = performance.now();
  const attempt = await channel.send(testMessage(dashboards), AbortSignal.timeout(channel.timeoutMs + 1_000));
  channel.close();
  return {
    channel: channel.id,
    type: channel.type,
    outcome: attempt.outcome === 'sent' ? 'sent' : 'failed',
    duration_ms: Math.round(performance.now() - startedAt),
    answer: answerOf(attempt),
  };
}

function line({ channel, type, outcome, duration_ms: ms, answer }: Tested): string {
  return `${outcome.padEnd(6)}  ${channel} (${type}), ${ms} ms: ${printable(answer)}\n`;
}

/** `spanmeter alert test`: sends at once, past the outbox, so that it needs neither collector nor database. */
export function registerAlertTest(
  alert: Command,
  context: CliContext,
  registry: readonly ComponentType[] = COMPONENTS,
): void {
  const channel = new Option('--channel <id>', 'only this one; repeatable').argParser<readonly string[]>(
    (value, before) => [...(before ?? []), value],
  );
  const test = addStartOptions(alert.command('test'))
    .description('send a test notification through each channel; exits with 1 where one fails')
    .addOption(channel)
    .addOption(new Option('--format <format>', 'how to print').choices(['text', 'json']).default('text'));
  runs(test, context, async () => {
    const { channel: wanted, format, ...given } = test.opts<TestOptions>();
    const found = targets(startOptions(given, process.cwd()), context.env, registry, wanted);
    const tested = await Promise.all(found.channels.map((one) => testChannel(one, found.dashboards)));
    const json = (): string => `${JSON.stringify(tested, null, 2)}\n`;
    context.write(format === 'json' ? json() : tested.map(line).join(''));
    if (tested.some(({ outcome }) => outcome === 'failed')) context.setExitCode(1);
  });
}
