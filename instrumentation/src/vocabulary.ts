/** Which state of the GenAI conventions is told. */
export interface Vocabulary {
  /** Metrics as released: those of semantic-conventions 1.45. */
  readonly released: boolean;
  /** Metrics of semantic-conventions-genai main in their place, or beside them. */
  readonly latest: boolean;
  /** Span attributes under their former names too. */
  readonly formerNames: boolean;
}

/**
 * Reads `OTEL_SEMCONV_STABILITY_OPT_IN`, a list: `gen_ai_latest_experimental` has the latest metrics in place of the
 * released ones, `gen_ai/dup` has both and former attribute names. Span attributes have their current names always:
 * this package never shipped with others.
 */
export function vocabularyOf(optIn: string | undefined): Vocabulary {
  const items = new Set((optIn ?? '').split(',').map((item) => item.trim()));
  const both = items.has('gen_ai/dup');
  const latest = both || items.has('gen_ai_latest_experimental');
  return { released: both || !latest, latest, formerNames: both };
}
