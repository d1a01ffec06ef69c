import { checkGoCollector } from './go-collector.ts';
import { checkGo, checkJava } from './languages.ts';
import { checkPackage } from './package.ts';
import { checkPython } from './python.ts';
import { Verdict } from './verdict.ts';

const CHECKS: Readonly<Record<string, (verdict: Verdict, args: readonly string[]) => Promise<void>>> = {
  python: checkPython,
  go: checkGo,
  'go-collector': checkGoCollector,
  java: checkJava,
  package: checkPackage,
};

const [name = '', ...args] = process.argv.slice(2);
const check = CHECKS[name];
if (check === undefined) {
  console.error(`npm run compat -- ${Object.keys(CHECKS).join(' | ')}`);
  process.exitCode = 2;
} else {
  const verdict = new Verdict();
  await check(verdict, args);
  process.exitCode = verdict.conclude() ? 0 : 1;
}
