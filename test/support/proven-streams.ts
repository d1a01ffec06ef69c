import assert from 'node:assert/strict';
import type { Proof } from './proven-sdk.ts';

/** Of one call: characters sent, received, and digits and punctuation among those received; or the first of these. */
export type TextSizes = readonly (number | undefined)[];

const SIZES = ['input_characters', 'output_characters', 'output_symbols'];

/** Declares how much text the spans tell of: some just where the provider told no tokens. */
export function provenTextSizes(proof: Proof, expected: Readonly<Record<string, TextSizes>>): void {
  it('tells how much text it was just where the provider told no tokens', () => {
    for (const [scenario, sizes] of Object.entries(expected)) {
      const attributes = proof.attributesOf(scenario);
      const told = SIZES.slice(0, sizes.length).map((name) => attributes[`spanmeter.usage.estimate.${name}`]);
      assert.deepEqual(told, sizes, scenario);
    }
  });
}

/** Declares that the first chunk of each of these was timed. */
export function provenFirstChunks(proof: Proof, scenarios: readonly string[]): void {
  it('times the first chunk of a stream that was read', () => {
    for (const scenario of scenarios) {
      const seconds = proof.attributesOf(scenario)['gen_ai.response.time_to_first_chunk'];
      const told = `${scenario}: ${String(seconds)}`;
      assert.ok(typeof seconds === 'number' && seconds > 0 && seconds < 30, told);
    }
  });
}
