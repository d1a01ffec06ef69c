import type { Command } from 'commander';
import { registerBudgetCheck } from './budget-check.ts';
import { registerBudgetStatus } from './budget-status.ts';
import type { CliContext } from './output.ts';

/** `spanmeter budget …`. */
export function registerBudget(program: Command, context: CliContext): void {
  const budget = program.command('budget').description('limits on spend');
  registerBudgetStatus(budget, context);
  registerBudgetCheck(budget, context);
}
