import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Lab, NODES } from './lab.ts';
import type { Verdict } from './verdict.ts';

const ASK = `await client.chat.completions.create({ model: 'gpt-4o', messages: [{ role: 'user', content: 'hi' }] })`;

const FILES = {
  'handler.mjs': `
import OpenAI from 'openai';
import { flush } from '@spanmeter/instrumentation';
const client = new OpenAI();
export async function flushed() {
  try {
    return (${ASK}).object;
  } finally {
    await flush();
  }
}
export async function hasty() {
  return (${ASK}).object;
}
`,
  // What the runtime does: asks for an invocation, runs the handler, posts its answer.
  'bootstrap.mjs': `
import * as handlers from './handler.mjs';
const api = 'http://' + process.env.AWS_LAMBDA_RUNTIME_API + '/2018-06-01/runtime/invocation/';
for (;;) {
  const next = await fetch(api + 'next');
  const id = next.headers.get('lambda-runtime-aws-request-id');
  const answer = await handlers[process.env._HANDLER](await next.json());
  await fetch(api + id + '/response', { method: 'POST', body: JSON.stringify(answer) });
}
`,
};

/** A Lambda function behind a stand-in of the Runtime API, frozen in the moment it answers. */
export function checkLambda(verdict: Verdict, [given]: readonly string[]): Promise<void> {
  return Lab.use(given, async (lab) => {
    const folder = await lab.app('lambda', ['openai@6'], FILES);
    for (const major of Object.keys(NODES)) {
      const node = await lab.node(major);
      for (const [handler, stored] of [
        ['flushed', 1],
        ['hasty', 0],
      ] as const) {
        lab.clear();
        verdict.compare(
          `Node ${major}, a handler that is ${handler}: spans stored when it is frozen`,
          await invoke(lab, node, folder, handler),
          { answer: '"chat.completion"', stored },
        );
      }
    }
  });
}

/** One invocation: the process is stopped before its answer is acknowledged, and never goes on. */
async function invoke(lab: Lab, node: string, folder: string, handler: string): Promise<object> {
  let answer: (result: { answer: string; stored: number }) => void;
  const answered = new Promise<object>((resolve) => {
    answer = resolve;
  });
  const server = createServer((request, response) => {
    if (request.url?.endsWith('/next') === true) {
      response.setHeader('lambda-runtime-aws-request-id', 'one');
      response.end('{}');
      return;
    }
    child.kill('SIGSTOP');
    void read(request).then((text) => answer({ answer: text, stored: lab.sink.spans.length }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const child = spawn(node, ['bootstrap.mjs'], {
    cwd: folder,
    env: {
      ...lab.env,
      NODE_OPTIONS: '--import @spanmeter/instrumentation/register',
      AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${(server.address() as AddressInfo).port}`,
      _HANDLER: handler,
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const ended = once(child, 'exit');
  const result = await answered;
  child.kill('SIGKILL');
  await ended;
  server.closeAllConnections();
  server.close();
  return result;
}

async function read(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}
