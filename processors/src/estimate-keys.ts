/** The two sides of a call that tokens are counted for. */
export type Side = 'input' | 'output';

/** What a sender counted of one side's text, so that it can be estimated without the text. */
export interface CharacterKeys {
  /** All characters, in UTF-16 units or code points. */
  readonly characters: string;
  /** Those of them that are ASCII digits or ASCII punctuation. */
  readonly symbols: string;
  /** Those of them from U+2E80 on: Chinese, Japanese, Korean, emoji. */
  readonly wide: string;
}

function characterKeys(side: Side): CharacterKeys {
  const prefix = `spanmeter.usage.estimate.${side}_`;
  return {
    characters: `${prefix}characters`,
    symbols: `${prefix}symbols`,
    wide: `${prefix}wide_characters`,
  };
}

/** Character counts that `@spanmeter/instrumentation` sends where a response told no usage. */
export const CHARACTER_KEYS: Readonly<Record<Side, CharacterKeys>> = {
  input: characterKeys('input'),
  output: characterKeys('output'),
};

/** One way to carry what was said: whole keys, and keys that have an index after their prefix. */
export interface ContentKeys {
  readonly keys: readonly string[];
  readonly prefixes: readonly string[];
}

/**
 * Where the content of each side is, best first; the first way that a span uses for a side is taken alone, since
 * instrumentations that follow two conventions say everything twice.
 */
export const CONTENT_KEYS: Readonly<Record<Side, readonly ContentKeys[]>> = {
  input: [
    {
      keys: ['gen_ai.input.messages', 'gen_ai.system_instructions', 'gen_ai.tool.definitions'],
      prefixes: [],
    },
    { keys: ['gen_ai.prompt'], prefixes: ['gen_ai.prompt.'] },
    { keys: [], prefixes: ['llm.input_messages.', 'embedding.embeddings.'] },
    { keys: ['input.value'], prefixes: [] },
  ],
  output: [
    { keys: ['gen_ai.output.messages'], prefixes: [] },
    { keys: ['gen_ai.completion'], prefixes: ['gen_ai.completion.'] },
    { keys: [], prefixes: ['llm.output_messages.'] },
    { keys: ['output.value'], prefixes: [] },
  ],
};

/** What is estimated where a call reports no usage: nothing, from character counts, or from content first. */
export type EstimateMode = 'off' | 'characters' | 'content';

/** What the decoder must keep for estimates beside `WANTED_KEYS`; content is kept undecoded. */
export interface EstimateKeys {
  readonly keys: readonly string[];
  readonly content: ContentKeys;
}

const NO_CONTENT: ContentKeys = { keys: [], prefixes: [] };

/** The keys that a mode needs; none where estimates are off, and content only where it is asked for. */
export function estimateKeys(mode: EstimateMode): EstimateKeys {
  if (mode === 'off') return { keys: [], content: NO_CONTENT };
  const keys = Object.values(CHARACTER_KEYS).flatMap(({ characters, symbols, wide }) => [
    characters,
    symbols,
    wide,
  ]);
  if (mode === 'characters') return { keys, content: NO_CONTENT };
  const ways = Object.values(CONTENT_KEYS).flat();
  return {
    keys,
    content: { keys: ways.flatMap((way) => way.keys), prefixes: ways.flatMap((way) => way.prefixes) },
  };
}
