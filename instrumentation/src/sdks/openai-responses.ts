import type { Attributes } from '@opentelemetry/api';
import type { CallKind } from '../adapter.ts';
import { attributedTo, attributionOf, tellingContext } from '../attribution.ts';
import { asObject, objectsIn, putCount, putNumber, putString, type Json } from '../json.ts';
import {
  ATTR_CONVERSATION_ID,
  ATTR_OPERATION,
  ATTR_REQUEST_STREAM,
  ATTR_RESPONSE_ID,
  ATTR_USAGE_DEFERRED,
  ATTR_WEB_SEARCHES,
} from '../semconv.ts';
import { sizeOfParts, TextSize } from '../text-size.ts';
import { putFinishReason } from './finish-reasons.ts';
import { begunFor, isUnderWay, noteBegun, noteTold, takesUsage } from './openai-background.ts';
import { putTier } from './openai-chat.ts';
import { openaiRequest } from './openai-client.ts';
import { RESPONSES_CONTENT } from './openai-responses-content.ts';
import { isSearch, ResponsesStreamReader } from './openai-responses-stream.ts';
import { putIdentity, putTokenUsage } from './openai-usage.ts';

function request(resource: unknown, params: unknown): Attributes {
  const body = asObject(params) ?? {};
  const attributes = openaiRequest(resource, body, 'chat', 'openai');
  attributes['openai.api.type'] = 'responses';
  if (body['stream'] === true) attributes[ATTR_REQUEST_STREAM] = true;
  putNumber(attributes, 'gen_ai.request.max_tokens', body['max_output_tokens']);
  putNumber(attributes, 'gen_ai.request.temperature', body['temperature']);
  putNumber(attributes, 'gen_ai.request.top_p', body['top_p']);
  putString(attributes, 'gen_ai.request.previous_response.id', body['previous_response_id']);
  putString(attributes, 'gen_ai.request.reasoning.level', asObject(body['reasoning'])?.['effort']);
  const conversation = asObject(body['conversation'])?.['id'] ?? body['conversation'];
  putString(attributes, ATTR_CONVERSATION_ID, conversation);
  putTier(attributes, body);
  return attributes;
}

/** Searches that are charged: as the response counts them itself, else those in its output. */
function searchesOf(response: Json, seen: number): number {
  const counted = asObject(asObject(response['tool_usage'])?.['web_search'])?.['num_requests'];
  if (typeof counted === 'number') return counted;
  const items = objectsIn(response['output']);
  return items.length === 0 ? seen : items.filter(isSearch).length;
}

/** Why a response ended, in the words of chat completions. */
function finishReason(response: Json): string | undefined {
  switch (response['status']) {
    case 'completed':
      return objectsIn(response['output']).some((item) =>
        /^(function|custom_tool)_call$/.test(String(item['type'])),
      )
        ? 'tool_calls'
        : 'stop';
    case 'incomplete': {
      const reason = asObject(response['incomplete_details'])?.['reason'];
      if (reason === 'max_output_tokens') return 'length';
      return typeof reason === 'string' ? reason : 'incomplete';
    }
    case 'failed':
      return 'error';
    case 'cancelled':
      return 'cancelled';
    default:
      return undefined;
  }
}

/** Sees a response whose usage is being told, for what is charged apart from it. */
export type OnUsage = (response: Json) => void;

/** `seen`: searches that a stream has shown. */
function usageOf(response: Json, seen: number, onUsage: OnUsage | undefined): Attributes {
  const attributes: Attributes = {};
  putTokenUsage(attributes, asObject(response['usage']), response['model']);
  const searches = searchesOf(response, seen);
  if (searches > 0) putCount(attributes, ATTR_WEB_SEARCHES, searches);
  onUsage?.(response);
  return attributes;
}

/** Who answered, at which tier, and what was used, of a response or of what is left of one. */
export function responseAttributes(response: Json): Attributes {
  const attributes: Attributes = {};
  putIdentity(attributes, response);
  return Object.assign(attributes, usageOf(response, 0, undefined));
}

