// How LiteLLM's model map names sellers, places, modes and prices, and what the book calls them.

/** Seller of the book, and the prefix that its names have in the map. */
export const SELLERS = {
  openai: 'openai',
  'text-completion-openai': 'openai',
  azure: 'azure',
  azure_ai: 'azure',
  bedrock: 'aws.bedrock',
  bedrock_converse: 'aws.bedrock',
  gemini: 'google',
  vertex_ai: 'google',
  'vertex_ai-language-models': 'google',
  'vertex_ai-embedding-models': 'google',
  'vertex_ai-anthropic_models': 'google',
  'vertex_ai-mistral_models': 'google',
  'vertex_ai-llama_models': 'google',
  'vertex_ai-deepseek_models': 'google',
  'vertex_ai-qwen_models': 'google',
  'vertex_ai-openai_models': 'google',
  'vertex_ai-zai_models': 'google',
  'vertex_ai-image-models': 'google',
  mistral: 'mistral_ai',
  groq: 'groq',
  xai: 'x_ai',
  perplexity: 'perplexity',
  cohere: 'cohere',
  cohere_chat: 'cohere',
  voyage: 'voyageai',
  moonshot: 'moonshot_ai',
  cerebras: 'cerebras',
  fireworks_ai: 'fireworks_ai',
  'fireworks_ai-embedding-models': 'fireworks_ai',
  together_ai: 'together_ai',
};
export const PREFIX =
  /^(openai|azure_ai|azure|gemini|vertex_ai|mistral|groq|xai|perplexity|cohere|voyage|moonshot|cerebras|fireworks_ai|together_ai)\//;
export const PROFILE = /^(us-gov|us|eu|apac|global|au|jp|ca|in)\.(?=[a-z0-9-]+\.)/;
export const REGION = /^([a-z]{2}(?:-gov)?-[a-z]+-\d)\/(?:invoke\/)?(.+)$/;
export const MODES = { batches: 'batch', flex: 'flex', priority: 'priority', ultrafast: 'ultrafast' };
export const KINDS = new Set([
  'chat',
  'completion',
  'responses',
  'embedding',
  'rerank',
  'image_generation',
  'audio_transcription',
  'audio_speech',
  'realtime',
]);
const MILLION = 1_000_000;

/** What a price of the map is in the book, and how many units of the map's make one of the book's. */
export const RATES = {
  input_cost_per_token: ['input_mtok', MILLION],
  output_cost_per_token: ['output_mtok', MILLION],
  cache_read_input_token_cost: ['cache_read_mtok', MILLION],
  cache_creation_input_token_cost: ['cache_write_mtok', MILLION],
  cache_creation_input_token_cost_above_1hr: ['cache_write_1h_mtok', MILLION],
  output_cost_per_reasoning_token: ['reasoning_mtok', MILLION],
  input_cost_per_audio_token: ['input_audio_mtok', MILLION],
  output_cost_per_audio_token: ['output_audio_mtok', MILLION],
  cache_read_input_audio_token_cost: ['cache_read_audio_mtok', MILLION],
  input_cost_per_image_token: ['input_image_mtok', MILLION],
  output_cost_per_image_token: ['output_image_mtok', MILLION],
  input_cost_per_character: ['input_mchar', MILLION],
  output_cost_per_image: ['per_image', 1],
  input_cost_per_query: ['requests_k', 1000],
};
