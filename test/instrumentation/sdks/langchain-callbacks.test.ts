import assert from 'node:assert/strict';
import { runSetApp } from '../set-app.ts';

/** Models without an SDK below, one of which is asked by a handler that is told of the other's call. */
const APP = `
import { createRequire } from 'node:module';
import '@spanmeter/instrumentation/hook';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';

const exporter = new InMemorySpanExporter();
new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
const load = process.env.FORMAT === 'cjs' ? createRequire(import.meta.url) : (name) => import(name);
const { BaseChatModel } = await load('@langchain/core/language_models/chat_models');
const { AIMessage, AIMessageChunk } = await load('@langchain/core/messages');
const { ChatGenerationChunk } = await load('@langchain/core/outputs');

const usage = (output) => ({ input_tokens: 10, output_tokens: output, total_tokens: 10 + output });

class Local extends BaseChatModel {
  constructor(model, output) {
    super({});
    this.model = model;
    this.output = output;
  }
  _llmType() {
    return 'local';
  }
  async _generate() {
    await new Promise((resolve) => setImmediate(resolve));
    const message = new AIMessage({ content: 'Hello.', usage_metadata: usage(this.output) });
    return { generations: [{ text: 'Hello.', message }] };
  }
  async *_streamResponseChunks(_messages, _options, run) {
    const chunk = (more) => new ChatGenerationChunk({ text: 'Hello.', message: new AIMessageChunk(more) });
    yield chunk({ content: 'Hello.' });
    await run?.handleLLMNewToken('Hello.');
    yield chunk({ content: '', usage_metadata: usage(this.output) });
  }
}

const told = {};
for (const event of ['handleChatModelStart', 'handleLLMNewToken', 'handleLLMEnd']) {
  let judged;
  const handler = {
    [event]: () => (judged ??= new Local('judge', 3).invoke('Good?')),
  };
  for (const way of ['invoke', 'stream']) {
    if (way === 'invoke' && event === 'handleLLMNewToken') continue;
    judged = undefined;
    exporter.reset();
    const given = await new Local('asked', 500)[way]('Hello?', { callbacks: [handler] });
    if (way === 'stream') for await (const chunk of given) void chunk;
    await judged;
    told[event + ' ' + way] = exporter
      .getFinishedSpans()
      .map(({ attributes: all }) => [all['gen_ai.request.model'], all['gen_ai.usage.output_tokens']])
      .sort();
  }
}
process.stdout.write(JSON.stringify(told));
`;

const BOTH = [
  ['asked', 500],
  ['judge', 3],
];

describe('a handler of LangChain that asks a model of what it is told', function () {
  this.timeout(120_000);

  for (const set of ['frameworks-current', 'frameworks-previous']) {
    for (const FORMAT of ['esm', 'cjs']) {
      for (const background of ['true', 'false']) {
        it(`leaves both calls to be told: ${set}, ${FORMAT}, in the background: ${background}`, async () => {
          const env = { FORMAT, LANGCHAIN_CALLBACKS_BACKGROUND: background };
          const { code, stdout, stderr } = await runSetApp({ set, code: APP, env });
          assert.equal(code, 0, stderr);
          assert.deepEqual(JSON.parse(stdout), {
            'handleChatModelStart invoke': BOTH,
            'handleChatModelStart stream': BOTH,
            'handleLLMNewToken stream': BOTH,
            'handleLLMEnd invoke': BOTH,
            'handleLLMEnd stream': BOTH,
          });
        });
      }
    }
  }
});
