/** Attribute-key prefixes that make a span a GenAI span. */
export const GEN_AI_KEY_PREFIXES: readonly string[] = ['gen_ai.'];

/** What the decoder must keep of a span, its resource included: exact keys, and every key under a prefix. */
export const WANTED_KEYS: { readonly keys: readonly string[]; readonly prefixes: readonly string[] } = {
  keys: ['service.name', 'tenant.id', 'team.id', 'user.id', 'session.id', 'deployment.environment.name'],
  prefixes: ['gen_ai.', 'spanmeter.', 'openai.', 'anthropic.'],
};
