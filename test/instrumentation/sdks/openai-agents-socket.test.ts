import assert from 'node:assert/strict';
import { runSetApp } from '../set-app.ts';

/** A server that answers by a socket, and an agent that asks it, once whole and once streamed. */
const APP = `
import '@spanmeter/instrumentation/hook';
import { once } from 'node:events';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { WebSocket, WebSocketServer } from 'ws';

// Node 20 has none.
globalThis.WebSocket ??= WebSocket;

const exporter = new InMemorySpanExporter();
new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
const { Agent, OpenAIProvider, Runner } = await import('@openai/agents');

const content = [{ type: 'output_text', text: 'Hello.', annotations: [] }];
const answer = {
  id: 'resp_1',
  object: 'response',
  status: 'completed',
  model: 'gpt-5.4-2026-03-01',
  service_tier: 'flex',
  output: [{ type: 'message', id: 'msg_1', role: 'assistant', status: 'completed', content }],
  usage: {
    input_tokens: 100,
    input_tokens_details: { cached_tokens: 40 },
    output_tokens: 20,
    output_tokens_details: { reasoning_tokens: 5 },
    total_tokens: 120,
  },
  tool_usage: { web_search: { num_requests: 2 } },
};
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
await once(server, 'listening');
server.on('connection', (socket) =>
  socket.on('message', () => {
    const begun = { ...answer, status: 'in_progress', output: [], usage: null };
    for (const [type, response] of [['created', begun], ['completed', answer]]) {
      socket.send(JSON.stringify({ type: 'response.' + type, sequence_number: 0, response }));
    }
  }),
);
const host = '127.0.0.1:' + server.address().port;
const modelProvider = new OpenAIProvider({
  apiKey: 'sk-test',
  baseURL: 'http://' + host + '/v1',
  websocketBaseURL: 'ws://' + host + '/v1',
  useResponses: true,
  useResponsesWebSocket: true,
});
const runner = new Runner({ modelProvider, tracingDisabled: true });
const agent = new Agent({ name: 'Clerk', instructions: 'Be brief.', model: 'gpt-5.4' });
await runner.run(agent, 'Hello?');
const streamed = await runner.run(agent, 'Hello?', { stream: true });
for await (const event of streamed) void event;
await streamed.completed;
const spans = exporter.getFinishedSpans().filter(({ name }) => name.startsWith('chat'));
process.stdout.write(JSON.stringify(spans.map(({ attributes }) => attributes)), () => process.exit(0));
`;

describe("a model of OpenAI's agents that is asked by a socket", function () {
  this.timeout(60_000);

  it('is told with all that its price depends on', async () => {
    const { code, stdout, stderr } = await runSetApp({ set: 'agents-current', code: APP });
    assert.equal(code, 0, stderr);
    const told = JSON.parse(stdout) as Record<string, unknown>[];
    assert.equal(told.length, 2);
    for (const attributes of told) {
      assert.equal(attributes['gen_ai.request.model'], 'gpt-5.4');
      assert.equal(attributes['gen_ai.response.model'], 'gpt-5.4-2026-03-01');
      assert.equal(attributes['openai.response.service_tier'], 'flex');
      assert.equal(attributes['spanmeter.usage.web_search_requests'], 2);
      assert.equal(attributes['gen_ai.usage.input_tokens'], 100);
      assert.equal(attributes['gen_ai.usage.cache_read.input_tokens'], 40);
      assert.equal(attributes['gen_ai.usage.output_tokens'], 20);
      assert.equal(attributes['server.address'], '127.0.0.1');
    }
  });
});
