import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts } from '../support/free-port.ts';
import { run } from './child.ts';
import { Lab } from './lab.ts';
import { codeUnder } from './readme.ts';
import type { Verdict } from './verdict.ts';

const PAGE = 'docs/install-node.md';

const ROUTE = `
import OpenAI from 'openai';
export const dynamic = 'force-dynamic';
export async function GET() {
  const messages = [{ role: 'user', content: 'hi' }];
  const answer = await new OpenAI().chat.completions.create({ model: 'gpt-4o', messages });
  return Response.json({ object: answer.object });
}
`;

/** Next.js 16 with the `instrumentation.js` and the configuration of the page, built and started. */
export function checkNext(verdict: Verdict, [given]: readonly string[]): Promise<void> {
  return Lab.use(given, async (lab) => {
    await mkdir(join(lab.dir, 'next', 'app', 'api', 'ask'), { recursive: true });
    const folder = await lab.app('next', ['next@16', 'react', 'react-dom', 'openai@6'], {
      'instrumentation.js': codeUnder(PAGE, 'Next.js', 'js'),
      'next.config.mjs': codeUnder(PAGE, 'Next.js', 'js', 1),
      'app/layout.jsx': 'export default ({ children }) => <html><body>{children}</body></html>;\n',
      'app/page.jsx': 'export default () => <p>hello</p>;\n',
      'app/api/ask/route.js': ROUTE,
    });
    const next = join(folder, 'node_modules', 'next', 'dist', 'bin', 'next');
    const env = { ...lab.env, NEXT_TELEMETRY_DISABLED: '1', NODE_ENV: 'production' };
    for (const bundler of ['--webpack', '--turbopack']) {
      lab.clear();
      await run(process.execPath, [next, 'build', bundler], { cwd: folder, env });
      verdict.compare(`next build ${bundler}: calls while building`, lab.openai.ledger.requests.length, 0);
      lab.clear();
      verdict.compare(`next start after ${bundler}`, await askTwice(folder, next, env), ['200', '200']);
      const calls = lab.sink.spans.filter((span) => span.name === 'chat gpt-4o');
      const routes = new Set(
        lab.sink.spans.filter((span) => span.scope === 'next.js').map((span) => span.spanId),
      );
      verdict.compare(
        `${bundler}: calls, and those inside the span of their route`,
        [calls.length, calls.filter(({ parentSpanId }) => routes.has(parentSpanId ?? '')).length],
        [2, 2],
      );
    }
  });
}

/** Starts the built app, asks the route twice and stops it. */
async function askTwice(
  folder: string,
  next: string,
  env: Readonly<Record<string, string>>,
): Promise<string[]> {
  const [port] = await freePorts(1);
  const child = spawn(process.execPath, [next, 'start', '-p', String(port), '-H', '127.0.0.1'], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  await new Promise<void>((resolve, reject) => {
    child.on('exit', () => reject(new Error(`next start ended:\n${output}`)));
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.includes('Ready')) resolve();
    });
  });
  const url = `http://127.0.0.1:${port}/api/ask`;
  const answers = await Promise.all([fetch(url), fetch(url)]);
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
  return answers.map(({ status }) => String(status));
}
