/**
 * Attribute and metric names of the OpenTelemetry GenAI conventions, as this package emits them. They are
 * copied because the conventions are still in development and no released JS package has all of them.
 * State: open-telemetry/semantic-conventions-genai, main of November 2026 (cache writes are
 * `cache_write`, not `cache_creation`; `gen_ai.provider.name`, not `gen_ai.system`); metric names are those
 * of semantic-conventions 1.45. `gen_ai.*` unless a vendor's own prefix says otherwise.
 */
export const SEMCONV_STATE = 'semantic-conventions-genai main, 2026-11; metrics 1.45';

/** What the call asks for: `chat`, `embeddings`, `image_generation`. */
export const ATTR_OPERATION = 'gen_ai.operation.name';
/** Who answers, by the host of the client. */
export const ATTR_PROVIDER = 'gen_ai.provider.name';
/** The model that was asked for. */
export const ATTR_REQUEST_MODEL = 'gen_ai.request.model';
/** True where the answer was asked for as a stream. */
export const ATTR_REQUEST_STREAM = 'gen_ai.request.stream';
/** The model that answered. */
export const ATTR_RESPONSE_MODEL = 'gen_ai.response.model';
/** The provider's id of the answer. */
export const ATTR_RESPONSE_ID = 'gen_ai.response.id';
/** The conversation, as the provider keeps it. */
export const ATTR_CONVERSATION_ID = 'gen_ai.conversation.id';
/** Why the model stopped, for each choice. */
export const ATTR_FINISH_REASONS = 'gen_ai.response.finish_reasons';
/** Seconds from the request to the first chunk that carries output. */
export const ATTR_TIME_TO_FIRST_CHUNK = 'gen_ai.response.time_to_first_chunk';
/** All input tokens, cached ones included. */
export const ATTR_INPUT_TOKENS = 'gen_ai.usage.input_tokens';
/** All output tokens, reasoning included. */
export const ATTR_OUTPUT_TOKENS = 'gen_ai.usage.output_tokens';
/** Input tokens read from a cache; of the input. */
export const ATTR_CACHE_READ_TOKENS = 'gen_ai.usage.cache_read.input_tokens';
/** Input tokens written to a cache; of the input. */
export const ATTR_CACHE_WRITE_TOKENS = 'gen_ai.usage.cache_write.input_tokens';
/** Output tokens of reasoning; of the output. */
export const ATTR_REASONING_TOKENS = 'gen_ai.usage.reasoning.output_tokens';
/** Input tokens of audio; of the input. */
export const ATTR_AUDIO_INPUT_TOKENS = 'gen_ai.usage.audio.input_tokens';
/** Output tokens of audio; of the output. */
export const ATTR_AUDIO_OUTPUT_TOKENS = 'gen_ai.usage.audio.output_tokens';
/** Input tokens of audio read from a cache; of the input. */
export const ATTR_AUDIO_CACHE_READ_TOKENS = 'gen_ai.usage.audio.cache_read.input_tokens';
/** Input tokens of images; of the input. */
export const ATTR_IMAGE_INPUT_TOKENS = 'gen_ai.usage.image.input_tokens';
/** Output tokens of images; of the output. */
export const ATTR_IMAGE_OUTPUT_TOKENS = 'gen_ai.usage.image.output_tokens';
/** Seconds of audio that are charged; the names from here on are Spanmeter's. */
export const ATTR_AUDIO_SECONDS = 'spanmeter.usage.audio_seconds';
/** Images made, where they are not counted in tokens. */
export const ATTR_IMAGES = 'spanmeter.usage.images';
/** Characters of a text to be spoken. */
export const ATTR_INPUT_CHARACTERS = 'spanmeter.usage.input_characters';
/** Searches that are charged. */
export const ATTR_WEB_SEARCHES = 'spanmeter.usage.web_search_requests';
/** True where the usage of this request is told by a later span, so that this one costs nothing. */
export const ATTR_USAGE_DEFERRED = 'spanmeter.usage.deferred';
/** Units of calls that are sold by the thousand: searches of a rerank, pages of an OCR. */
export const ATTR_REQUESTS = 'spanmeter.usage.requests';
/** What the provider says that it charges, in USD: not in the conventions, read by most backends. */
export const ATTR_REPORTED_COST = 'gen_ai.usage.cost';
/**
 * Characters of the text of a call that told no usage, for estimates: all of them, those that are ASCII digits
 * or punctuation, and those from U+2E80 on. The conventions have no names for them; these are Spanmeter's.
 */
