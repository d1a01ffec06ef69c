import assert from 'node:assert/strict';
import { runApp } from './run-app.ts';

/** What an SDK registers that came with a copy of the API too old for ours to read. */
const OLDER = `
const span = {
  spanContext: () => ({ traceId: '1'.repeat(32), spanId: '1'.repeat(16), traceFlags: 1 }),
  isRecording: () => true,
  setAttribute: () => span,
  setAttributes: () => span,
  setStatus: () => span,
  end: () => console.log('ended'),
};
const startSpan = (name) => (console.log(name), span);
const provider = { getTracer: () => ({ startSpan }), forceFlush: async () => console.log('flushed') };
globalThis[Symbol.for('opentelemetry.js.api.1')] = { version: '1.4.0', trace: provider };
const { flush, instrument } = await import('@spanmeter/instrumentation');
const { default: OpenAI } = await import('openai');
`;

describe("an app whose SDK has an older copy of OpenTelemetry's API", () => {
  it('gets the calls of a client that it gives by hand, and what flush() sends', async () => {
    const { stdout, stderr } = await runApp({
      preload: 'none',
      code: `${OLDER}
        const fetch = async () => new Response('{}', { headers: { 'content-type': 'application/json' } });
        const client = instrument(new OpenAI({ apiKey: 'test', fetch }));
        await client.chat.completions.create({ model: 'gpt-4o', messages: [] });
        await flush();`,
    });
    assert.equal(stderr, '');
    assert.deepEqual(stdout.trim().split('\n'), ['chat gpt-4o', 'ended', 'flushed']);
  });
});
