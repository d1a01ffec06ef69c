import { stringify } from 'yaml';
import type { Environment } from '../config/expand.ts';
import { loadConfig } from '../config/load.ts';
import { redactedConfig } from '../config/redact.ts';
import type { ComponentType } from '../pipeline/component.ts';
import type { StartOptions } from './start-options.ts';
import { describeFaults } from './validate.ts';
import type { CommandResult } from './validate.ts';

/** `spanmeter print-config`: the merged configuration with its defaults, secrets redacted. */
export function printConfig(
  options: StartOptions & { readonly format?: 'yaml' | 'json' },
  env: Environment,
  registry: readonly ComponentType[],
): CommandResult {
  const loaded = loadConfig(options.config, options.set, env, registry);
  if (loaded.config === undefined) return { text: describeFaults(loaded.faults), exitCode: 2 };
  const printed = redactedConfig(loaded.config, loaded.tree);
  const text = options.format === 'json' ? JSON.stringify(printed, null, 2) : stringify(printed).trimEnd();
  return { text, exitCode: 0 };
}
