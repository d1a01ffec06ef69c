/**
 * Prompts and answers in the shape of the conventions' message schemas (gen-ai-input-messages.json,
 * gen-ai-output-messages.json): a role and typed parts. Captured by opt-in only.
 */
export interface Message {
  readonly role: string;
  readonly parts: readonly Part[];
  /** Output only. */
  readonly finish_reason?: string;
}

/** One part of a message: `text`, `tool_call`, `tool_call_response`, `reasoning`, `blob`, `file`, `uri`. */
export interface Part {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** Reads what people and models said. Called only where capturing is on; may give what it likes to leave out. */
export interface ContentReader {
  readonly input: (body: unknown) => readonly Message[];
  readonly system?: (body: unknown) => readonly Part[];
  /** Definitions of tools, as the request has them. */
  readonly tools?: (body: unknown) => readonly unknown[];
  readonly output: (response: unknown) => readonly Message[];
}

/** Where captured content goes. */
export interface ContentMode {
  readonly onSpan: boolean;
  readonly onEvent: boolean;
}

const NOWHERE: ContentMode = { onSpan: false, onEvent: false };

const MODES: Readonly<Record<string, ContentMode>> = {
  true: { onSpan: true, onEvent: false },
  '1': { onSpan: true, onEvent: false },
  span_only: { onSpan: true, onEvent: false },
  event_only: { onSpan: false, onEvent: true },
  span_and_event: { onSpan: true, onEvent: true },
};

/**
 * Reads `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`: `true`, or the four-valued form `NO_CONTENT`,
 * `SPAN_ONLY`, `EVENT_ONLY`, `SPAN_AND_EVENT`. Anything else captures nothing.
 */
export function contentMode(value: string | undefined): ContentMode {
  return MODES[value?.trim().toLowerCase() ?? ''] ?? NOWHERE;
}
