import { anthropicEvents, anthropicMessage } from '@spanmeter/collector/dist/demo/providers/anthropic.js';
import {
  sendChunks,
  sendJson,
  startStandIn,
  type Exchange,
  type StandIn,
  type StreamEvent,
  type WireFormat,
} from '@spanmeter/collector/dist/demo/providers/stand-in.js';
import { bedrockBody, bedrockChunks, converseUsage } from './bedrock-models.ts';
import { exceptionFrame, jsonFrame } from './event-stream.ts';
import { withHttp2 } from './http2-front.ts';

const PATH = /\/model\/([^/]+)\/(converse|converse-stream|invoke|invoke-with-response-stream|count-tokens)$/;

const EXCEPTIONS: Readonly<Record<number, string>> = {
  400: 'ValidationException',
  403: 'AccessDeniedException',
  404: 'ResourceNotFoundException',
  429: 'ThrottlingException',
  503: 'ServiceUnavailableException',
};

const ERROR_EVENT: StreamEvent = { event: 'modelStreamErrorException', data: 'The server had an error' };

function modelOf(path: string): string {
  return decodeURIComponent(PATH.exec(path)?.[1] ?? '');
}

function converse(exchange: Exchange): unknown {
  const content =
    exchange.behaviour.tool === true
      ? [{ toolUse: { toolUseId: 'tooluse_1', name: 'lookup', input: { q: 'status' } } }]
      : [{ text: 'A stand-in answers.' }];
  return {
    output: { message: { role: 'assistant', content } },
    stopReason: exchange.behaviour.tool === true ? 'tool_use' : 'end_turn',
    usage: converseUsage(exchange.usage),
    metrics: { latencyMs: 5 },
    ...serviceTier(exchange),
  };
}

function serviceTier({ behaviour }: Exchange): object {
  return behaviour.serviceTier === undefined ? {} : { serviceTier: { type: behaviour.serviceTier } };
}

function* converseEvents(exchange: Exchange): Generator<StreamEvent> {
  yield { event: 'messageStart', data: { role: 'assistant' } };
  for (let sent = 1; sent <= (exchange.behaviour.chunks ?? 8); sent += 1) {
    const delta = { contentBlockIndex: 0, delta: { text: `word${sent} ` } };
    yield { event: 'contentBlockDelta', data: delta, content: true };
  }
  yield { event: 'contentBlockStop', data: { contentBlockIndex: 0 } };
  yield { event: 'messageStop', data: { stopReason: 'end_turn' } };
  const usage = converseUsage(exchange.usage);
  const data = { usage, metrics: { latencyMs: 5 }, ...serviceTier(exchange) };
  yield { event: 'metadata', data, usage: true };
}

/** The model's own events, each as the bytes of a chunk; the last one has Bedrock's own counts too. */
function* chunks(events: Iterable<StreamEvent>): Generator<StreamEvent> {
  for (const event of events) {
    const bytes = Buffer.from(JSON.stringify(event.data)).toString('base64');
    yield { ...event, event: 'chunk', data: { bytes, p: 'abc' } };
  }
}

function sendEvents(exchange: Exchange, events: Iterable<StreamEvent>): Promise<void> {
  return sendChunks(exchange, events, {
    contentType: 'application/vnd.amazon.eventstream',
    headers: {
      'x-amzn-requestid': exchange.request.id,
      'x-amzn-bedrock-content-type': 'application/json',
    },
    encode: ({ event = 'chunk', data }) =>
      typeof data === 'string' ? exceptionFrame(event, data) : jsonFrame(event, data),
    errorEvent: ERROR_EVENT,
  });
}

function sendBody(exchange: Exchange): void {
  const model = exchange.request.model;
  const { usage, response } = exchange;
  response.setHeader('x-amzn-bedrock-input-token-count', String(usage.input));
  response.setHeader('x-amzn-bedrock-output-token-count', String(usage.output));
  sendJson(exchange, model.includes('claude') ? anthropicMessage(exchange) : bedrockBody(exchange));
}

/** Bedrock's runtime: Converse for every model, and models' own bodies. */
export const BEDROCK_FORMAT: WireFormat = {
  async answer(exchange) {
    const [, , action] = PATH.exec(exchange.request.path) ?? [];
    if (action === undefined) return false;
    exchange.response.setHeader('x-amzn-requestid', exchange.request.id);
    const claude = exchange.request.model.includes('claude');
    switch (action) {
      case 'converse':
        sendJson(exchange, converse(exchange));
        return true;
      case 'converse-stream':
        await sendEvents(exchange, converseEvents(exchange));
        return true;
      case 'invoke':
        sendBody(exchange);
        return true;
      case 'invoke-with-response-stream':
        await sendEvents(exchange, chunks(claude ? anthropicEvents(exchange) : bedrockChunks(exchange)));
        return true;
      default:
        sendJson(exchange, { inputTokens: exchange.usage.input });
        exchange.request.usageSent = false;
        return true;
    }
  },
  error: (status) => ({
    __type: EXCEPTIONS[status] ?? 'InternalServerException',
    message: `The stand-in was asked to answer ${status}`,
  }),
  knows: (path) => PATH.test(path),
  asked: (path) => ({ model: modelOf(path), stream: path.endsWith('-stream') }),
};

/** A local server that speaks the wire format of Bedrock's runtime, over HTTP/2 too, as newer SDKs do. */
export async function startBedrockStandIn(): Promise<StandIn> {
  return withHttp2(await startStandIn(BEDROCK_FORMAT));
}
