import type { Environment } from '../config/expand.ts';
import { formatFault } from '../config/fault.ts';
import type { Fault } from '../config/fault.ts';
import { loadConfig } from '../config/load.ts';
import type { ComponentType } from '../pipeline/component.ts';
import { pricesFault } from '../service/prices.ts';
import type { StartOptions } from './start-options.ts';

/** What a command prints and the code it exits with: 0 fine, 2 bad configuration. */
export interface CommandResult {
  readonly text: string;
  readonly exitCode: 0 | 2;
}

/** Every fault on its own line, for people. */
export function describeFaults(faults: readonly Fault[]): string {
  const count = faults.length === 1 ? 'one fault' : `${faults.length} faults`;
  return [`the configuration has ${count}:`, ...faults.map((fault) => `  ${formatFault(fault)}`)].join('\n');
}

/** `spanmeter validate`: the configuration, and the price files that it names. */
export async function validate(
  options: StartOptions,
  env: Environment,
  registry: readonly ComponentType[],
): Promise<CommandResult> {
  const { config, faults } = loadConfig(options.config, options.set, env, registry);
  if (config === undefined) return { text: describeFaults(faults), exitCode: 2 };
  const fault = await pricesFault(config);
  if (fault !== null) return { text: fault, exitCode: 2 };
  const warnings = config.warnings.map((warning) => `warning: ${warning}`);
  return { text: [...warnings, 'the configuration is valid'].join('\n'), exitCode: 0 };
}