function describe(response: Json): Attributes {
  const attributes: Attributes = {};
  putIdentity(attributes, response);
  putFinishReason(attributes, finishReason(response));
  return attributes;
}

/** What a call that makes a response tells: its usage, unless it goes on in the background. */
function createdAttributes(parsed: unknown, params: unknown, seen: number, onUsage?: OnUsage): Attributes {
  const response = asObject(parsed);
  if (response === undefined) return {};
  const attributes = describe(response);
  const background = response['background'] === true || asObject(params)?.['background'] === true;
  if (background && isUnderWay(response)) {
    noteBegun(response);
    attributes[ATTR_USAGE_DEFERRED] = true;
    return attributes;
  }
  if (background) noteTold(response);
  return Object.assign(attributes, usageOf(response, seen, onUsage));
}

/**
 * What a call that looks at a response tells: as a rule no usage, since the call that made the response told it. The
 * first look at a response that ran in the background and is over tells it, and counts as the request itself, for whom
 * that was.
 */
function fetchedAttributes(parsed: unknown, seen: number, onUsage?: OnUsage): Attributes {
  const response = asObject(parsed);
  if (response === undefined) return {};
  const attributes = describe(response);
  if (!takesUsage(response)) return attributes;
  const begun = begunFor(response);
  const whom = { ...attributionOf(tellingContext()), ...begun };
  const usage = attributedTo(whom, () => usageOf(response, seen, onUsage));
  return Object.assign(attributes, begun, usage, { [ATTR_OPERATION]: 'chat' });
}

/** What the model reads is not all in the request; a value that is no text says so. */
const ELSEWHERE = new Uint8Array();

function requestSize(params: unknown): TextSize {
  const size = sizeOfParts(params, ['instructions', 'input', 'tools']);
  const body = asObject(params);
  for (const reference of ['previous_response_id', 'conversation', 'prompt']) {
    if (body?.[reference] !== undefined && body[reference] !== null) size.addAll(ELSEWHERE);
  }
  return size;
}

/** Responses, streamed and not; `parse()` and `stream()` come through `create()`. */
export function responsesKind(onUsage?: OnUsage): CallKind {
  return {
    operation: 'chat',
    request,
    response: (response, body) => createdAttributes(response, body, 0, onUsage),
    stream: (capture) =>
      new ResponsesStreamReader(capture, (response, seen) =>
        createdAttributes(response, undefined, seen, onUsage),
      ),
    requestSize,
    responseSize: (response) => sizeOfParts(response, ['output']),
    content: RESPONSES_CONTENT,
  };
}

/** A look at a response by its id, as often as the app likes: `retrieve()`, also streamed, and `cancel()`. */
export function fetchKind(onUsage?: OnUsage): CallKind {
  return {
    operation: 'fetch_response',
    body: ([id]) => ({ id }),
    request: (resource, params) => {
      const attributes = openaiRequest(resource, {}, 'fetch_response', 'openai');
      putString(attributes, ATTR_RESPONSE_ID, asObject(params)?.['id']);
      return attributes;
    },
    response: (response) => fetchedAttributes(response, 0, onUsage),
    stream: (capture) =>
      new ResponsesStreamReader(capture, (response, seen) => fetchedAttributes(response, seen, onUsage)),
  };
}

/** Decisions: questions about a text, answered by a model that is paid by tokens. */
export const DECISIONS: CallKind = {
  operation: 'chat',
  request: (resource, params) => openaiRequest(resource, asObject(params) ?? {}, 'chat', 'openai'),
  response: (parsed) => {
    const body = asObject(parsed);
    const attributes: Attributes = {};
    if (body === undefined) return attributes;
    putIdentity(attributes, body);
    putTokenUsage(attributes, asObject(body['usage']), body['model']);
    return attributes;
  },
};
