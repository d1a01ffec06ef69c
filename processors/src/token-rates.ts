/** How long a text is, by the kinds of characters that tokenizers treat differently. */
export interface TextSize {
  readonly characters: number;
  /** ASCII digits and punctuation, which mostly make a token of one or two. */
  readonly symbols: number;
  /** From U+2E80 on: Chinese, Japanese, Korean, emoji; most of a token each. */
  readonly wide: number;
}

/** No text. */
export const NO_TEXT: TextSize = { characters: 0, symbols: 0, wide: 0 };

export function addSizes(a: TextSize, b: TextSize): TextSize {
  return {
    characters: a.characters + b.characters,
    symbols: a.symbols + b.symbols,
    wide: a.wide + b.wide,
  };
}

const FIRST_WIDE = 0x2e80;

function isSymbol(code: number): boolean {
  return (code > 32 && code < 65) || (code > 90 && code < 97) || (code > 122 && code < 127);
}

/** Counts the characters of a text by kind. */
export function sizeOf(text: string): TextSize {
  let symbols = 0;
  let wide = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= FIRST_WIDE) wide++;
    else if (isSymbol(code)) symbols++;
  }
  return { characters: text.length, symbols, wide };
}

/** Tokens of a text by its kinds of characters. */
interface TokenRates {
  /** Letters and spaces for one token. */
  readonly lettersPerToken: number;
  readonly tokensPerSymbol: number;
  readonly tokensPerWide: number;
}

// Fitted to o200k_base and cl100k_base on the texts of test/fixtures/text; docs/estimates.md has the errors.
const O200K: TokenRates = { lettersPerToken: 4.4, tokensPerSymbol: 0.5, tokensPerWide: 0.8 };
const CL100K: TokenRates = { lettersPerToken: 4.3, tokensPerSymbol: 0.5, tokensPerWide: 1.15 };

/** What OpenAI and Google say of English text; Anthropic's figure for Claude is 3.5. */
const USUAL_CHARACTERS_PER_TOKEN = 4;
const CLAUDE: number = USUAL_CHARACTERS_PER_TOKEN / 3.5;
/** "Approximately 30 percent more tokens than on earlier models" (Claude docs, token counting, 2026). */
const LATER_CLAUDE: number = CLAUDE * 1.3;

/** Claude models with the tokenizer of Opus 4.7: Opus from 4.7, and every family's version 5 and later. */
const LATER_CLAUDES = /claude-(?:opus-4-(?:[7-9]|\d{2})(?!\d)|[a-z]+-(?:[5-9]|\d{2})(?!\d)|mythos)/;

const O200K_MODELS = /^(?:ft:)?(?:gpt-4o|chatgpt-4o|gpt-4\.[15]|gpt-5|gpt-oss|o[134](?:-|$)|codex-mini)/;
const CL100K_MODELS = /^(?:ft:)?(?:gpt-4(?:-|$)|gpt-3\.5|gpt-35|text-embedding-(?:3|ada-002))/;

/** Tokenizers that are public and whose models are known by name. */
export type Encoding = 'o200k_base' | 'cl100k_base';

/** The public tokenizer of a model, by its name; null where there is none, or none is known for sure. */
export function encodingOf(provider: string, model: string): Encoding | null {
  if (provider !== 'openai' && provider !== 'azure.ai.openai') return null;
  if (O200K_MODELS.test(model)) return 'o200k_base';
  return CL100K_MODELS.test(model) ? 'cl100k_base' : null;
}

function factorOf(model: string): number {
  if (!model.includes('claude')) return 1;
  return LATER_CLAUDES.test(model) ? LATER_CLAUDE : CLAUDE;
}

/** Estimated tokens of a text of that size, for that model. */
export function tokensOfSize(size: TextSize, provider: string, model: string): number {
  const { lettersPerToken, tokensPerSymbol, tokensPerWide } =
    encodingOf(provider, model) === 'cl100k_base' ? CL100K : O200K;
  const letters = Math.max(0, size.characters - size.symbols - size.wide);
  const usual = letters / lettersPerToken + size.symbols * tokensPerSymbol + size.wide * tokensPerWide;
  return Math.ceil(usual * factorOf(model));
}
