#!/usr/bin/env node
import { processContext } from './cli/output.ts';
import { runProgram } from './cli/program.ts';

await runProgram(process.argv.slice(2), processContext(process));
