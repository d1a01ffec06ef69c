import assert from 'node:assert/strict';
import { startSink } from '../otlp-sink.ts';
import { startOpenaiStandIn } from '../../support/provider/index.ts';
import { provenSdk, type Expected, type Proof } from '../../support/proven-sdk.ts';
import { runSdk } from '../../support/sdk-run.ts';

const EXPECTED: Readonly<Record<string, Expected>> = {
  // The app gets an answer that says so.
  toolFails: { error: 'tool_error' },
  unknownTool: { error: true },
  noResource: { error: '-32602' },
  timeout: { error: true },
  // Called off by the app.
  abort: { error: false },
  inside: { usage: { input: 5, output: 6 } },
};

const SETS = [
  { set: 'mcp-previous', driver: 'mcp' },
  { set: 'mcp-current', driver: 'mcp-client-server' },
];

function declareMore(proof: Proof): void {
  it('names method and target, on both sides, one inside the other', () => {
    const [served, sent] = proof.run.spansOf('tools').slice(-2);
    assert.deepEqual([sent?.name, sent?.kind], ['tools/call add', 3]);
    assert.deepEqual([served?.name, served?.kind], ['tools/call add', 2]);
    assert.equal(served?.parentSpanId, sent?.spanId);
    for (const span of [sent, served]) {
      const { 'mcp.method.name': method, 'gen_ai.operation.name': operation } = span?.attributes ?? {};
      assert.deepEqual([method, operation], ['tools/call', 'execute_tool']);
      assert.equal(span?.attributes['gen_ai.tool.name'], 'add');
      assert.match(String(span?.attributes['jsonrpc.request.id']), /^\d+$/);
    }
    const [prompt] = proof.run.spansOf('prompts').slice(-1);
    assert.deepEqual(
      [prompt?.name, prompt?.attributes['gen_ai.prompt.name']],
      ['prompts/get greet', 'greet'],
    );
    const [resource] = proof.run.spansOf('resources').slice(-1);
    assert.deepEqual(
      [resource?.name, resource?.attributes['mcp.resource.uri']],
      ['resources/read', 'note://1'],
    );
    const [first] = proof.run.spansOf('initialize').slice(-1);
    assert.match(String(first?.attributes['mcp.protocol.version']), /^20\d\d-/);
  });

  it('makes what a tool does a part of its request', () => {
    const spans = proof.run.spansOf('inside');
    const chat = spans.find(({ name }) => name === 'chat gpt-4o');
    const tool = spans.find(({ name, kind }) => name === 'tools/call deep' && kind === 2);
    assert.equal(chat?.parentSpanId, tool?.spanId);
  });

  it('has no model in it, so that nothing is billed', () => {
    for (const { name, attributes } of proof.run.spans) {
      if (!name.startsWith('chat')) assert.equal(attributes['gen_ai.request.model'], undefined, name);
    }
  });
}

for (const { set, driver } of SETS) {
  provenSdk(
    { sdk: 'mcp', set, driver, wire: startOpenaiStandIn, formats: ['esm', 'cjs'], expect: EXPECTED },
    declareMore,
  );

  describe(`the context of a trace in requests of ${set}`, function () {
    this.timeout(300_000);

    const along = async (env: Readonly<Record<string, string>>): Promise<unknown> => {
      const [standIn, sink] = await Promise.all([startOpenaiStandIn(), startSink()]);
      try {
        const { outcomes } = await runSdk({
          set,
          driver,
          format: 'esm',
          standIn,
          scenarios: ['meta'],
          nodeOptions: ['--import', '@spanmeter/instrumentation/register'],
          env: { ...env, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', OTEL_EXPORTER_OTLP_ENDPOINT: sink.url },
        });
        return outcomes['meta']?.shown;
      } finally {
        await Promise.all([standIn.close(), sink.close()]);
      }
    };

    it('goes along where the app has set a propagator, and only there', async () => {
      const [without, withOne] = await Promise.all([along({}), along({ OTEL_PROPAGATORS: 'tracecontext' })]);
      assert.ok(!String(without).includes('traceparent'), String(without));
      assert.ok(String(withOne).includes('traceparent'), String(withOne));
    });
  });
}