export const CHARACTER_COUNTS: Readonly<
  Record<'input' | 'output', { readonly characters: string; readonly symbols: string; readonly wide: string }>
> = {
  input: {
    characters: 'spanmeter.usage.estimate.input_characters',
    symbols: 'spanmeter.usage.estimate.input_symbols',
    wide: 'spanmeter.usage.estimate.input_wide_characters',
  },
  output: {
    characters: 'spanmeter.usage.estimate.output_characters',
    symbols: 'spanmeter.usage.estimate.output_symbols',
    wide: 'spanmeter.usage.estimate.output_wide_characters',
  },
};
/** Which part of all traces is kept, where it is not all of them. */
export const ATTR_SAMPLING_RATIO = 'spanmeter.sampling.ratio';
/** The HTTP status or the class of the error of a failed call. */
export const ATTR_ERROR_TYPE = 'error.type';
/** The HTTP status of a failed call. */
export const ATTR_HTTP_STATUS = 'http.response.status_code';
/** Attempts after the first, where the SDK shows them. */
export const ATTR_RESEND_COUNT = 'http.request.resend_count';
/** On a span of another instrumentation inside one of ours: both tell of one call, which ours counts. */
export const ATTR_TOLD_ABOVE = 'spanmeter.told_above';
/** The host that the client sends to. */
export const ATTR_SERVER_ADDRESS = 'server.address';
/** Its port. */
export const ATTR_SERVER_PORT = 'server.port';

/** `input` or `output`; released metrics only. */
export const ATTR_TOKEN_TYPE = 'gen_ai.token.type';
/** `text`, `image`, `audio` or `unknown`; latest metrics only. */
export const ATTR_TOKEN_MODALITY = 'gen_ai.token.modality';

/** What was asked, by opt-in alone: JSON. */
export const ATTR_INPUT_MESSAGES = 'gen_ai.input.messages';
/** What was answered, by opt-in alone: JSON. */
export const ATTR_OUTPUT_MESSAGES = 'gen_ai.output.messages';
/** Instructions to the model, by opt-in alone: JSON. */
export const ATTR_SYSTEM_INSTRUCTIONS = 'gen_ai.system_instructions';
/** Tools that the model may call, by opt-in alone: JSON. */
export const ATTR_TOOL_DEFINITIONS = 'gen_ai.tool.definitions';
/** True where content was longer than it may be; not in the conventions. */
export const ATTR_CONTENT_TRUNCATED = 'spanmeter.content.truncated';
export const EVENT_OPERATION_DETAILS = 'gen_ai.client.inference.operation.details';

/** The names that the conventions had before, for backends that still want them. */
const FORMER_NAMES: Readonly<Record<string, string>> = {
  [ATTR_PROVIDER]: 'gen_ai.system',
  [ATTR_CACHE_WRITE_TOKENS]: 'gen_ai.usage.cache_creation.input_tokens',
};

/** Former values of `gen_ai.system` that differ from today's `gen_ai.provider.name`. */
const FORMER_SYSTEMS: Readonly<Record<string, string>> = {
  'azure.ai.openai': 'az.ai.openai',
  'azure.ai.inference': 'az.ai.inference',
  'gcp.gemini': 'gemini',
  'gcp.vertex_ai': 'vertex_ai',
  x_ai: 'xai',
};

/** Adds the former name of every attribute that has one, in place. */
export function addFormerNames(attributes: Record<string, unknown>): void {
  for (const [current, former] of Object.entries(FORMER_NAMES)) {
    const value = attributes[current];
    if (value === undefined) continue;
    attributes[former] = (typeof value === 'string' ? FORMER_SYSTEMS[value] : undefined) ?? value;
  }
}
