import assert from 'node:assert/strict';
import { createPricer, parsePriceOverrides } from '@spanmeter/processors';

/** Rates in whole USD per million: input, cache read, write, audio, cached audio, image. */
type Costs = readonly [number, number, number, number, number, number];

const MODELS: readonly Costs[] = [
  [4, 1, 5, 32, 1, 4],
  [4, 1, 5, 32, 29, 4],
  [2, 1, 3, 2, 1, 2],
  [2, 1, 3, 7, 6, 2],
  [2, 1, 3, 7, 6, 5],
  [3, 3, 3, 3, 3, 3],
];

const { overrides, faults } = parsePriceOverrides({
  prices: MODELS.map(([input, read, write, audio, cachedAudio, image], index) => ({
    provider: 'lab',
    model: `model-${index}`,
    input_mtok: String(input),
    cache_read_mtok: String(read),
    cache_write_mtok: String(write),
    input_audio_mtok: String(audio),
    cache_read_audio_mtok: String(cachedAudio),
    input_image_mtok: String(image),
    output_mtok: '0',
  })),
});
const price = createPricer({ overrides });

interface Counts {
  readonly total: number;
  readonly cached: number;
  readonly written: number;
  readonly audio: number;
  readonly image: number;
  readonly joint: number | null;
}

/** Every price in micro-USD that some split of the counts has, by trying all of them. */
function allPrices(costs: Costs, { total, cached, written, audio, image, joint }: Counts): Set<number> {
  const [input, read, write, audioRate, cachedAudio, imageRate] = costs;
  const found = new Set<number>();
  for (let a = joint ?? 0; a <= Math.min(audio, cached, joint ?? Infinity); a++) {
    for (let seen = 0; seen <= Math.min(image, cached - a); seen++) {
      for (let kept = 0; kept <= Math.min(image - seen, written); kept++) {
        const text = total - cached - written - (audio - a) - (image - seen - kept);
        if (text < 0) continue;
        const cheap = (cached - a) * read + a * cachedAudio + written * write;
        found.add(text * input + cheap + (audio - a) * audioRate + (image - seen - kept) * imageRate);
      }
    }
  }
  return found;
}

describe('counts that can be split in several ways', () => {
  it('have a price exactly where all ways cost the same, and are invalid where there is none', () => {
    let state = 20_261_121;
    const pick = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 8) % below;
    };
    const seen = new Map<string, number>();
    for (let i = 0; i < 20_000; i++) {
      const index = pick(MODELS.length);
      const some = (): number => (pick(3) === 0 ? 0 : pick(7));
      const joint = pick(3) === 0 ? pick(5) : null;
      const counts: Counts = {
        total: pick(14),
        cached: some(),
        written: some(),
        audio: some(),
        image: some(),
        joint,
      };
      const answer = price({
        id: String(i),
        provider: 'lab',
        model: `model-${index}`,
        at: '2026-11-20T12:00:00Z',
        inputIncludesCached: true,
        usage: {
          input_tokens: counts.total,
          cache_read_tokens: counts.cached,
          cache_write_tokens: counts.written,
          input_audio_tokens: counts.audio,
          input_image_tokens: counts.image,
          ...(joint === null ? {} : { cache_read_audio_tokens: joint }),
        },
      });
      const prices = [...allPrices(MODELS[index]!, counts)];
      const expected =
        prices.length === 0
          ? 'invalid_usage'
          : prices.length > 1
            ? 'unpriced_dimension'
            : `0.${String(prices[0]).padStart(6, '0')}000000`;
      const actual = answer.costUsd ?? answer.status;
      assert.equal(
        actual,
        expected,
        `case ${i}: model-${index} ${JSON.stringify(counts)}: ${prices.join(', ')}`,
      );
      const kind = answer.costUsd === null ? answer.status : 'priced';
      seen.set(kind, (seen.get(kind) ?? 0) + 1);
    }
    assert.deepEqual(faults, []);
    for (const kind of ['priced', 'unpriced_dimension', 'invalid_usage'])
      assert.ok((seen.get(kind) ?? 0) > 500, kind);
  });
});
