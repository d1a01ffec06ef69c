import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startSink, type OtlpSink } from './otlp-sink.ts';
import { runApp } from './run-app.ts';
import type { EndedProcess } from '../support/ended-process.ts';

const HERON = Buffer.from('🪶');

const delta = (text: string): object => ({ choices: [{ index: 0, delta: { content: text } }] });

/** An event whose text ends with the feather, and where in its bytes the feather is in two. */
function feathered(make: (text: string) => object): { bytes: Buffer; cut: number } {
  const bytes = Buffer.from(`data: ${JSON.stringify(make('a 🪶'))}\n\n`);
  return { bytes, cut: bytes.indexOf(HERON) + 2 };
}

const USAGE = { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 };
const LAST = Buffer.from(`data: ${JSON.stringify({ choices: [], usage: USAGE })}\n\ndata: [DONE]\n\n`);

/** Ways in which a body may be cut inside of a character. */
const CUTS: Readonly<Record<string, (response: ServerResponse, first: Buffer, rest: Buffer) => void>> = {
  'and goes on in the next packet': (response, first, rest) => {
    response.write(first, () => setTimeout(() => response.end(Buffer.concat([rest, LAST])), 20));
  },
  'and ends there as if all were well': (response, first) => response.end(first),
  'and loses its connection': (response, first) => {
    response.write(first, () => setTimeout(() => response.destroy(), 20));
  },
};

const APP = `
import OpenAI from 'openai';
const client = new OpenAI({ maxRetries: 0 });
process.on('unhandledRejection', (error) => console.log('UNHANDLED', error));
const body = { model: 'gpt-4o', messages: [{ role: 'user', content: 'hi' }], stream: true };
const told = [];
try {
  const stream = await client.chat.completions.create({ ...body, stream_options: { include_usage: true } });
  for await (const chunk of stream) told.push(chunk.choices[0]?.delta.content ?? chunk.usage);
} catch (error) {
  told.push(error.constructor.name, error.message, error.cause?.code);
}
console.log(JSON.stringify(told));
`;

describe('a stream that is cut in the middle of a character', function () {
  this.timeout(60_000);
  let server: Server;
  let sink: OtlpSink;
  let answer: (response: ServerResponse) => void;

  before(async () => {
    server = createServer((request, response) => {
      request.resume();
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      answer(response);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  beforeEach(async () => {
    sink = await startSink();
  });

  afterEach(() => sink.close());

  after(() => {
    server.closeAllConnections();
    server.close();
  });

  const run = (preload: 'import' | 'none'): Promise<EndedProcess> =>
    runApp({
      code: APP,
      preload,
      env: {
        OPENAI_BASE_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
        OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
      },
    });

  for (const [way, cut] of Object.entries(CUTS)) {
    it(`${way} is to the app what it was, and its span ends`, async () => {
      const { bytes, cut: at } = feathered(delta);
      answer = (response) => {
        response.write(`data: ${JSON.stringify(delta('one'))}\n\n`);
        cut(response, bytes.subarray(0, at), bytes.subarray(at));
      };
      const bare = await run('none');
      const ours = await run('import');
      assert.deepEqual(
        [ours.stdout, ours.stderr, ours.code],
        [bare.stdout, bare.stderr, bare.code],
        'the app must see no difference',
      );
      assert.match(bare.stdout, /^\["one"/);
      assert.equal(sink.spans.length, 1);
      const isWhole = way.includes('next packet');
      assert.equal(bare.stdout.includes('🪶'), isWhole);
      const { attributes } = sink.spans[0]!;
      assert.equal(attributes['gen_ai.usage.output_tokens'], isWhole ? 4 : undefined);
      assert.equal(attributes['error.type'] !== undefined, bare.stdout.includes('Error'));
    });
  }
});
