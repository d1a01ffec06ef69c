import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { codeBlock, codeUnder } from '../compat/readme.ts';
import { startOpenaiStandIn, type StandIn } from '../support/provider/index.ts';
import { startSink, type OtlpSink } from './otlp-sink.ts';
import { runApp } from './run-app.ts';
import type { EndedProcess } from '../support/ended-process.ts';

const ATTRIBUTION = 'docs/attribution.md';
const GUARD = 'docs/guard.md';
const INSTALL = 'docs/install-node.md';
const REFERENCE = 'docs/instrumentation.md';

/** What the pages leave to the reader. */
const CLIENT = `
import OpenAI from 'openai';
const client = new OpenAI();
const [model, messages] = ['gpt-4o-mini', [{ role: 'user', content: 'hi' }]];
const request = { model, messages };
`;

const SPENT = {
  tenant: 'default',
  id: 'acme-daily',
  name: 'acme-daily',
  scope: 'tenant',
  scope_value: null,
  period_end: '2999-01-01T00:00:00.000Z',
  limit_usd: '50.000000000000',
  spent_usd: '51.000000000000',
  refuse: true,
};

describe('the code on the pages, run as it stands', function () {
  this.timeout(60_000);
  let openai: StandIn;
  let sink: OtlpSink;
  let budgets: Server;
  let budgetsUrl: string;

  before(() => {
    budgets = createServer((_, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ as_of: new Date().toISOString(), budgets: [SPENT], truncated: false }));
    });
    return new Promise<void>((resolve) => {
      budgets.listen(0, '127.0.0.1', () => {
        budgetsUrl = `http://127.0.0.1:${(budgets.address() as AddressInfo).port}`;
        resolve();
      });
    });
  });

  beforeEach(async () => {
    [openai, sink] = await Promise.all([startOpenaiStandIn(), startSink()]);
  });

  afterEach(() => Promise.all([openai.close(), sink.close()]));

  after(() => {
    budgets.closeAllConnections();
    budgets.close();
  });

  async function run(code: string, env: Readonly<Record<string, string>> = {}): Promise<EndedProcess> {
    const ran = await runApp({
      code,
      env: { OPENAI_BASE_URL: `${openai.url}/v1`, OTEL_EXPORTER_OTLP_ENDPOINT: sink.url, ...env },
    });
    assert.equal(ran.stderr, '');
    return ran;
  }

  const told = (...keys: string[]): unknown[][] =>
    sink.spans.map(({ attributes }) => keys.map((key) => attributes[key]));

  it('attributes everything inside, and one call', async () => {
    await run(CLIENT + codeUnder(ATTRIBUTION, 'For everything inside', 'js'));
    await run(CLIENT + codeUnder(ATTRIBUTION, 'For one call', 'js'));
    assert.deepEqual(told('tenant.id', 'user.id', 'spanmeter.feature'), [
      ['acme', 'u-17', undefined],
      [undefined, undefined, 'search'],
    ]);
    assert.ok(openai.ledger.requests.every(({ status }) => status === 200));
  });

  it('attributes the requests of Express', async () => {
    await run(`${CLIENT}
      import express from 'express';
      const app = express();
      app.use((req, _, next) => { req.auth = { tenant: 'acme' }; next(); });
      ${codeUnder(ATTRIBUTION, 'For a request, with Express', 'js')}
      app.use(express.json());
      app.post('/', (_, res) => client.chat.completions.create(request).then(() => res.end()));
      const server = app.listen(0, '127.0.0.1', async () => {
        const headers = { 'x-user-id': 'u-17', 'content-type': 'application/json' };
        await fetch('http://127.0.0.1:' + server.address().port, { method: 'POST', headers, body: '{}' });
        server.close();
        server.closeAllConnections();
      });`);
    assert.deepEqual(told('tenant.id', 'user.id'), [['acme', 'u-17']]);
  });

  it('tells calls without an SDK', async () => {
    const page = codeUnder(ATTRIBUTION, 'Calls without an SDK', 'js');
    const { stdout } = await run(`
      const postToMyModel = async (prompt) => ({ in: 7, out: 3, prompt });
      const begun = new Date();
      ${page}
      console.log((await ask('hi')).prompt);`);
    assert.equal(stdout, 'hi\n');
    const names = ['provider.name', 'request.model', 'usage.input_tokens', 'usage.output_tokens'];
    assert.deepEqual(
      told(...names.map((name) => `gen_ai.${name}`)).toSorted((a, b) => Number(a[2]) - Number(b[2])),
      [
        ['mine', 'm-large', 7, 3],
        ['mine', 'm-large', 120, 40],
      ],
    );
  });

  it('instruments a client that is given', async () => {
    const page = codeUnder(ATTRIBUTION, 'Bundled apps', 'js');
    await run(`import OpenAI from 'openai';
      ${page}
      await client.chat.completions.create({ model: 'gpt-4o-mini', messages: [] });`);
    assert.equal(sink.spans.length, 1);
  });

  it('stops the call that a spent budget has no money for, by variable and in code', async () => {
    const env = { SPANMETER_API_URL: budgetsUrl, SPANMETER_BUDGET_GUARD: 'block' };
    // Before the first look calls pass.
    const caught = `${CLIENT}
      const ask = async () => { ${codeBlock(GUARD, 'js')} };
      for (let index = 0; index < 100; index++) {
        await ask();
        await new Promise((resolve) => setTimeout(resolve, 20));
        if (isRefused) break;
      }`;
    const { stdout } = await run(
      `let isRefused = false;
      const console = { log: (...told) => { isRefused = true; process.stdout.write(JSON.stringify(told)); } };
      ${caught}`,
      env,
    );
    assert.deepEqual(JSON.parse(stdout), [SPENT.id, SPENT.spent_usd, SPENT.limit_usd, SPENT.period_end]);
    const page = codeUnder(GUARD, 'In code', 'js').replace('https://spanmeter.internal', budgetsUrl);
    const inCode = await run(`${CLIENT}
      const key = 'k';
      ${page}
      await client.chat.completions.create(request).catch((error) => console.log(error.name));
      guard.stop();
      console.log((await client.chat.completions.create(request)).object);`);
    assert.equal(inCode.stdout, 'BudgetExceededError\nchat.completion\n');
  });

  it('has sent the calls of a Lambda handler when that has answered', async () => {
    await run(`${CLIENT}
      const answer = () => client.chat.completions.create(request);
      ${codeUnder(INSTALL, 'AWS Lambda', 'js')}
      await handler({});
      process.kill(process.pid, 'SIGKILL');`);
    assert.equal(sink.spans.length, 1);
  });

  it('redacts what is captured', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'spanmeter-pages-'));
    const file = join(folder, 'redact.mjs');
    const page = codeUnder(REFERENCE, 'Content', 'js');
    await writeFile(
      file,
      `const withoutNames = (message) => ({ ...message, parts: [{ type: 'text', content: 'hidden' }] });\n${page}`,
    );
    // The module is on its way while the first call is made.
    const asked = 'await client.chat.completions.create(request);';
    await run(`${CLIENT} ${asked} await import(process.env.SPANMETER_REDACT_MODULE); ${asked}`, {
      SPANMETER_REDACT_MODULE: file,
      OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: 'true',
    });
    await rm(folder, { recursive: true });
    const inputs = told('gen_ai.input.messages').map(([input]) => String(input));
    assert.equal(inputs.length, 2);
    assert.match(inputs[1] ?? '', /hidden/);
    for (const input of inputs) assert.doesNotMatch(input, /"hi"/);
  });
});
