/** What a kind of span is to us. */
export interface Operation {
  /** Our name of it. */
  readonly name: string;
  /** True where it is one request to a model that somebody pays for. */
  readonly billable: boolean;
  /** True where it always produces output tokens, so that a count of input alone is not its usage. */
  readonly generates: boolean;
}

function operation(name: string, billable: boolean, generates = false): Operation {
  return { name, billable, generates };
}

const CHAT = operation('chat', true, true);
const COMPLETION = operation('text_completion', true, true);
const CONTENT = operation('generate_content', true, true);
const EMBEDDINGS = operation('embeddings', true);
const IMAGE = operation('image_generation', true);
const SPEECH = operation('speech', true);
const TRANSCRIPTION = operation('transcription', true);
const AGENT = operation('invoke_agent', false);
const TOOL = operation('execute_tool', false);
const WORKFLOW = operation('workflow', false);
const RETRIEVAL = operation('retrieval', false);
const FETCH = operation('fetch_response', false);
const COUNT = operation('count_tokens', false);

/** Every operation name that conventions and instrumentations use, and what we call it. */
const OPERATIONS: Readonly<Record<string, Operation>> = {
  chat: CHAT,
  responses: CHAT,
  response: CHAT,
  message: CHAT,
  messages: CHAT,
  converse: CHAT,
  completion: COMPLETION,
  completions: COMPLETION,
  text_completion: COMPLETION,
  generate_content: CONTENT,
  generatecontent: CONTENT,
  embeddings: EMBEDDINGS,
  embedding: EMBEDDINGS,
  embed: EMBEDDINGS,
  rerank: operation('rerank', true),
  image_generation: IMAGE,
  generate_image: IMAGE,
  image: IMAGE,
  speech: SPEECH,
  text_to_speech: SPEECH,
  transcription: TRANSCRIPTION,
  transcribe: TRANSCRIPTION,
  speech_to_text: TRANSCRIPTION,
  translation: operation('translation', true),
  moderation: operation('moderation', true),
  realtime: operation('realtime', true, true),
  ocr: operation('ocr', true),
  invoke_agent: AGENT,
  create_agent: AGENT,
  agent: AGENT,
  agent_step: AGENT,
  plan: AGENT,
  handle_conversation_turn: AGENT,
  execute_tool: TOOL,
  tool: TOOL,
  invoke_workflow: WORKFLOW,
  workflow: WORKFLOW,
  chain: WORKFLOW,
  task: WORKFLOW,
  retrieval: RETRIEVAL,
  retrieve: RETRIEVAL,
  search_memory: RETRIEVAL,
  create_memory: RETRIEVAL,
  update_memory: RETRIEVAL,
  delete_memory: RETRIEVAL,
  fetch_response: FETCH,
  count_tokens: COUNT,
  // Anthropic's SDK traces all of its API: `anthropic.messages.batches.create`, `anthropic.sessions.create`.
  batches: operation('batch', false),
  sessions: AGENT,
};

/** The AI SDK's, by `ai.operationId` or the span's name: requests are inside of what the app has called. */
const OF_AI_SDK: Readonly<Record<string, Operation>> = {
  'ai.generatetext': WORKFLOW,
  'ai.streamtext': WORKFLOW,
  'ai.generateobject': WORKFLOW,
  'ai.streamobject': WORKFLOW,
  'ai.embed': WORKFLOW,
  'ai.embedmany': WORKFLOW,
  'ai.toolcall': TOOL,
  'ai.embed.doembed': EMBEDDINGS,
  'ai.embedmany.doembed': EMBEDDINGS,
  'ai.generatetext.dogenerate': CHAT,
  'ai.streamtext.dostream': CHAT,
  'ai.generateobject.dogenerate': CHAT,
  'ai.streamobject.dostream': CHAT,
};

const BY_NAME: ReadonlyMap<string, Operation> = new Map(Object.entries({ ...OPERATIONS, ...OF_AI_SDK }));

/** The operation of that name, or null where the name is not known. */
export function knownOperation(name: string): Operation | null {
  return BY_NAME.get(name) ?? BY_NAME.get(name.trim().toLowerCase()) ?? null;
}

/**
 * The operation that a span's name tells (`chat gpt-4o`, `openai.embeddings`), for spans without an operation
 * attribute; null where it tells none.
 */
export function operationOfSpanName(spanName: string): Operation | null {
  const first = spanName.trimStart().split(' ', 1)[0] ?? '';
  if (first.length > 64) return null;
  const whole = knownOperation(first);
  if (whole !== null) return whole;
  for (const part of first.toLowerCase().split('.').toReversed()) {
    const found = BY_NAME.get(part);
    if (found !== undefined) return found;
  }
  return null;
}
