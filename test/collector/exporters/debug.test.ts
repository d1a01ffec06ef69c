import assert from 'node:assert/strict';
import { createDebugExporter, debug } from '@spanmeter/collector/dist/exporters/debug.js';
import type { DebugVerbosity } from '@spanmeter/collector/dist/exporters/debug.js';
import { createLogger } from '@spanmeter/collector/dist/telemetry/log.js';
import { buildCall } from '../../support/call-builder.ts';

function logged(
  verbosity: DebugVerbosity,
  ...calls: ReturnType<typeof buildCall>[]
): Record<string, unknown>[] {
  const lines: string[] = [];
  const log = createLogger({ level: 'info', destination: { write: (line: string) => lines.push(line) } });
  createDebugExporter({ verbosity }, { log }).calls(calls);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('the debug exporter', () => {
  it('writes one line per call with the exact cost, and null where there is none', () => {
    const [first, second] = logged(
      'basic',
      buildCall(),
      buildCall({ costPicoUsd: null, costStatus: 'missing_usage' }),
    );
    assert.deepEqual(
      [first?.['tenant'], first?.['model'], first?.['cost_usd']],
      ['acme', 'gpt-4o', '0.001350000000'],
    );
    assert.deepEqual([second?.['cost_usd'], second?.['cost_status']], [null, 'missing_usage']);
  });

  it('says more with each verbosity', () => {
    const [basic, normal, detailed] = (['basic', 'normal', 'detailed'] as const).map(
      (one) => logged(one, buildCall())[0]!,
    );
    assert.ok(!('usage' in basic!) && !('trace_id' in normal!));
    assert.deepEqual(normal!['usage'], { input: '450', output: '180' });
    assert.equal(normal!['duration_ms'], 1_500);
    assert.equal(detailed!['trace_id'], buildCall().traceId);
    assert.equal(detailed!['started_at'], '2026-09-21T14:13:20.000Z');
  });

  it('never writes attributes of the span, where content could be', () => {
    const call = buildCall({ attributes: { 'gen_ai.prompt': 'my secret question' } });
    for (const verbosity of ['basic', 'normal', 'detailed'] as const) {
      assert.ok(!JSON.stringify(logged(verbosity, call)).includes('my secret question'));
    }
  });

  it('is basic unless told otherwise', () => {
    assert.deepEqual(debug.options.parse({}), { verbosity: 'basic' });
    assert.equal(debug.options.safeParse({ verbosity: 'loud' }).success, false);
  });
});
