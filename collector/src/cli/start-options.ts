import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Option } from 'commander';
import type { Command } from 'commander';

/** What the commands that read a configuration are told. */
export interface StartOptions {
  /** Files, `file:`, `env:` and `yaml:` sources, in the order in which they are merged. */
  readonly config: readonly string[];
  /** `a.b=c`, applied last. */
  readonly set: readonly string[];
}

const FILE_NAME = 'otel-config.yaml';

function append(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

/** Adds `--config` and `--set`, both repeatable. */
export function addStartOptions(command: Command): Command {
  const config = new Option(
    '--config <source>',
    `configuration: a file, env:NAME or yaml:TEXT (default: ${FILE_NAME})`,
  );
  const set = new Option(
    '--set <path=value>',
    'override one value, such as receivers.otlp.max_in_flight_size=128MiB',
  );
  return command
    .addOption(config.argParser<readonly string[]>(append))
    .addOption(set.argParser<readonly string[]>(append));
}

/** The file that is read where none is named: the one in `directory`, else the one that came with Spanmeter. */
export function defaultConfigFile(directory: string): string {
  const own = resolve(directory, FILE_NAME);
  if (existsSync(own)) return own;
  return join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', FILE_NAME);
}

/** Completes what commander parsed. */
export function startOptions(parsed: Partial<StartOptions>, directory: string): StartOptions {
  const config = parsed.config ?? [];
  return { config: config.length > 0 ? config : [defaultConfigFile(directory)], set: parsed.set ?? [] };
}
