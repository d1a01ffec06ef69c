import { checkAuto } from './auto.ts';
import { checkGoCollector } from './go-collector.ts';
import { checkLambda } from './lambda.ts';
import { checkGo, checkJava } from './languages.ts';
import { checkNext } from './next.ts';
import { checkNodes } from './nodes.ts';
import { checkOtel } from './otel.ts';
import { checkPackage } from './package.ts';
import { checkPm2 } from './pm2.ts';
import { checkPython } from './python.ts';
import { Verdict } from './verdict.ts';

const CHECKS: Readonly<Record<string, (verdict: Verdict, args: readonly string[]) => Promise<void>>> = {
  python: checkPython,
  go: checkGo,
  'go-collector': checkGoCollector,
  java: checkJava,
  package: checkPackage,
  auto: checkAuto,
  otel: checkOtel,
  nodes: checkNodes,
  lambda: checkLambda,
  pm2: checkPm2,
  next: checkNext,
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
